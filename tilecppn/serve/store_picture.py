"""A store, finished or not; missing parts are drawn on demand."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from tilecppn.cancellation import CheckCancelled
from tilecppn.exporters.source import Source
from tilecppn.plan import Plan, Shard, Window, ceil_div
from tilecppn.scene.scene import Scene
from tilecppn.serve.drawing import DrawingPainter
from tilecppn.serve.pictures import ScenePicture
from tilecppn.serve.pyramids import EncodedTile, Progress, Pyramid, Tile, version_of
from tilecppn.storage.store import Store

LOOKED_FOR: Final = 1024  # most shards that are looked up for shading one tile
SHADE: Final = 0.35  # brightness of missing parts
COUNTED_EVERY: Final = 1.0  # least number of seconds between two counts of a store's shards


@dataclass(frozen=True)
class StorePicture:
    """A store. Missing parts are drawn like a scene's tiles, and darkened."""

    store: Store
    title: str
    _counter: "ShardCounter" = field(init=False)
    _draft: ScenePicture = field(init=False)

    def __post_init__(self) -> None:
        Source(self.store, partial=True)  # raises ExportError if its metadata is damaged
        object.__setattr__(self, "_counter", ShardCounter(self.store))
        exact = self.scene.replace(output={"precision": "exact"})  # the only one of all kernels
        object.__setattr__(self, "_draft", ScenePicture(exact, self.title))

    @property
    def scene(self) -> Scene:
        """The scene in the store."""
        return self.store.scene

    @property
    def source(self) -> str:
        """The scene as TOML."""
        return self.scene.to_toml()

    @cached_property
    def version(self) -> str:
        """A version of the store, independent of how much of it exists."""
        store = self.store
        return version_of("store", store.scene.fingerprint, repr(store.arithmetic), str(store.path))

    @property
    def frames(self) -> None:
        """None, since it is a still."""
        return

    def pyramid(self, name: str) -> Pyramid | None:
        """Return the pyramid of the store, or of a view beyond its canvas, which is drawn."""
        return self._draft.pyramid(name)

    def painter(self) -> "StorePainter":
        """Return a painter with its own open store."""
        # A Store belongs to one thread.
        return StorePainter(Store(self.store.path), self._draft.painter())

    def progress(self) -> Progress:
        """Return the number of shards that exist, and of all."""
        return self._counter.count()


class StorePainter:
    """Reads tiles of a store, and draws missing ones."""

    def __init__(self, store: Store, draft: DrawingPainter) -> None:
        self.store, self.draft = store, draft
        self.source = Source(store, partial=True)

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Read a tile, or draw it and darken what is missing.

        Raises StoreError if another store has replaced this one, RenderError if it is damaged.
        """
        self.store.check_in_place()
        if tile.pyramid:  # a view beyond the canvas
            return self.draft.paint(tile, check_cancelled)
        window = self.draft.window(tile)
        if self._is_stored(tile.level, window):
            stored = self.source.read(tile.level, window)
            return EncodedTile.of(stored, self.store.scene)
        pixels = self.draft.draw(tile, check_cancelled)
        for part in missing(self.store.plan, tile.level, window, self.store.has):
            top, left = part.top - window.top, part.left - window.left
            dark = pixels[:, top : top + part.height, left : left + part.width]
            np.multiply(dark, SHADE, out=dark, casting="unsafe")
        check_cancelled()
        return EncodedTile.of(pixels, self.store.scene, final=False)

    def _is_stored(self, level: int, window: Window) -> bool:
        """Return whether the shard with a tile exists; the smallest levels are computed from the
        last shard.
        """
        levels = self.store.plan.levels
        if level >= len(levels):
            return self.store.has(Shard(len(levels) - 1, 0, 0))
        side = levels[level].shard
        return self.store.has(Shard(level, window.top // side, window.left // side))


def missing(
    plan: Plan, level: int, window: Window, has: Callable[[Shard], bool]
) -> Iterator[Window]:
    """Yield the parts of a window of a level whose shards are missing.

    The shards are those of the largest level that has at most LOOKED_FOR of them in the window.
    """
    for finer in plan.levels[: level + 1]:
        zoom, side = level - finer.index, finer.shard
        rows = range(
            (window.top << zoom) // side, min(ceil_div(window.bottom << zoom, side), finer.rows)
        )
        cols = range(
            (window.left << zoom) // side, min(ceil_div(window.right << zoom, side), finer.cols)
        )
        if len(rows) * len(cols) <= LOOKED_FOR:
            break
    for row in rows:
        for col in cols:
            if not has(Shard(finer.index, row, col)):
                shown = Window(
                    row * side >> zoom,
                    col * side >> zoom,
                    ceil_div((row + 1) * side, 1 << zoom),
                    ceil_div((col + 1) * side, 1 << zoom),
                )
                yield window.intersection(shown)


class ShardCounter:
    """Counts a store's shards by listing its folders; may be used from any thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lock = threading.Lock()
        self.found = Progress(0, store.plan.shards)
        self.next = 0.0  # time of the next count

    def count(self) -> Progress:
        """Return the progress, at most a second old, or ten times as long as a count takes."""
        with self.lock:
            start = time.monotonic()
            if start >= self.next and self.found.done < self.found.shards:
                done = sum(self._listed(level.index) for level in self.store.plan.levels)
                self.found = self.found._replace(done=done)
                end = time.monotonic()
                self.next = end + max(COUNTED_EVERY, 10.0 * (end - start))
            return self.found

    def _listed(self, level: int) -> int:
        try:
            return self.store.count_done(level)
        except OSError:  # removed meanwhile, or out of reach
            return 0
