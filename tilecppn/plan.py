"""Plans a picture: canvas → levels → shards → tiles, by integer arithmetic only.

Pixels are addressed (row, column); intervals are half-open. Level 0 is full size, each next
level halves it, and the last is the first that one tile holds. A level is cut into shards and a
shard into tiles; shards at the right and lower edge are cut by the canvas.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, NamedTuple, Protocol

from tilecppn.scene.sections import Canvas, Output

BLOCK = 64  # side in pixels of a block of the global grid, whose pixels are drawn together


class Window(NamedTuple):
    """The pixels top ≤ row < bottom, left ≤ column < right of one level."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.right - self.left

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.height * self.width

    def intersection(self, other: "Window") -> "Window":
        """Return the intersection with a window that overlaps or touches this one."""
        return Window(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def moved(self, rows: int, cols: int) -> "Window":
        """Return the window moved down by `rows` and to the right by `cols`."""
        return Window(self.top + rows, self.left + cols, self.bottom + rows, self.right + cols)

    def split(self, height: int, width: int) -> Iterator["Window"]:
        """Cut this window into pieces of at most height × width, row by row from the upper left."""
        for top in range(self.top, self.bottom, height):
            for left in range(self.left, self.right, width):
                yield Window(
                    top, left, min(top + height, self.bottom), min(left + width, self.right)
                )


class Task(Protocol):
    """A unit of a run's work: hashable, picklable, and equal to its copies."""

    @property
    def name(self) -> str:
        """The task's name in messages."""

    @property
    def kind(self) -> str:
        """A word for tasks that take about equally long, as "draw"."""


class TaskGraph(Protocol):
    """The tasks of a run and their dependencies. Every task has at most one parent.

    The methods take the tasks that `order` yields.
    """

    @property
    def tasks(self) -> int:
        """The number of tasks."""

    @property
    def pixels(self) -> int:
        """The number of pixels that all tasks draw."""

    def pixels_of(self, task: Any, /) -> int:
        """Return how many pixels a task draws; 0 if it only uses the pixels of its children."""

    def parent(self, task: Any, /) -> Task | None:
        """Return the task that depends on this one and its siblings; None if there is none."""

    def ancestors(self, task: Any, /) -> Iterator[Task]:
        """Iterate over a task's parent, grandparent, and so on."""

    def order(self, shuffle: Random | None = None) -> Iterator[Task]:
        """Iterate over every task once, children before parents."""


class Shard(NamedTuple):
    """A shard of a still: its level, and its row and column among the level's shards.

    Drawing it, or building it from the level below, is one task.
    """

    level: int
    row: int
    col: int

    @property
    def name(self) -> str:
        """The shard's name in messages, as "level 0 row 3 column 2"."""
        return f"level {self.level} row {self.row} column {self.col}"

    @property
    def kind(self) -> str:
        """The kind of task: "draw" on level 0, "downsample" on the others."""
        return "downsample" if self.level else "draw"


@dataclass(frozen=True)
class Level:
    """A level: its size in pixels, and the side of its tiles and shards.

    A level smaller than a whole shard has the smallest shard that holds it.
    """

    index: int
    width: int
    height: int
    tile: int
    shard: int

    @property
    def rows(self) -> int:
        """The number of rows of shards."""
        return ceil_div(self.height, self.shard)

    @property
    def cols(self) -> int:
        """The number of columns of shards."""
        return ceil_div(self.width, self.shard)

    @property
    def tiles(self) -> int:
        """The number of tiles of the level."""
        return ceil_div(self.height, self.tile) * ceil_div(self.width, self.tile)

    @property
    def window(self) -> Window:
        """The window of all pixels of the level."""
        return Window(0, 0, self.height, self.width)


@dataclass(frozen=True)
class Plan(TaskGraph):
    """The levels, shards and tiles of a canvas, for its size and layout."""

    width: int
    height: int
    channels: int
    itemsize: int  # bytes of one stored value
    tile: int
    shard: int

    @classmethod
    def of(cls, canvas: Canvas, output: Output, channels: int) -> "Plan":
        """Return the plan for a scene's sections; channels: of the picture."""
        return cls(
            canvas.width, canvas.height, channels, output.itemsize, output.tile, output.shard
        )

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """All levels, full size first; the last fits into one tile."""
        levels: list[Level] = []
        width, height = self.width, self.height
        while True:
            shard = self.tile
            while shard < min(self.shard, max(width, height)):
                shard *= 2
            levels.append(Level(len(levels), width, height, self.tile, shard))
            if max(width, height) <= self.tile:
                return tuple(levels)
            width, height = halved(width), halved(height)

    @property
    def shards(self) -> int:
        """The number of shards of all levels."""
        return sum(level.rows * level.cols for level in self.levels)

    @property
    def tasks(self) -> int:
        return self.shards

    @property
    def tiles(self) -> int:
        """The number of tiles of all levels."""
        return sum(level.tiles for level in self.levels)

    @property
    def pixels(self) -> int:
        """The number of pixels of the canvas, level 0."""
        return self.width * self.height

    @property
    def bytes(self) -> int:
        """The bytes of all levels before compression."""
        pixels = sum(level.width * level.height for level in self.levels)
        return pixels * self.channels * self.itemsize

    @property
    def shard_bytes(self) -> int:
        """The bytes of the largest shard before compression."""
        return self.levels[0].shard ** 2 * self.channels * self.itemsize

    def window(self, shard: Shard) -> Window:
        """Return a shard's window in its level."""
        level = self.levels[shard.level]
        top, left = shard.row * level.shard, shard.col * level.shard
        return Window(
            top,
            left,
            min(top + level.shard, level.height),
            min(left + level.shard, level.width),
        )

    def pixels_of(self, shard: Shard) -> int:
        return 0 if shard.level else self.window(shard).pixels

    def children(self, shard: Shard) -> tuple[Shard, ...]:
        """Return the shards, at most 4, of the level below from which a shard is built."""
        if shard.level == 0:
            return ()
        below = self.levels[shard.level - 1]
        top, left, bottom, right = self.window(shard)
        return tuple(
            Shard(below.index, row, col)
            for row in range(
                2 * top // below.shard, min(ceil_div(2 * bottom, below.shard), below.rows)
            )
            for col in range(
                2 * left // below.shard, min(ceil_div(2 * right, below.shard), below.cols)
            )
        )

    def parent(self, shard: Shard) -> Shard | None:
        if shard.level == len(self.levels) - 1:
            return None
        side, above = self.levels[shard.level].shard, self.levels[shard.level + 1].shard
        return Shard(
            shard.level + 1, shard.row * side // 2 // above, shard.col * side // 2 // above
        )

    def ancestors(self, shard: Shard) -> Iterator[Shard]:
        """Yield the parent, grandparent … up to the one shard of the last level."""
        above = self.parent(shard)
        while above is not None:
            yield above
            above = self.parent(above)

    def order(self, shuffle: Random | None = None) -> Iterator[Shard]:
        """Iterate over every shard once, children before parents, neighbours close in time.

        Lazy: a canvas of 10¹¹ shards costs no memory. shuffle: shuffles the children of each shard.
        """
        return self._below(Shard(len(self.levels) - 1, 0, 0), shuffle)

    def _below(self, shard: Shard, shuffle: Random | None) -> Iterator[Shard]:
        children = list(self.children(shard))
        if shuffle is not None:
            shuffle.shuffle(children)
        for child in children:
            yield from self._below(child, shuffle)
        yield shard


def halved(n: int) -> int:
    """Return the length of a side on the next level, in pixels: half, rounded up."""
    return (n + 1) // 2


def ceil_div(a: int, b: int) -> int:
    """Return a / b, rounded up."""
    return -(-a // b)
