"""Canvas → levels → shards → tiles: pure arithmetic on integers.

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

BLOCK = 64  # pixels: the side of a block of the global grid, in which pixels are drawn together


class Window(NamedTuple):
    """Pixels top ≤ row < bottom, left ≤ column < right of one level."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def pixels(self) -> int:
        """Height × width."""
        return self.height * self.width

    def intersection(self, other: "Window") -> "Window":
        """What lies in both; they must touch."""
        return Window(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def moved(self, rows: int, cols: int) -> "Window":
        """Return the window so many rows further down and columns to the right."""
        return Window(self.top + rows, self.left + cols, self.bottom + rows, self.right + cols)

    def split(self, height: int, width: int) -> Iterator["Window"]:
        """Cut this window into pieces of at most height × width, row by row from its upper left."""
        for top in range(self.top, self.bottom, height):
            for left in range(self.left, self.right, width):
                yield Window(
                    top, left, min(top + height, self.bottom), min(left + width, self.right)
                )


class Task(Protocol):
    """One piece of a run's work, a value: hashable, picklable, equal to its copies."""

    @property
    def name(self) -> str:
        """Its name in messages."""
        ...

    @property
    def kind(self) -> str:
        """A word for all tasks that take about equally long."""
        ...


class TaskGraph(Protocol):
    """The tasks of a run, and which are made from which. Every task has one parent at most.

    The methods take the tasks that `order` yields.
    """

    @property
    def tasks(self) -> int:
        """How many there are."""
        ...

    @property
    def pixels(self) -> int:
        """Pixels that all tasks draw."""
        ...

    def pixels_of(self, task: Any, /) -> int:
        """Pixels that a task draws; 0 if it only works on what its children have drawn."""
        ...

    def parent(self, task: Any, /) -> Task | None:
        """Return the task that is made from this one and its siblings."""
        ...

    def ancestors(self, task: Any, /) -> Iterator[Task]:
        """Parent, grandparent, and so on."""
        ...

    def order(self, shuffle: Random | None = None) -> Iterator[Task]:
        """Every task once, children before parents."""
        ...


class Shard(NamedTuple):
    """A shard of a still: its level, and its row and column among the level's shards.

    Drawing it, or building it from the level below, is one task.
    """

    level: int
    row: int
    col: int

    @property
    def name(self) -> str:
        """Its name in messages, as "level 0 row 3 column 2"."""
        return f"level {self.level} row {self.row} column {self.col}"

    @property
    def kind(self) -> str:
        """ "draw" on level 0, "downsample" on the others, which are built from it."""
        return "downsample" if self.level else "draw"


@dataclass(frozen=True)
class Level:
    """One level: its size in pixels, and the side of its shards.

    A level smaller than a whole shard has the smallest shard that holds it.
    """

    index: int
    width: int
    height: int
    tile: int
    shard: int

    @property
    def rows(self) -> int:
        """Rows of shards."""
        return ceil_div(self.height, self.shard)

    @property
    def cols(self) -> int:
        """Columns of shards."""
        return ceil_div(self.width, self.shard)

    @property
    def tiles(self) -> int:
        """Tiles of the level."""
        return ceil_div(self.height, self.tile) * ceil_div(self.width, self.tile)

    @property
    def window(self) -> Window:
        """All pixels of the level."""
        return Window(0, 0, self.height, self.width)


@dataclass(frozen=True)
class Plan:
    """The levels, shards and tiles that follow from the canvas' size and the layout."""

    width: int
    height: int
    channels: int
    itemsize: int  # bytes of one stored value
    tile: int
    shard: int

    @classmethod
    def of(cls, canvas: Canvas, output: Output, channels: int) -> "Plan":
        """Return the plan of a scene's sections; `channels` are those of the picture."""
        return cls(
            canvas.width, canvas.height, channels, output.itemsize, output.tile, output.shard
        )

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """All levels, full size first; one tile holds the last."""
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
        """Shards of all levels."""
        return sum(level.rows * level.cols for level in self.levels)

    @property
    def tasks(self) -> int:
        """One for each shard."""
        return self.shards

    @property
    def tiles(self) -> int:
        """Tiles of all levels."""
        return sum(level.tiles for level in self.levels)

    @property
    def pixels(self) -> int:
        """Pixels of the canvas, level 0."""
        return self.width * self.height

    @property
    def bytes(self) -> int:
        """Bytes of all levels before compression."""
        pixels = sum(level.width * level.height for level in self.levels)
        return pixels * self.channels * self.itemsize

    @property
    def shard_bytes(self) -> int:
        """Bytes of the largest shard before compression."""
        return self.levels[0].shard ** 2 * self.channels * self.itemsize

    def window(self, shard: Shard) -> Window:
        """Return the window of its level that a shard holds."""
        level = self.levels[shard.level]
        top, left = shard.row * level.shard, shard.col * level.shard
        return Window(
            top,
            left,
            min(top + level.shard, level.height),
            min(left + level.shard, level.width),
        )

    def pixels_of(self, shard: Shard) -> int:
        """Pixels of the canvas that a shard draws; 0 above level 0."""
        return 0 if shard.level else self.window(shard).pixels

    def children(self, shard: Shard) -> tuple[Shard, ...]:
        """Return the shards one level below, at most 4, that a shard is built from."""
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
        """Return the shard one level above that is built from this one; None on the last level."""
        if shard.level == len(self.levels) - 1:
            return None
        side, above = self.levels[shard.level].shard, self.levels[shard.level + 1].shard
        return Shard(
            shard.level + 1, shard.row * side // 2 // above, shard.col * side // 2 // above
        )

    def ancestors(self, shard: Shard) -> Iterator[Shard]:
        """Parent, grandparent … up to the one shard of the last level."""
        above = self.parent(shard)
        while above is not None:
            yield above
            above = self.parent(above)

    def order(self, shuffle: Random | None = None) -> Iterator[Shard]:
        """Every shard once, children before parents, neighbours close in time.

        Lazy: a canvas of 10¹¹ shards costs no memory. `shuffle` mixes the children of each shard.
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
    """Return the length of a side one level up, in pixels, rounded up."""
    return (n + 1) // 2


def ceil_div(a: int, b: int) -> int:
    """a / b, rounded up."""
    return -(-a // b)
