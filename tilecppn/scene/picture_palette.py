"""Palettes from pictures: the main colours of one, by lightness."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tilecppn.addresses import file_beside
from tilecppn.errors import AddressError, DataError, SceneError
from tilecppn.scene.oklab import hexadecimal, oklab, srgb
from tilecppn.scene.parsing import Given
from tilecppn.scene.validation import format_value

Array = NDArray[np.float64]

STOPS = 7  # at most: a flag has fewer colours
SIDE = 64  # pixels of the shorter side that are enough
GREY = 0.05  # weight of a grey pixel, beside its chroma: what is small and colourful counts, too
ROUNDS = 30


def is_picture(palette: object) -> bool:
    """Whether a palette names a picture's file: no colour map's name has a dot or a slash."""
    return isinstance(palette, str) and ("." in palette or "/" in palette)


def with_colours(given: Given, folder: Path) -> Given:
    """What was given, with the colours of a picture instead of its name in `output.palette`.

    The name is relative to `folder`. Raises SceneError if it cannot be read.
    """
    output = given.get("output", {})
    palette = output.get("palette")
    if not isinstance(palette, str) or not is_picture(palette):
        return given
    from tilecppn.pictures import read_picture

    try:
        picture = read_picture(file_beside(folder, palette), enough=SIDE)
    except (DataError, AddressError) as error:
        raise SceneError(
            f"output.palette = {format_value(palette)}: {error}", keys=["output.palette"]
        ) from None
    return {**given, "output": {**output, "palette": main_colours(np.asarray(picture))}}


def main_colours(picture: NDArray[np.uint8]) -> tuple[str, ...]:
    """2 to STOPS colours, "#rrggbb", from dark to light, of a picture (rows, cols) or (…, 3), sRGB.

    The centres of its clusters in OKLab (k-means by Lloyd's rounds, Least squares quantization in
    PCM, 1982), which begin as parts of equal weight by lightness. One colour comes twice.
    """
    rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    lab = oklab(rgb.reshape(-1, 3) / 255.0)
    lab = lab[np.argsort(lab[:, 0], kind="stable")]
    weights = GREY + np.hypot(lab[:, 1], lab[:, 2])
    sums = np.cumsum(weights)
    nearest = np.minimum((sums - 0.5 * weights) / sums[-1] * STOPS, STOPS - 1).astype(int)
    for _ in range(ROUNDS):
        nearest = np.unique(nearest, return_inverse=True)[1]  # clusters can come to be empty
        mass = np.bincount(nearest, weights)
        centres = np.stack([np.bincount(nearest, weights * c) / mass for c in lab.T], axis=-1)
        nearest = np.square(lab[:, None] - centres).sum(axis=2).argmin(axis=1)
    ordered = centres[np.argsort(centres[:, 0], kind="stable")]
    colours = tuple(hexadecimal(colour) for colour in srgb(ordered))
    return colours if len(colours) > 1 else 2 * colours
