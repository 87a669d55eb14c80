"""Reduces stored values to 8 bits with dither, so that slow gradients do not band."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.pixels.output_encoder import OutputEncoder, encode_into
from tilecppn.scene.sections import FULL

DITHERED = OutputEncoder("uint8", invert=False, dither=True)


def dithered(pixels: NDArray[Any], row: int, col: int) -> NDArray[np.uint8]:
    """Convert stored values (channels, height, width) of uint16 or float32 to 8 bits, dithered.

    row, col: the index of the first pixel in the whole picture. The noise is that of
    `output.dither`, which depends on a pixel's index, so that pieces fit together.
    """
    colours = pixels.astype(np.float32, order="C")
    if (full := FULL.get(pixels.dtype.name)) is not None:
        colours /= np.float32(full)
    out = np.empty(colours.shape, np.uint8)
    encode_into(DITHERED, colours[:, None], row, col, out)
    return out
