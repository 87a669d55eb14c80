"""Estimate the number and size of a pyramid's tiles before it is written."""

from dataclasses import replace
from itertools import product

from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Pixels, levels_to_one_tile
from tilecppn.formatting import format_bytes
from tilecppn.plan import Window, ceil_div

MANY = 1000  # fewer tiles are not announced
ACROSS = 3  # sampled tiles along each side of the largest level
SMALLER = ("webp", "jpg")  # formats that a pyramid of PNG is compared with


def tile_estimate(source: Source, options: ExportOptions) -> str | None:
    """Describe the number and size of the tiles to be written; None if they are few.

    Their size is estimated from tiles spread evenly over the largest level. Raises RenderError if a
    shard is damaged.
    """
    side = options.side
    levels = source.sizes[: levels_to_one_tile(source.sizes, side)]
    count = sum(ceil_div(width, side) * ceil_div(height, side) for width, height in levels)
    if count < MANY:
        return None
    samples = _samples(source, side)
    scale = sum(width * height for width, height in levels) / sum(s[0].size for s in samples)

    def size(options: ExportOptions) -> str:
        return format_bytes(round(scale * sum(len(options.encode(pixels)) for pixels in samples)))

    said = f"{count:,} tiles, about {size(options)}"
    if options.format != "png":
        return said
    others = (replace(options, format=name, quality=ENCODERS[name].quality) for name in SMALLER)
    smaller = " or ".join(f"{size(other)} with --format {other.format}" for other in others)
    return f"{said}; about {smaller}"


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
