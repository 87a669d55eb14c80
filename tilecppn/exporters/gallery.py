"""A gallery: variants of one scene on one labelled sheet."""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.addresses import AnyPath
from tilecppn.errors import InvalidRequestError
from tilecppn.exporters import contact_sheet as sheets
from tilecppn.pixels.picture import Picture
from tilecppn.pixels.preview import preview
from tilecppn.scene.parsing import Given, merged
from tilecppn.scene.scene import Scene, as_scene
from tilecppn.scene.validation import SeededAmount

SEEDS = range(25)  # if no variants are given
MOST = 2500  # most pictures on one sheet
LARGEST = 32768  # pixels of a sheet's side
DULL = 12.0  # pictures whose values have a smaller standard deviation, of 255, are dull


class Variant(NamedTuple):
    """One change to the scene, for one picture of a sheet."""

    label: str  # the override for --set
    section: str
    key: str
    value: Any

    @property
    def change(self) -> Given:
        """The change as arguments of `Scene.replace`."""
        return {self.section: {self.key: self.value}}


def gallery(
    scene: Scene | AnyPath,
    *,
    seeds: Sequence[int] | None = None,
    latents: Sequence[int] | None = None,
    mutations: Sequence[int] | None = None,
    amount: float = 0.1,
    palettes: Sequence[int] | None = None,
    presets: Sequence[str] | None = None,
    columns: int | None = None,
    width: int = 256,
    kernel: str = "auto",
    without_dull: bool = False,
    left_out: Callable[[str], object] = lambda label: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Picture:
    """Draw many variants of a scene on one sheet, uint8 (height, width, 3), displayed in notebooks.

    Each label shows the overrides that give its picture. With several kinds of variants, all
    combinations are drawn.

    scene: a Scene, or a path that `Scene.load` takes.
    seeds: of the weights; 0 to 24 if no variants are given.
    latents: seeds of the latent.
    mutations: seeds of mutations of the network by `amount`, 0 to 1.
    palettes: seeds of palettes.
    presets: names of presets.
    columns: pictures in a row; by default about as many as rows, or with several kinds one for each
    variant of the last kind given, in the order presets, seeds, mutations, palettes, latents.
    width: pixels along the longer side of a picture.
    without_dull: leave out pictures of nearly one colour; `left_out` is called with their labels.
    progress: called with the pixels drawn so far and in all.

    Raises InvalidRequestError for variants that the scene does not support, a sheet that is too
    large, or one without any picture.
    """
    scene = as_scene(scene)
    kinds = _kinds(scene, presets, seeds, mutations, palettes, latents, amount)
    variants = list(itertools.product(*kinds))
    if not variants:
        raise InvalidRequestError("a gallery needs at least one seed")
    if columns is None:
        columns = len(kinds[-1]) if len(kinds) > 1 else math.ceil(math.sqrt(len(variants)))
    if columns < 1:
        raise InvalidRequestError(f"--columns {columns}: must be 1 at least")
    canvas = scene.canvas
    across = max(1, round(width * canvas.width / max(canvas.width, canvas.height)))
    cell = (across, max(1, round(canvas.height * across / canvas.width)))
    size = sheets.sheet_size(len(variants), columns, cell, len(variants[0]))
    if len(variants) > MOST or max(size) > LARGEST:
        raise InvalidRequestError(
            f"a sheet of {len(variants)} pictures, {size[0]} × {size[1]} pixels: at most {MOST} "
            f"and {LARGEST} a side; use fewer seeds or a smaller --width"
        )
    entries: list[sheets.Entry] = []
    pixels = across * cell[1]
    for number, variant in enumerate(variants, 1):
        changed = scene.replace(**reduce(merged, (part.change for part in variant)))
        label = [f"--set {part.label}" for part in variant]
        picture = preview(changed, across, kernel)
        if without_dull and is_dull(picture):
            left_out(" ".join(label))
        else:
            entries.append(sheets.Entry(picture, label))
        progress(number * pixels, len(variants) * pixels)
    if not entries:
        raise InvalidRequestError(
            "all of these pictures are nearly of one colour; try other seeds, or without "
            "--without-dull"
        )
    return Picture.of(sheets.contact_sheet(entries, columns, cell))


def is_dull(picture: NDArray[np.uint8]) -> bool:
    """Return whether a picture (height, width, channels) is nearly of one colour."""
    flat = picture.reshape(-1, picture.shape[-1])
    return float(np.sqrt(flat.var(axis=0).mean())) < DULL


def _kinds(
    scene: Scene,
    presets: Sequence[str] | None,
    seeds: Sequence[int] | None,
    mutations: Sequence[int] | None,
    palettes: Sequence[int] | None,
    latents: Sequence[int] | None,
    amount: float,
) -> list[list[Variant]]:
    """Return the variants of each kind that was given."""
    if all(kind is None for kind in (presets, seeds, mutations, palettes, latents)):
        seeds = SEEDS
    for option, names in (("--seeds", seeds), ("--presets", presets)):
        if names is not None and scene.source.weights is not None:
            raise InvalidRequestError(
                f"{option}: the scene's network comes from a weights file; use --latents or "
                "--mutations"
            )
    if latents is not None and scene.latent.z is not None:
        raise InvalidRequestError(
            "--latents: the scene gives latent.z or latent.sum, which no seed changes; remove it"
        )
    kinds: list[tuple[Sequence[Any] | None, Callable[[Any], Variant]]] = [
        (presets, partial(_variant, "cppn", "preset")),
        (seeds, partial(_variant, "cppn", "seed")),
        (mutations, lambda seed: _mutation(scene, seed, amount)),
        (palettes, lambda seed: _variant("output", "palette", f"seed:{seed}")),
        (latents, partial(_variant, "latent", "seed")),
    ]
    return [[make(value) for value in given] for given, make in kinds if given is not None]


def _variant(section: str, key: str, value: Any) -> Variant:
    return Variant(f"{section}.{key}={value}", section, key, value)


def _mutation(scene: Scene, seed: int, amount: float) -> Variant:
    """Return the scene's mutations with one more."""
    steps = [*(scene.source.mutations or ()), SeededAmount(seed, amount)]
    tables = ", ".join(f"{{seed={step.seed}, amount={step.amount!r}}}" for step in steps)
    return Variant(f"'cppn.mutations=[{tables}]'", "cppn", "mutations", steps)
