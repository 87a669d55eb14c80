"""What is shown: a scene, drawn when it is asked for, or a store, finished or not."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.source import Source, sizes
from tilecppn.kernels import EvaluationContext, Kernel, Memory, create, require
from tilecppn.pixels.window import render_window
from tilecppn.plan import Plan, Shard, Window, ceil_div
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store
from tilecppn.version import VERSION

FORMAT = ExportOptions(format="png")
KERNELS = 8  # that a thread keeps: one a level
LOOKED_FOR = 1024  # shards, at most, that are looked for to shade one tile
SHADE = 0.35  # brightness of what is not stored yet
COUNTED_EVERY = 1.0  # seconds between two counts of a store's shards, at least


class Tile(NamedTuple):
    """A tile's place; level 0 is full size."""

    level: int
    row: int
    col: int


class EncodedTile(NamedTuple):
    """A tile's file. One that is not final is drawn again when it is asked for again."""

    data: bytes
    final: bool = True


class Progress(NamedTuple):
    """How many of a store's shards are there."""

    done: int
    shards: int


class Painter(Protocol):
    """Makes tiles, in one thread."""

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Make a tile; `check_cancelled` is called between pieces of the work and may raise."""
        ...


class Picture(Protocol):
    """A pyramid of tiles without overlap.

    `version` changes whenever the bytes of a tile may.
    """

    @property
    def title(self) -> str:
        """What it is called on the page."""
        ...

    @property
    def scene(self) -> Scene:
        """What is shown, and the size of its tiles."""
        ...

    @property
    def version(self) -> str:
        """Letters and digits, safe in an address."""
        ...

    def painter(self) -> Painter:
        """Return a painter for the thread that calls."""
        ...

    def progress(self) -> Progress | None:
        """How far the picture is rendered; None if there is nothing to wait for."""
        ...


def level_sizes(scene: Scene) -> list[tuple[int, int]]:
    """(width, height) of every level, full size first, down to one pixel."""
    return sizes(scene.canvas.width, scene.canvas.height)


def tile_window(scene: Scene, tile: Tile) -> Window | None:
    """The pixels of its level that a tile covers; None if the picture has no such tile."""
    levels, side = level_sizes(scene), scene.output.tile
    if not 0 <= tile.level < len(levels):
        return None
    width, height = levels[tile.level]
    top, left = tile.row * side, tile.col * side
    if not (0 <= top < height and 0 <= left < width):
        return None
    return Window(top, left, min(top + side, height), min(left + side, width))


def _window(scene: Scene, tile: Tile) -> Window:
    window = tile_window(scene, tile)
    assert window is not None  # whoever asks has looked
    return window


def _version(*parts: str) -> str:
    return sha256("\n".join([VERSION, *parts]).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class ScenePicture:
    """A scene of which nothing is stored.

    Tiles at full size have the pixels that `render` would store. A smaller level is the scene
    drawn at that level's size, not the mean of larger ones.
    """

    scene: Scene
    title: str
    kernel: str = "auto"

    @cached_property
    def version(self) -> str:
        """Of the scene and of what draws it. Raises InvalidRequestError if it cannot be drawn."""
        kernel = require(self.kernel, self.scene.output.precision)
        return _version("scene", self.scene.fingerprint, kernel, str(self.scene.output.tile))

    def painter(self) -> "ScenePainter":
        """Return a painter with kernels of its own."""
        return ScenePainter(self.scene, self.kernel)

    def progress(self) -> None:
        """Return None: nothing is rendered."""
        return


class ScenePainter:
    """Draws tiles with kernels that stay warm, the most recent ones."""

    def __init__(self, scene: Scene, kernel: str) -> None:
        self.scene, self.kernel = scene, kernel
        self.memory = Memory()
        self.levels: OrderedDict[int, tuple[Scene, Kernel]] = OrderedDict()

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Draw and encode a tile."""
        pixels = self.draw(tile, check_cancelled)
        check_cancelled()
        return EncodedTile(FORMAT.encode(pixels))

    def draw(self, tile: Tile, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """Return the pixels (channels, height, width) of a tile as a store would have them."""
        scene, kernel = self._level(tile.level)
        return render_window(kernel, scene, _window(self.scene, tile), check_cancelled)

    def _level(self, level: int) -> tuple[Scene, Kernel]:
        if level not in self.levels:
            width, height = level_sizes(self.scene)[level]
            size = {"width": width, "height": height}
            scene = self.scene if level == 0 else self.scene.replace(canvas=size)
            kernel = create(self.kernel, EvaluationContext.of(scene), self.memory)
            self.levels[level] = scene, kernel
            if len(self.levels) > KERNELS:
                self.levels.popitem(last=False)
        self.levels.move_to_end(level)
        return self.levels[level]


@dataclass(frozen=True)
class StorePicture:
    """A store. What is not stored yet is drawn like a scene's tiles, and darkened."""

    store: Store
    title: str
    _counter: "ShardCounter" = field(init=False)

    def __post_init__(self) -> None:
        Source(self.store, partial=True)  # raises ExportError if its metadata is damaged
        object.__setattr__(self, "_counter", ShardCounter(self.store))

    @property
    def scene(self) -> Scene:
        """The scene that the store was begun with."""
        return self.store.scene

    @cached_property
    def version(self) -> str:
        """Of this store, whichever part of it is there."""
        store = self.store
        return _version("store", store.scene.fingerprint, repr(store.arithmetic), str(store.path))

    def painter(self) -> "StorePainter":
        """Return a painter that has opened the store for itself."""
        return StorePainter(Store(self.store.path))  # a Store belongs to one thread

    def progress(self) -> Progress:
        """Count the shards that are there."""
        return self._counter.count()


class StorePainter:
    """Reads tiles of a store, and draws those that are not there."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.source = Source(store, partial=True)
        exact = store.scene.replace(output={"precision": "exact"})  # the only one that all have
        self.draft = ScenePainter(exact, "auto")

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Read a tile, or draw it and darken what is missing.

        Raises StoreError if another store took this one's place, RenderError if it is damaged.
        """
        self.store.check_in_place()
        window = _window(self.store.scene, tile)
        if self._is_stored(tile.level, window):
            return EncodedTile(FORMAT.encode(self.source.read(tile.level, window)))
        pixels = self.draft.draw(tile, check_cancelled)
        for part in missing(self.store.plan, tile.level, window, self.store.has):
            top, left = part.top - window.top, part.left - window.left
            dark = pixels[:, top : top + part.height, left : left + part.width]
            np.multiply(dark, SHADE, out=dark, casting="unsafe")
        check_cancelled()
        return EncodedTile(FORMAT.encode(pixels), final=False)

    def _is_stored(self, level: int, window: Window) -> bool:
        """Whether the shard that holds a tile is there; smaller levels are made of the last."""
        levels = self.store.plan.levels
        if level >= len(levels):
            return self.store.has(Shard(len(levels) - 1, 0, 0))
        side = levels[level].shard
        return self.store.has(Shard(level, window.top // side, window.left // side))


def missing(
    plan: Plan, level: int, window: Window, has: Callable[[Shard], bool]
) -> Iterator[Window]:
    """The parts of a window of a level whose shards are missing.

    The shards are those of the largest level that has LOOKED_FOR at most of them in the window.
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
                yield Window(
                    max(row * side >> zoom, window.top),
                    max(col * side >> zoom, window.left),
                    min(ceil_div((row + 1) * side, 1 << zoom), window.bottom),
                    min(ceil_div((col + 1) * side, 1 << zoom), window.right),
                )


class ShardCounter:
    """Counts the shards of a store, by what its folders list; from any thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lock = threading.Lock()
        self.found = Progress(0, store.plan.shards)
        self.next = 0.0  # time of the next count

    def count(self) -> Progress:
        """Return the progress; at most a second old, or ten times as long as a count takes."""
        with self.lock:
            start = time.monotonic()
            if start >= self.next and self.found.done < self.found.shards:
                done = sum(self._listed(level.index) for level in self.store.plan.levels)
                self.found = self.found._replace(done=done)
                end = time.monotonic()
                self.next = end + max(COUNTED_EVERY, 10.0 * (end - start))
            return self.found

    def _listed(self, level: int) -> int:
        count = 0
        try:
            with os.scandir(self.store.path / str(level) / "c" / "0") as rows:
                folders = [row.path for row in rows if row.name.isdigit()]
            for folder in folders:
                with os.scandir(folder) as cols:
                    count += sum(col.name.isdigit() and col.stat().st_size > 0 for col in cols)
        except OSError:  # not begun, or removed meanwhile
            pass
        return count
