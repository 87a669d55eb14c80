"""The tiles of the XYZ layout for single-file pyramids, and the metadata of such a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.pyramids.pmtiles_archive import tile_number
from tilecppn.exporters.pyramids.xyz import XYZ, tile_json
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Region, Size, cut
from tilecppn.plan import Window, ceil_div

SQUARE = 2048  # pixels along a square that is encoded as one piece
BLOCK = 8  # 2^8 squares along a side are sorted at a time


class MapTile(NamedTuple):
    """A tile: its number along Hilbert's curve, its position and its file."""

    number: int
    zoom: int
    x: int
    y: int
    data: bytes


def map_tiles(
    source: Source, layout: XYZ, options: ExportOptions, threads: Threads
) -> Iterator[MapTile]:
    """Yield all tiles, except blank ones that are left out, in the order of their numbers."""
    side = layout.side

    def encode(square: Region) -> list[MapTile]:
        zoom = len(layout.sizes) - 1 - square.level
        made = []
        for tile, data in layout.encoded(cut(source, square, side), options):
            x, y = tile.left // side, tile.top // side
            number = int(tile_number(zoom, np.array(x), np.array(y)))
            made.append(MapTile(number, zoom, x, y, data))
        return sorted(made)

    pixels = sum(width * height for width, height in layout.sizes)
    for _, tiles in finished(encode, squares(layout.sizes, side), threads, pixels):
        yield from tiles


def described(layout: XYZ, options: ExportOptions) -> dict[str, Any]:
    """Return the file's metadata: TileJSON without addresses, with the credits."""
    said = tile_json(layout, "", None, Path(options.name).stem, options.about)
    return {
        **{name: value for name, value in said.items() if name not in ("tilejson", "tiles")},
        "type": "overlay",
        "format": options.suffix,
    }


def squares(sizes: tuple[Size, ...], side: int) -> Iterator[Region]:
    """Yield aligned squares of tiles of all levels, in the order of their tile numbers.

    The tiles of an aligned square have consecutive numbers.
    """
    tiles = max(1, SQUARE // side)
    for level in reversed(range(len(sizes))):
        zoom = len(sizes) - 1 - level
        along = min(tiles, 1 << zoom)  # a power of two, like both of them
        width, height = sizes[level]
        step = along * side
        across, down = ceil_div(width, step), ceil_div(height, step)
        for x, y in _in_order(zoom - along.bit_length() + 1, across, down):
            top, left = y * step, x * step
            yield Region(level, Window(top, left, min(height, top + step), min(width, left + step)))


def _in_order(zoom: int, across: int, down: int) -> Iterator[tuple[int, int]]:
    """Yield columns and rows of a zoom's tiles, below `across` and `down`, ordered by number.

    They are sorted one aligned block at a time, so that memory does not grow with their number.
    """
    shift = min(zoom, BLOCK)
    side = 1 << shift
    for column, row in _sorted(zoom - shift, 0, 0, ceil_div(across, side), ceil_div(down, side)):
        left, top = column * side, row * side
        yield from _sorted(zoom, left, top, min(across, left + side), min(down, top + side))


def _sorted(zoom: int, left: int, top: int, right: int, bottom: int) -> list[tuple[int, int]]:
    """Return columns and rows of tiles of a zoom, ordered by number."""
    x, y = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    order = np.argsort(tile_number(zoom, x, y), axis=None)
    return list(zip(x.ravel()[order].tolist(), y.ravel()[order].tolist(), strict=True))
