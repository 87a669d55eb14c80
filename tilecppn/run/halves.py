"""Shards at half size, kept in memory from the moment they are drawn until their parent is built.

Reading a level back to make the next one takes longer than drawing a smooth picture. The plan's
order lets parents follow soon, so a few are enough; what is no longer here is read from the store.
"""

import threading
from collections import OrderedDict
from typing import Any

from numpy.typing import NDArray

from tilecppn.plan import Shard

KEPT = 4  # of each level: the children of one parent
LEVELS = 2  # the largest; those after them are read back soon enough


class Halves:
    """At most `kept` of each of LEVELS, the oldest given up first. Empty again when pickled."""

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self._levels: dict[int, OrderedDict[Shard, NDArray[Any]]] = {}
        self._lock = threading.Lock()

    def put(self, shard: Shard, pixels: NDArray[Any]) -> None:
        """Keep the 2×2 means (channels, height, width) of a shard."""
        if shard.level >= LEVELS:
            return
        with self._lock:
            level = self._levels.setdefault(shard.level, OrderedDict())
            level.pop(shard, None)
            level[shard] = pixels
            if len(level) > self.kept:
                level.popitem(last=False)

    def take(self, shard: Shard) -> NDArray[Any] | None:
        """A shard's means, which are forgotten here; None if they are not here."""
        with self._lock:
            return self._levels.get(shard.level, OrderedDict()).pop(shard, None)

    def __reduce__(self) -> tuple[type["Halves"], tuple[int]]:
        return Halves, (self.kept,)
