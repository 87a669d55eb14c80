"""Makes a palette from a picture: its main colours, in order of lightness."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tilecppn.addresses import file_beside
from tilecppn.errors import AddressError, DataError, SceneError
from tilecppn.scene.oklab import hexadecimal, oklab, srgb
from tilecppn.scene.parsing import Given
from tilecppn.scene.validation import format_value

STOPS = 7  # at most; a flag has fewer colours
SIDE = 64  # pixels of the shorter side that suffice
GREY = 0.05  # added to chroma as a pixel's weight, so that small colourful parts count, too
ROUNDS = 30  # of k-means


def is_picture(palette: object) -> bool:
    """Return whether a palette is a picture's file name: no colour map has a dot or a slash."""
    return isinstance(palette, str) and ("." in palette or "/" in palette)


def with_colours(given: Given, folder: Path) -> Given:
    """Replace a picture's file name in `output.palette` by its main colours.

    The name is relative to `folder`. Raises SceneError if the file cannot be read.
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
    """Return 2 to STOPS colours "#rrggbb", dark to light, of an sRGB picture (rows, cols[, 3]).

    They are the centres of clusters in OKLab: k-means (S. Lloyd, Least squares quantization in
    PCM, 1982), which starts from parts of equal weight by lightness. A single colour is repeated.
    """
    rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    lab = oklab(rgb.reshape(-1, 3) / 255.0)
    lab = lab[np.argsort(lab[:, 0], kind="stable")]
    weights = GREY + np.hypot(lab[:, 1], lab[:, 2])
    sums = np.cumsum(weights)
    nearest = np.minimum((sums - 0.5 * weights) / sums[-1] * STOPS, STOPS - 1).astype(int)
    for _ in range(ROUNDS):
        nearest = np.unique(nearest, return_inverse=True)[1]  # clusters can become empty
        mass = np.bincount(nearest, weights)
        centres = np.stack([np.bincount(nearest, weights * c) / mass for c in lab.T], axis=-1)
        nearest = np.square(lab[:, None] - centres).sum(axis=2).argmin(axis=1)
    ordered = centres[np.argsort(centres[:, 0], kind="stable")]
    colours = tuple(hexadecimal(colour) for colour in srgb(ordered))
    return colours if len(colours) > 1 else 2 * colours
