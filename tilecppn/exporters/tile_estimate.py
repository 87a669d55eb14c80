"""Estimate the number and size of a pyramid's tiles before it is written."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from tilecppn.errors import ExportError
from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Pixels, Size, levels_to_one_tile
from tilecppn.formatting import format_bytes
from tilecppn.plan import Window, ceil_div
from tilecppn.storage.places import storage_of

MANY = 1000  # fewer tiles are not announced
ACROSS = 3  # sampled tiles along each side of the largest level
SMALLER = ("webp", "jpg")  # formats that a pyramid of PNG is compared with


def tile_estimate(
    source: Source, dest: Path, options: ExportOptions, *, in_folder: bool = False
) -> str | None:
    """Describe the number and size of the tiles to be written; None if they are few.

    Their size is estimated from tiles spread evenly over the largest level, and of tiles that are
    files `in_folder` in blocks of the disk. Raises ExportError if such files surely do not fit,
    RenderError if a shard is damaged.
    """
    side = options.side
    levels = source.sizes[: levels_to_one_tile(source.sizes, side)]
    count = _count(levels, side)
    if count < MANY:
        return None
    space = storage_of(dest).free_space()
    if in_folder:
        check_tiles_fit(source.sizes, dest, options)
    samples = _samples(source, side)
    scale = sum(width * height for width, height in levels) / sum(s[0].size for s in samples)

    def size(options: ExportOptions) -> str:
        encoded = scale * sum(len(options.encode(pixels)) for pixels in samples)
        return format_bytes(space.taken(count, encoded) if in_folder else encoded)

    said = f"{count:,} tiles, about {size(options)}"
    if options.format != "png":
        return said
    others = (replace(options, format=name, quality=ENCODERS[name].quality) for name in SMALLER)
    smaller = " or ".join(f"{size(other)} with --format {other.format}" for other in others)
    return f"{said}; about {smaller}"


def check_tiles_fit(sizes: Sequence[Size], dest: Path, options: ExportOptions) -> None:
    """Raise ExportError if a folder of tiles surely does not fit on its disk, however small its
    files are. sizes: of the levels down to 1×1.
    """
    if options.skip_blanks is not None:
        return
    space = storage_of(dest).free_space()
    count = _count(sizes[: levels_to_one_tile(sizes, options.side)], options.side)
    least = space.taken(count, 0)
    if free := space.shortage(count, least):
        raise ExportError(
            f"{dest}: {count:,} tiles take {format_bytes(least)} at the least as files of their "
            f"own, {free}; export an .szi, or use a larger --tile"
        )


def _count(sizes: Sequence[Size], side: int) -> int:
    return sum(ceil_div(width, side) * ceil_div(height, side) for width, height in sizes)


def _samples(source: Source, side: int) -> list[Pixels]:
    width, height = source.sizes[0]
    rows, cols = (
        [(2 * k + 1) * length // (2 * ACROSS) // side * side for k in range(ACROSS)]
        for length in (height, width)
    )
    return [
        source.read(0, Window(top, left, min(top + side, height), min(left + side, width)))
        for top, left in product(rows, cols)
    ]
