"""One tiled TIFF of any size with its smaller levels, for print and for image editors.

The smaller levels are SubIFDs of the only page. BigTIFF is used only if the file might need it,
since many programs read only classic TIFF. Workers compress, one writer appends.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tilecppn.exporters.encoding import tags
from tilecppn.exporters.encoding.deflate import compressed
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.files import tiff_tags
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Region, Size, cut, padded_with_edge, regions
from tilecppn.plan import ceil_div

SMALLEST = 256  # pixels of the longer side of the smallest level
CLASSIC = 2**32 - 2**26  # bytes of a file with 32-bit offsets, minus room for its tags


def export_tiff(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture in its own depth, 8 or 16 bits or float32. Returns its path."""
    import tifffile

    plan, dtype = source.store.plan, source.dtype
    sizes = [size for k, size in enumerate(source.sizes) if k == 0 or max(size) >= SMALLEST]
    made = source.provenance(provenance.STILL, options)
    common = {
        **tiff_tags.stored(dtype, plan.channels),
        "tile": (options.side, options.side),
        "resolutionunit": tags.INCH,
    }
    profile = icc_profile(made.profile, plan.channels)
    first = {"subifds": len(sizes) - 1, **tiff_tags.described(made, profile)}

    def encode(region: Region) -> list[bytes]:
        tiles = (padded_with_edge(p, options.side) for _, p in cut(source, region, options.side))
        return [compressed(tiff_tags.predicted(tile), options.effort) for tile in tiles]

    encoded = finished(encode, regions(source, options.side, range(len(sizes))), threads)
    levels = groupby(encoded, lambda result: result[0].level)
    pixel_bytes = plan.channels * dtype.itemsize
    big = largest_file(sizes, options.side, pixel_bytes) > CLASSIC
    with sealed(dest) as temporary, tifffile.TiffWriter(temporary, bigtiff=big) as file:
        for level, results in levels:
            width, height = sizes[level]
            per_inch = source.resolution / 2**level  # all levels have the same size on paper
            file.write(
                (tile for _, tiles in results for tile in tiles),
                shape=tiff_tags.shape(height, width, plan.channels),
                resolution=(per_inch, per_inch),
                **common,
                **(first if level == 0 else {"subfiletype": 1}),
            )
    return [dest]


def largest_file(sizes: Sequence[Size], side: int, pixel_bytes: int) -> int:
    """Return an upper bound on the bytes of a tiled file with levels of these sizes.

    Deflate adds at most 5 bytes per 16 kB of incompressible data, and 11; every tile has an offset
    and a length.
    """
    tiles = sum(ceil_div(width, side) * ceil_div(height, side) for width, height in sizes)
    raw = side * side * pixel_bytes
    return tiles * (raw + raw // 2000 + 64)
