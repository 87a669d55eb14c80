"""Level k from level k - 1: the mean of 2×2 stored pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDER = {np.dtype(np.uint8): np.uint16, np.dtype(np.uint16): np.uint32}


def mean2x2(pixels: NDArray[Any]) -> NDArray[Any]:
    """(c, h, w) → (c, ⌈h/2⌉, ⌈w/2⌉) of the same dtype.

    At an odd edge the last row or column counts twice. Integers round half to even,
    (s + 1 + ((s >> 2) & 1)) >> 2 for the sum s of four; float32 adds rows, then columns.
    """
    _, h, w = pixels.shape
    if h % 2 or w % 2:
        pixels = np.pad(pixels, ((0, 0), (0, h % 2), (0, w % 2)), mode="edge")
    wider = _WIDER.get(pixels.dtype)
    rows = np.add(pixels[:, 0::2], pixels[:, 1::2], dtype=wider)
    s = rows[:, :, 0::2] + rows[:, :, 1::2]
    if wider is None:
        return np.asarray(s * np.float32(0.25))
    half_to_even = (s >> 2) & 1
    half_to_even += 1
    s += half_to_even
    s >>= 2
    return np.asarray(s, pixels.dtype)
