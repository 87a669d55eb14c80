"""One tiled TIFF of any size with its smaller levels, for print and for image editors.

The smaller levels are SubIFDs of the one page. BigTIFF only where the file might need it: many
programs read classic TIFF alone. Workers compress, one writer appends.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters import credits, provenance, tags
from tilecppn.exporters.deflate import compressed
from tilecppn.exporters.icc import icc_profile
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import replacing
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Region, Size, cut, filled, regions
from tilecppn.pixels.interleave import interleaved
from tilecppn.plan import ceil_div
from tilecppn.scene.sections import About

SMALLEST = 256  # pixels of the longer side of the smallest level
NONE, HORIZONTAL = 1, 2  # predictors
BYTES, ASCII = 1, 2  # types of tags
CLASSIC = 2**32 - 2**26  # bytes of a file with offsets of 32 bits, less what its tags may take


def export_tiff(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture in its own depth, 8 or 16 bits or float32. Returns its name."""
    import tifffile

    plan, dtype = source.store.plan, source.dtype
    sizes = [size for k, size in enumerate(source.sizes) if k == 0 or max(size) >= SMALLEST]
    common: dict[str, Any] = {
        "dtype": dtype,
        "tile": (options.side, options.side),
        "photometric": "rgb" if plan.channels == 3 else "minisblack",
        "compression": "adobe_deflate",
        "predictor": NONE if dtype.kind == "f" else HORIZONTAL,
        "software": tags.MAKER,
        "resolutionunit": tags.INCH,
        "metadata": None,
    }
    made = source.provenance(provenance.STILL, options)
    first: dict[str, Any] = {
        "subifds": len(sizes) - 1,
        "iccprofile": icc_profile(options.profile, plan.channels),
        "description": made.text().encode(),
        "extratags": extra_tags(made.about),
    }

    def encode(region: Region) -> list[bytes]:
        return [
            compressed(predicted(interleaved(filled(pixels, options.side))), options.effort)
            for _, pixels in cut(source, region, options.side)
        ]

    encoded = finished(encode, regions(source, options.side, range(len(sizes))), threads)
    levels = groupby(encoded, lambda result: result[0].level)
    pixel_bytes = plan.channels * dtype.itemsize
    big = largest_file(sizes, options.side, pixel_bytes) > CLASSIC
    with replacing(dest) as temporary:
        with tifffile.TiffWriter(temporary, bigtiff=big) as file:
            for level, results in levels:
                width, height = sizes[level]
                per_inch = source.resolution / 2**level  # every level is as large on paper
                file.write(
                    (tile for _, tiles in results for tile in tiles),
                    shape=(height, width, plan.channels)[: 3 if plan.channels > 1 else 2],
                    resolution=(per_inch, per_inch),
                    **common,
                    **(first if level == 0 else {"subfiletype": 1}),
                )
        provenance.seal(temporary)
    return [dest]


def extra_tags(about: About) -> list[tuple[int, int, int, bytes, bool]]:
    """The credits as tifffile takes them: tag, type, count (0: of the value), value, once."""
    texts = [(tag, ASCII, 0, text, True) for tag, text in credits.exif(about).items()]
    xmp = credits.xmp(about)
    return [*texts, *([(tags.XMP, BYTES, len(xmp), xmp, True)] if xmp else [])]


def largest_file(sizes: Sequence[Size], side: int, pixel_bytes: int) -> int:
    """Bytes that no file with levels of these sizes exceeds, in tiles of a side.

    Deflate adds at most 5 bytes for every 16 kB that it cannot make smaller, and 11; every tile
    has an offset and a length.
    """
    tiles = sum(ceil_div(width, side) * ceil_div(height, side) for width, height in sizes)
    raw = side * side * pixel_bytes
    return tiles * (raw + raw // 2000 + 64)


def predicted(pixels: NDArray[Any]) -> NDArray[Any]:
    """(height, width, channels) as differences from the pixel on the left, which deflate well.

    TIFF 6.0, section 14. float32 stays as it is: few programs read its predictor.
    """
    if pixels.dtype.kind == "f":
        return pixels
    out = pixels.copy()
    np.subtract(pixels[:, 1:], pixels[:, :-1], out=out[:, 1:])
    return out
