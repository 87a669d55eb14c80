"""A gallery: one scene with many seeds, on one labelled sheet."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import InvalidRequestError
from tilecppn.exporters import contact_sheet as sheets
from tilecppn.pixels.window import preview
from tilecppn.scene.scene import Scene, as_scene

SEEDS = range(25)  # where neither seeds nor latents are given
MOST = 2500  # pictures of one sheet
LARGEST = 32768  # pixels of a sheet's side


def gallery(
    scene: Scene | str | Path,
    *,
    seeds: Sequence[int] | None = None,
    latents: Sequence[int] | None = None,
    columns: int | None = None,
    width: int = 256,
    kernel: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.uint8]:
    """Draw a scene with many seeds on one sheet, uint8 (height, width, 3).

    Each label is the override that gives its picture.
    scene: a Scene, or a path that `Scene.load` takes.
    seeds: of the weights; 0 to 24 where neither these nor `latents` are given.
    latents: seeds of the latent; with both, a row for each seed and a column for each latent.
    columns: pictures in a row; None for about as many as there are rows.
    width: pixels of a picture's longer side.
    progress: is called with the pixels done, and with all of them.

    Raises InvalidRequestError for seeds that the scene does not use, or too large a sheet.
    """
    scene = as_scene(scene)
    if seeds is None and latents is None:
        seeds = SEEDS
    variants = _variants(scene, seeds, latents)
    if columns is None:
        both = seeds is not None and latents is not None
        columns = len(latents or ()) if both else math.ceil(math.sqrt(len(variants)))
    canvas = scene.canvas
    across = max(1, round(width * canvas.width / max(canvas.width, canvas.height)))
    cell = (across, max(1, round(canvas.height * across / canvas.width)))
    size = sheets.sheet_size(len(variants), columns, cell, len(variants[0]))
    if len(variants) > MOST or max(size) > LARGEST:
        raise InvalidRequestError(
            f"a sheet of {len(variants)} pictures, {size[0]} × {size[1]} pixels: at most {MOST} "
            f"and {LARGEST} a side; use fewer seeds or a smaller --width"
        )
    entries = []
    for variant in variants:
        changed = scene.replace(**{name: {"seed": seed} for name, seed in variant.items()})
        label = [f"--set {name}.seed={seed}" for name, seed in variant.items()]
        entries.append(sheets.Entry(preview(changed, across, kernel), label))
        pixels = across * cell[1]
        progress(len(entries) * pixels, len(variants) * pixels)
    return sheets.contact_sheet(entries, columns, cell)


def _variants(
    scene: Scene, seeds: Sequence[int] | None, latents: Sequence[int] | None
) -> list[dict[str, int]]:
    """Section → seed, for each picture: every seed with every latent."""
    if seeds is not None and scene.source.weights is not None:
        raise InvalidRequestError(
            "--seeds: the scene's network comes from a weights file; use --latents"
        )
    if latents is not None and scene.latent.z is not None:
        raise InvalidRequestError(
            "--latents: the scene gives latent.z, which no seed changes; remove it"
        )
    rows = [{}] if seeds is None else [{"cppn": seed} for seed in seeds]
    columns = [{}] if latents is None else [{"latent": seed} for seed in latents]
    variants = [{**row, **column} for row in rows for column in columns]
    if not variants:
        raise InvalidRequestError("a gallery needs at least one seed")
    return variants
