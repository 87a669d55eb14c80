"""A picture in bands of whole rows: read in parallel, few enough at once for the memory."""

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.source import Source
from tilecppn.plan import Window

BUDGET = 64 * 2**20  # bytes of pixels in one band


def read_image(source: Source, out: NDArray[np.uint8], threads: Threads) -> None:
    """Fill `out`, 8 bits (height, width, channels), with the picture; greys fill all channels."""

    def read(window: Window) -> None:
        out[window.top : window.bottom] = source.read_uint8(0, window)

    for _ in finished(read, bands(source), threads):
        pass


def bands(source: Source) -> list[Window]:
    """The picture in windows of whole rows, few enough for the memory."""
    plan = source.store.plan
    rows = band_rows(source.width * plan.channels * plan.itemsize, plan.tile)
    return list(Window(0, 0, source.height, source.width).split(rows, source.width))


def band_rows(row_bytes: int, tile: int) -> int:
    """Rows of a band: one row of tiles, or a part of it that the budget allows."""
    rows = tile
    while rows > 1 and rows * row_bytes > BUDGET:
        rows //= 2
    return rows
