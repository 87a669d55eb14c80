"""The tiles of XYZ for pyramids in one file, and what such a file says of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.pmtiles_archive import tile_number
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Region, Size, cut
from tilecppn.exporters.xyz import XYZ, tile_json
from tilecppn.plan import Window, ceil_div

SQUARE = 2048  # pixels of a side that is encoded in one go


class MapTile(NamedTuple):
    """A tile by its number along Hilbert's curve, with its place and its file."""

    number: int
    zoom: int
    x: int
    y: int
    data: bytes


def map_tiles(
    source: Source, layout: XYZ, options: ExportOptions, threads: Threads
) -> Iterator[MapTile]:
    """All tiles that are not left out, in the order of their numbers."""
    side = layout.side

    def encode(square: Region) -> list[MapTile]:
        zoom = len(layout.sizes) - 1 - square.level
        made = []
        for tile, pixels in cut(source, square, side):
            if not options.is_blank(pixels):
                x, y = tile.left // side, tile.top // side
                number = int(tile_number(zoom, np.array(x), np.array(y)))
                data = options.encode(layout.fitted(pixels, options.alpha))
                made.append(MapTile(number, zoom, x, y, data))
        return sorted(made)

    for _, tiles in finished(encode, list(_squares(layout.sizes, side)), threads):
        yield from tiles


def described(layout: XYZ, dest: Path, options: ExportOptions) -> dict[str, Any]:
    """What a file says of its tiles: TileJSON without addresses, with the credits."""
    said = tile_json(layout, "", None, dest.stem, options.about)
    return {
        **{name: value for name, value in said.items() if name not in ("tilejson", "tiles")},
        "type": "overlay",
        "format": options.suffix,
    }


def _squares(sizes: tuple[Size, ...], side: int) -> Iterator[Region]:
    """The tiles of all levels in aligned squares, which are ranges of numbers, in their order."""
    tiles = max(1, SQUARE // side)
    for level in reversed(range(len(sizes))):
        zoom = len(sizes) - 1 - level
        along = min(tiles, 1 << zoom)  # a power of two, as both are
        width, height = sizes[level]
        across, down = (ceil_div(length, along * side) for length in (width, height))
        x, y = np.meshgrid(np.arange(across), np.arange(down))
        order = np.argsort(tile_number(zoom - along.bit_length() + 1, x, y), axis=None)
        step = along * side
        for place in order.tolist():
            row, col = divmod(place, across)
            top, left = row * step, col * step
            yield Region(level, Window(top, left, min(height, top + step), min(width, left + step)))
