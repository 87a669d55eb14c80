"""A cache of shards at half size, kept in memory until their parent is built.

Reading a level back to make the next one takes longer than drawing a smooth picture. In the plan's
order parents follow soon, so a few shards are enough; others are read from the store again.
"""

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.plan import Shard

KEPT = 9  # the children of one parent on each of two levels, and the shard being drawn


class DownsampleCache:
    """The 2×2 means of at most `kept` shards; the oldest is dropped first.

    One more is kept for each further thread that shares the cache. Its contents are not pickled.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = self._most = kept
        self._pixels: OrderedDict[Shard, NDArray[Any]] = OrderedDict()
        self._unused: list[NDArray[Any]] = []
        self._lock = threading.Lock()

    def share(self, threads: int) -> None:
        """Set the number of threads that share the cache."""
        self._most = self.kept + threads - 1

    def put(self, shard: Shard, pixels: NDArray[Any]) -> None:
        """Keep the 2×2 means (channels, height, width) of a shard."""
        with self._lock:
            self._pixels.pop(shard, None)
            self._pixels[shard] = pixels
            if len(self._pixels) > self._most:
                self._pixels.popitem(last=False)

    def take(self, shard: Shard) -> NDArray[Any] | None:
        """Remove and return a shard's means; None if they are not in the cache."""
        with self._lock:
            return self._pixels.pop(shard, None)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Return an array like np.empty, in released memory if that fits, which saves time."""
        with self._lock:
            for number, pixels in enumerate(self._unused):
                if pixels.shape == shape and pixels.dtype == dtype:
                    return self._unused.pop(number)
        return np.empty(shape, dtype)

    def release(self, pixels: NDArray[Any]) -> None:
        """Release means that are no longer needed, so that `empty` reuses their memory."""
        with self._lock:
            self._unused = [pixels, *self._unused][: self._most]

    def __reduce__(self) -> tuple[type["DownsampleCache"], tuple[int]]:
        return DownsampleCache, (self.kept,)
