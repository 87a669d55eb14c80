"""Tiles of a pyramid: layouts, cutting tiles from a store, and folders of tiles."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tilecppn.addresses import as_path
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.source import Source
from tilecppn.idle_threads import Share, alone
from tilecppn.plan import Window
from tilecppn.scene.sections import FULL
from tilecppn.storage.places import storage_of

REGION = 4096  # pixels along a row of tiles that is encoded as one piece

Size = tuple[int, int]  # width, height
Pixels = NDArray[Any]  # stored values (channels, height, width)


class Region(NamedTuple):
    """Adjacent tiles: `tiles` is the area they cover in level `level`, without overlap."""

    level: int  # of the source; 0 is the largest
    tiles: Window

    @property
    def pixels(self) -> int:
        """The number of its pixels."""
        return self.tiles.pixels


@dataclass(frozen=True)
class Layout(ABC):
    """How a kind of pyramid names and lays out its tiles. Picklable, since workers write tiles."""

    kind: ClassVar[str]  # a key of `atomic.CONTENTS`
    sizes: tuple[Size, ...]  # of the levels, from the largest on
    side: int  # of a tile, in pixels

    @abstractmethod
    def name(self, level: int, tile: Window) -> str:
        """Return a tile's path below the pyramid's folder, without suffix."""

    @classmethod
    def of(cls, sizes: Sequence[Size], side: int) -> Self:
        """Return the layout of a pyramid with tiles of `side`; sizes: of its levels down to 1×1."""
        return cls(tuple(sizes[: cls.levels(sizes, side)]), side)

    @classmethod
    def levels(cls, sizes: Sequence[Size], side: int) -> int:
        """Return the number of levels used of those with `sizes`: down to the first that fits into
        one tile.
        """
        return levels_to_one_tile(sizes, side)

    def fitted(self, pixels: Pixels, alpha: bool) -> Pixels:
        """Return a tile at the right or lower edge in the form that this layout requires.

        alpha: whether the tiles' format supports an opacity channel.
        """
        return pixels

    def encoded(
        self, tiles: Iterable[tuple[Window, Pixels]], options: ExportOptions
    ) -> Iterator[tuple[Window, bytes]]:
        """Encode tiles, except blank ones that are left out."""
        for tile, pixels in tiles:
            if not options.is_blank(pixels):
                yield tile, options.encode(self.fitted(pixels, options.alpha))

    def describe(self, source: Source, folder: "TileFolder") -> None:  # noqa: B027 - may do nothing
        """Write the folder's files other than tiles and the manifest."""


@dataclass(frozen=True)
class TileFolder:
    """A folder into which a pyramid's tiles are written. Picklable."""

    path: str  # an absolute path, or a bucket's address
    layout: Layout
    options: ExportOptions

    def write(self, level: int, tiles: Iterable[tuple[Window, Pixels]]) -> None:
        """Write the tiles that cover windows, each from its pixels including the overlap."""
        with storage_of(self.path).writing() as put:
            for tile, data in self.layout.encoded(tiles, self.options):
                put(f"{self.layout.name(level, tile)}.{self.options.suffix}", data)

    def write_all(self, level: int, window: Window, pixels: Pixels, share: Share = alone) -> None:
        """Write the tiles of a window of whole tiles, without overlap, from its pixels."""

        def cut_out(tile: Window) -> Pixels:
            top, left = tile.top - window.top, tile.left - window.left
            return pixels[:, top : top + tile.height, left : left + tile.width]

        def write(part: Sequence[Window]) -> None:
            self.write(level, ((tile, cut_out(tile)) for tile in part))

        share(write, list(window.split(self.layout.side, self.layout.side)))

    def add(self, name: str, data: bytes) -> None:
        """Write a file other than a tile."""
        storage_of(self.path).put(name, data)

    def complete(self, source: Source) -> None:
        """Write the folder's other files, once all tiles are written."""
        self.layout.describe(source, self)
        made = source.provenance(self.layout.kind, self.options)
        provenance.seal_folder(as_path(self.path), made)


def fill_folder(source: Source, folder: TileFolder, threads: Threads) -> None:
    """Write all tiles, and the folder's other files."""
    layout = folder.layout
    write_tiles(source, folder, regions(source, layout.side, range(len(layout.sizes))), threads)
    folder.complete(source)


def write_tiles(
    source: Source, folder: TileFolder, wanted: Sequence[Region], threads: Threads
) -> None:
    """Write the tiles of some regions of the store."""

    def write(region: Region) -> None:
        tiles = cut(source, region, folder.layout.side, folder.options.overlap)
        folder.write(region.level, tiles)

    for _ in finished(write, wanted, threads):
        pass


def padded_with_edge(pixels: Pixels, side: int) -> Pixels:
    """Return a tile of full size, extended by repeating the edge."""
    height, width = pixels.shape[1:]
    if height == width == side:
        return pixels
    return np.pad(pixels, ((0, 0), (0, side - height), (0, side - width)), "edge")


def padded_with_zeros(pixels: Pixels, side: int, alpha: bool) -> Pixels:
    """Return a tile of full size, extended by 0, and transparent there with `alpha`."""
    channels, height, width = pixels.shape
    if height == width == side:
        return pixels
    out = np.zeros((channels + alpha, side, side), pixels.dtype)
    out[:channels, :height, :width] = pixels
    out[channels:, :height, :width] = FULL.get(pixels.dtype.name, 1)
    return out


def levels_to_one_tile(sizes: Sequence[Size], side: int) -> int:
    """Return the number of levels from the largest to the first that fits into one tile."""
    return next(k for k, size in enumerate(sizes) if max(size) <= side) + 1


def regions(source: Source, side: int, levels: Iterable[int]) -> list[Region]:
    """Return the regions of whole levels, each a piece of one row of tiles, row by row."""
    return [
        region
        for level in levels
        for region in strips(level, Window(0, 0, *reversed(source.sizes[level])), side)
    ]


def strips(level: int, window: Window, side: int) -> list[Region]:
    """Return the regions of a window that begins at a tile's corner, row by row."""
    width = max(1, REGION // side) * side
    return [Region(level, strip) for strip in window.split(side, width)]


def cut(
    source: Source, region: Region, side: int, overlap: int = 0
) -> Iterator[tuple[Window, Pixels]]:
    """Read a region once, and yield each of its tiles with its pixels, including the overlap."""
    width, height = source.sizes[region.level]

    def grown(window: Window) -> Window:
        return Window(
            max(0, window.top - overlap),
            max(0, window.left - overlap),
            min(height, window.bottom + overlap),
            min(width, window.right + overlap),
        )

    outer = grown(region.tiles)
    pixels = source.read(region.level, outer)
    for window in region.tiles.split(side, side):
        top, left, bottom, right = grown(window)
        yield (
            window,
            pixels[:, top - outer.top : bottom - outer.top, left - outer.left : right - outer.left],
        )
