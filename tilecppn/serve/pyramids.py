"""The interfaces of what is shown: pictures, their pyramids of tiles, and painters.

A picture has one or more pyramids: the frames of a film, or the views of a zoom beyond the canvas.
A pyramid's name is the prefix of its address: "" for the picture itself, `frames/12`, or `views/…`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.source import sizes
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.version import VERSION

FORMAT = ExportOptions(format="png")


class Tile(NamedTuple):
    """A tile's position in a pyramid; level 0 is full size."""

    level: int
    row: int
    col: int
    pyramid: str = ""


class EncodedTile(NamedTuple):
    """A tile's file. One that is not final is drawn again on the next request."""

    data: bytes
    final: bool = True

    @classmethod
    def of(cls, pixels: NDArray[Any], scene: Scene, *, final: bool = True) -> "EncodedTile":
        """Encode a scene's stored pixels (channels, height, width)."""
        return cls(_format(scene.output.profile).encode(pixels), final)


@cache
def _format(profile: str) -> ExportOptions:
    return replace(FORMAT, profile=profile)


class Progress(NamedTuple):
    """The number of a store's shards that exist, and of all."""

    done: int
    shards: int


class Pyramid(NamedTuple):
    """The size of a pyramid and the side of its tiles, in pixels; tiles do not overlap."""

    width: int
    height: int
    side: int

    @classmethod
    def of(cls, scene: Scene) -> "Pyramid":
        """Return the pyramid of a scene's canvas and tiles."""
        return cls(scene.canvas.width, scene.canvas.height, scene.output.tile)

    @property
    def levels(self) -> Sequence[tuple[int, int]]:
        """(width, height) of every level, full size first, down to one pixel."""
        return _levels(self.width, self.height)

    def window(self, tile: Tile) -> Window | None:
        """Return the pixels of its level that a tile covers; None if there is no such tile."""
        if not 0 <= tile.level < len(self.levels):
            return None
        width, height = self.levels[tile.level]
        top, left = tile.row * self.side, tile.col * self.side
        if not (0 <= top < height and 0 <= left < width):
            return None
        return Window(top, left, min(top + self.side, height), min(left + self.side, width))


@lru_cache(64)
def _levels(width: int, height: int) -> tuple[tuple[int, int], ...]:
    return tuple(sizes(width, height))


class Painter(Protocol):
    """Makes tiles, in one thread."""

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Make a tile; `check_cancelled` is called between pieces of the work and may raise."""


class Picture(Protocol):
    """Something to show; `version` changes whenever the bytes of a tile may change."""

    @property
    def title(self) -> str:
        """The title on the page."""

    @property
    def scene(self) -> Scene:
        """The scene that is shown first."""

    @property
    def source(self) -> str:
        """The TOML from which it can be drawn again."""

    @property
    def version(self) -> str:
        """Letters and digits, safe in an address."""

    @property
    def frames(self) -> tuple[int, float] | None:
        """A film's number of frames, and frames per second; None for a still."""

    def pyramid(self, name: str) -> Pyramid | None:
        """Return the pyramid with a name, which may be any text; None if there is none."""

    def painter(self) -> Painter:
        """Return a painter for the calling thread."""

    def progress(self) -> Progress | None:
        """Return the progress of the picture's render; None if it is not being rendered."""


def version_of(*parts: str) -> str:
    """Return a version: a digest of everything that decides the bytes of tiles."""
    return sha256("\n".join([VERSION, *parts]).encode()).hexdigest()[:20]
