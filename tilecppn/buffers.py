"""Arrays in memory that is aligned and reused, since fresh pages cost time."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Empty = Callable[[tuple[int, ...], Any], NDArray[Any]]  # like np.empty


def row_stride(array: NDArray[Any]) -> int:
    """Return the elements from one row to the next; rows themselves must be contiguous."""
    return array.strides[-2] // array.itemsize


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return an empty array that begins on a cache line."""
    count = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(count + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return np.asarray(raw[start : start + count].view(dtype).reshape(shape))


class Workspace:
    """Reusable memory for one array at a time."""

    def __init__(self) -> None:
        self._bytes = aligned((0,), np.uint8)

    def array(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Return an uninitialised array on a cache line; it invalidates the previous one."""
        dtype = np.dtype(dtype)
        count = math.prod(shape) * dtype.itemsize
        if count > self._bytes.size:
            self._bytes = aligned((count,), np.uint8)
        return np.asarray(self._bytes[:count].view(dtype).reshape(shape))
