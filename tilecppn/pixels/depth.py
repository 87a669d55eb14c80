"""Stored values in fewer bits, dithered, so that slow gradients do not band."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.pixels.output_encoder import OutputEncoder
from tilecppn.pixels.reconstruction import write
from tilecppn.scene.sections import FULL

DITHERED = OutputEncoder("uint8", invert=False, dither=True)


def dithered(pixels: NDArray[Any], row: int, col: int) -> NDArray[np.uint8]:
    """Stored values (channels, height, width) of 16 bits or float32 as 8 bits.

    row, col: the index in the whole picture of the first pixel. The noise is that of
    `output.dither`, by a pixel's index, so that pieces fit together.
    """
    colours = pixels.astype(np.float32, order="C")
    if (full := FULL.get(pixels.dtype.name)) is not None:
        colours /= np.float32(full)
    out = np.empty(colours.shape, np.uint8)
    write(DITHERED, colours[:, None], row, col, out)
    return out
