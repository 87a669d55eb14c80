"""A tiled OpenEXR of any size with its smaller levels, in linear light, for compositing.

Workers compress tiles; one thread writes them.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from tilecppn.exporters.files import exr_file
from tilecppn.exporters.files.exr_file import Tile, packed_pixels
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Region, cut, regions
from tilecppn.pixels.light import linear
from tilecppn.plan import ceil_div
from tilecppn.scene.profiles import PROFILES

DTYPES: dict[int, np.dtype[Any]] = {16: np.dtype(np.float16), 32: np.dtype(np.float32)}  # by bits


def export_exr(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture as half or float. Returns its path."""
    side, channels, sizes = options.side, source.store.plan.channels, source.sizes
    assert options.bits is not None
    dtype = DTYPES[options.bits]
    made = source.provenance(provenance.STILL, options)

    def encode(region: Region) -> list[Tile]:
        return [
            Tile(
                tile.left // side,
                tile.top // side,
                region.level,
                packed_pixels(linear(pixels, options.profile, dtype), options.effort),
            )
            for tile, pixels in cut(source, region, side)
        ]

    attributes = exr_file.header(
        sizes, channels, dtype, side, PROFILES[options.profile], source.resolution
    )
    head = exr_file.packed_header(attributes | exr_file.described(made.about, made.text()))
    count = sum(ceil_div(width, side) * ceil_div(height, side) for width, height in sizes)
    offsets = []
    with sealed(dest) as temporary, temporary.open("wb") as file:
        file.write(head + bytes(8 * count))
        for _, tiles in finished(encode, regions(source, side, range(len(sizes))), threads):
            for tile in tiles:
                offsets.append(file.tell())
                file.write(tile.packed())
        file.seek(len(head))
        file.write(struct.pack(f"<{count}Q", *offsets))
    return [dest]
