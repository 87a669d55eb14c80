"""A pyramid in one file that a static server can give tiles out of: PMTiles, for map viewers."""

import html
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from tilecppn.exporters import credits, provenance
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import replacing
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.pmtiles_archive import Archive, Bounds, tile_number
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Region, Size, cut
from tilecppn.exporters.xyz import XYZ, tile_json
from tilecppn.plan import Window, ceil_div

KIND = "pmtiles"
SQUARE = 2048  # pixels of a side that is encoded in one go


def export_pmtiles(
    source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write the tiles of XYZ, with their numbers in the order of the file. Returns its name."""
    side = options.side
    layout = XYZ.of(source.sizes, side)
    made = source.provenance(KIND, options)
    described = tile_json(layout, "", None, options.about.title or dest.stem)
    west, south, east, north = described["bounds"]
    squares = list(_squares(layout.sizes, side))
    credit = " ".join(filter(None, (options.about.artist, credits.rights(options.about))))

    def encode(square: Region) -> list[tuple[int, bytes]]:
        zoom = len(layout.sizes) - 1 - square.level
        tiles = [
            (_number(zoom, tile, side), options.encode(layout.fitted(pixels, options.alpha)))
            for tile, pixels in cut(source, square, side)
            if not options.is_blank(pixels)
        ]
        return sorted(tiles)

    metadata = {
        "name": described["name"],
        "description": options.about.description,
        "attribution": html.escape(credit),
        "type": "overlay",
        "format": options.suffix,
        **{name: described[name] for name in ("width", "height", "tileSize")},
        "tilecppn": {"scene": made.source},
    }
    with replacing(dest) as temporary:
        with temporary.open("wb") as file, TemporaryFile(dir=temporary.parent) as waiting:
            archive = Archive(file, waiting)
            for _, tiles in finished(encode, squares, threads):
                for number, data in tiles:
                    archive.add(number, data)
            bounds = Bounds(west, south, east, north, len(layout.sizes))
            archive.finish(metadata, options.suffix, bounds, f"\n{made.line()}\n".encode())
        provenance.seal(temporary)
    return [dest]


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


def _number(zoom: int, tile: Window, side: int) -> int:
    x, y = np.array(tile.left // side), np.array(tile.top // side)
    return int(tile_number(zoom, x, y))
