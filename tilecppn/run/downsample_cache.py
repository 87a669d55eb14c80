"""Shards at half size, kept in memory from the moment they are drawn until their parent is built.

Reading a level back to make the next one takes longer than drawing a smooth picture. The plan's
order lets parents follow soon, so a few are enough; what is no longer here is read from the store.
"""

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.plan import Shard

KEPT = 9  # the children of one parent on each of two levels, and what the thread draws meanwhile


class DownsampleCache:
    """At most `kept` of them, the oldest given up first. Empty again when pickled.

    Threads that share them keep one more for each beside the first.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = self._most = kept
        self._pixels: OrderedDict[Shard, NDArray[Any]] = OrderedDict()
        self._unused: list[NDArray[Any]] = []
        self._lock = threading.Lock()

    def share(self, threads: int) -> None:
        """Make room for so many threads."""
        self._most = self.kept + threads - 1

    def put(self, shard: Shard, pixels: NDArray[Any]) -> None:
        """Keep the 2×2 means (channels, height, width) of a shard."""
        with self._lock:
            self._pixels.pop(shard, None)
            self._pixels[shard] = pixels
            if len(self._pixels) > self._most:
                self._pixels.popitem(last=False)

    def take(self, shard: Shard) -> NDArray[Any] | None:
        """A shard's means, which are forgotten here; None if they are not here."""
        with self._lock:
            return self._pixels.pop(shard, None)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """As np.empty, in memory that was handed back if it fits: fresh pages cost time."""
        with self._lock:
            for number, pixels in enumerate(self._unused):
                if pixels.shape == shape and pixels.dtype == dtype:
                    return self._unused.pop(number)
        return np.empty(shape, dtype)

    def release(self, pixels: NDArray[Any]) -> None:
        """Means that were taken and that nobody looks at any more."""
        with self._lock:
            self._unused = [pixels, *self._unused][: self.kept // 2]

    def __reduce__(self) -> tuple[type["DownsampleCache"], tuple[int]]:
        return DownsampleCache, (self.kept,)
