"""One TIFF of any size, for print and for image editors. Workers compress, one writer appends.

It is tiled, and its smaller levels are SubIFDs of the only page. BigTIFF is used only if the file
might need it, since many programs read only classic TIFF. With `classic` it is a classic TIFF of
one image without levels, in strips unless a tile is given, which any program reads; a lab's is so,
in 8 bits and RGB.
"""

from collections.abc import Callable, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np

from tilecppn.errors import ExportError
from tilecppn.exporters.bands import band_rows, banded
from tilecppn.exporters.encoding import tags
from tilecppn.exporters.encoding.compressions import COMPRESSIONS
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.files import tiff_tags
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Pixels, Region, Size, cut, padded_with_edge, regions
from tilecppn.formatting import format_bytes
from tilecppn.plan import Window, ceil_div
from tilecppn.scene.profiles import PROFILES

STRIP = 1 << 20  # most uncompressed bytes of a strip that has several rows
RGB = 3  # channels
SMALLEST = 256  # pixels of the longer side of the smallest level
CLASSIC = 2**32 - 2**26  # bytes of a file with 32-bit offsets, minus room for its tags


def export_tiff(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture in its own depth, 8 or 16 bits or float32. Returns its path."""
    made = source.provenance(provenance.STILL, options)
    channels = _channels(source, options)
    form = {
        **tiff_tags.stored(source.dtype, channels, options.compression_name),
        "resolutionunit": tags.INCH,
    }
    described = tiff_tags.described(made, icc_profile(made.profile, channels))

    def encode(pixels: Pixels) -> bytes:
        whole = np.broadcast_to(pixels, (channels, *pixels.shape[1:]))
        return tiff_tags.packed(whole, options.compression_name, options.effort)

    with sealed(dest) as temporary:
        if options.tile is None:
            row_bytes = source.width * channels * source.dtype.itemsize
            write_strips(temporary, source, threads, encode, row_bytes, channels, form | described)
        else:
            _write_tiles(temporary, source, options, threads, encode, form, described)
    if options.lab:
        packing = "uncompressed" if options.compression_name == "none" else options.compression
        name = PROFILES[made.profile].name
        threads.note(f"{dest}: 8 bits, {name}, {packing} TIFF of one page")
    return [dest]


def _channels(source: Source, options: ExportOptions) -> int:
    return RGB if options.lab else source.store.plan.channels


def write_strips(
    path: Path,
    source: Source,
    threads: Threads,
    encode: Callable[[Pixels], bytes],
    row_bytes: int,
    channels: int,
    form: dict[str, Any],
) -> None:
    """Write a classic TIFF of one image in strips, band by band.

    encode: returns a strip's bytes for its pixels (channels, rows, width). row_bytes: of an encoded
    row without compression. form: tifffile's other options.
    """
    import tifffile

    rows = band_rows(row_bytes, source.store.plan.tile, STRIP)  # a band has a multiple of them

    def work(band: Window, pixels: Pixels) -> list[bytes]:
        return [encode(pixels[:, top : top + rows]) for top in range(0, band.height, rows)]

    with tifffile.TiffWriter(path, bigtiff=False) as file:
        file.write(
            chain.from_iterable(banded(source, work, threads)),
            shape=tiff_tags.shape(source.height, source.width, channels),
            rowsperstrip=rows,
            resolution=(source.resolution, source.resolution),
            **form,
        )


def _write_tiles(
    path: Path,
    source: Source,
    options: ExportOptions,
    threads: Threads,
    encode: Callable[[Pixels], bytes],
    form: dict[str, Any],
    described: dict[str, Any],
) -> None:
    """Write a tiled TIFF with its smaller levels, a classic one without them."""
    import tifffile

    sizes = [size for k, size in enumerate(source.sizes) if k == 0 or max(size) >= SMALLEST]
    channels = _channels(source, options)
    if options.classic:
        del sizes[1:]
    first = {"subifds": len(sizes) - 1, **described}

    def encode_tiles(region: Region) -> list[bytes]:
        tiles = cut(source, region, options.side)
        return [encode(padded_with_edge(pixels, options.side)) for _, pixels in tiles]

    wanted = regions(source, options.side, range(len(sizes)))
    levels = groupby(finished(encode_tiles, wanted, threads), lambda result: result[0].level)
    big = not options.classic and largest_file(source, options, sizes) > CLASSIC
    with tifffile.TiffWriter(path, bigtiff=big) as file:
        for level, results in levels:
            width, height = sizes[level]
            per_inch = source.resolution / 2**level  # all levels have the same size on paper
            file.write(
                (tile for _, tiles in results for tile in tiles),
                shape=tiff_tags.shape(height, width, channels),
                tile=(options.side, options.side),
                resolution=(per_inch, per_inch),
                **form,
                **(first if level == 0 else {"subfiletype": 1}),
            )


def largest_file(source: Source, options: ExportOptions, sizes: Sequence[Size]) -> int:
    """Return an upper bound on the bytes of a file with levels of these sizes.

    Every tile or strip has an offset and a length.
    """
    worst = COMPRESSIONS[options.compression_name].worst
    pixel_bytes = _channels(source, options) * source.dtype.itemsize
    if options.tile is None:
        return sum(int(width * pixel_bytes * worst + 8) * height for width, height in sizes)
    side = options.tile
    tiles = sum(ceil_div(width, side) * ceil_div(height, side) for width, height in sizes)
    return tiles * int(side * side * pixel_bytes * worst + 64)


def check_tiff(source: Source, dest: Path, options: ExportOptions) -> None:
    """Raise ExportError if a classic TIFF could be larger than allowed."""
    if not options.classic:
        return
    size = largest_file(source, options, source.sizes[:1])
    limit = min(CLASSIC, options.max_bytes or CLASSIC)
    if size > limit:
        takes = "takes" if options.compression_name == "none" else "may take up to"
        instead = "use .jpg" if options.lab else "leave out --classic, use --bits 8"
        raise ExportError(
            f"{dest}: {source.width} × {source.height}: {takes} {format_bytes(size)} of "
            f"{format_bytes(limit)}; {instead}, or --max-size"
        )
