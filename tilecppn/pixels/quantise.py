"""Quantises colours in [0, 1] to stored values, and stored values to 8 or 16 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.scene.sections import FULL, Output


def quantise(colour: NDArray[np.floating], output: Output, out: NDArray[Any]) -> None:
    """Quantise `colour`, of any shape, into `out` of dtype `output.dtype`; overwrite `colour`.

    Integers: clipped to [0, 1], times FULL, rounded half to even; NaN becomes 0.
    float32: unchanged. `output.invert` stores 1 - colour.
    """
    if output.invert:
        np.subtract(1.0, colour, out=colour)
    full = FULL.get(output.dtype)
    if full is not None:
        # fmax and fmin, unlike clip, return the number if the other is NaN.
        np.fmin(np.fmax(colour, 0.0, out=colour), 1.0, out=colour)
        np.rint(np.multiply(colour, full, out=colour), out=colour)
    np.copyto(out, colour, casting="unsafe")


def to_uint8(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert stored values of any dtype to 8 bits, rounded to nearest."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    out = np.empty(pixels.shape, np.uint8)
    quantise(pixels.astype(np.float32), Output(dtype="uint8"), out)
    return out


def to_uint16(pixels: NDArray[Any]) -> NDArray[np.uint16]:
    """Convert float32 values to 16 bits."""
    out = np.empty(pixels.shape, np.uint16)
    quantise(pixels.astype(np.float32), Output(dtype="uint16"), out)
    return out
