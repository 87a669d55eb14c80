"""Read a picture in bands of whole rows, in order, in parallel and with bounded memory.

A band is a row of tiles, or a part of one if that is too large. In the latter case all workers read
the row of tiles first, so that each tile is decoded only once.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.source import Source
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.quantise import to_uint8
from tilecppn.plan import Window

# Bytes of pixels in one band: below 32 MB glibc uses memory again instead of having it cleared.
BUDGET = 24 * 2**20
STRIP = 256 * 2**20  # bytes of a row of tiles that is read first; its bands have half the budget
ACROSS = 2048  # pixels along a row of tiles that a worker reads at a time

R = TypeVar("R")
Work = Callable[[Window, NDArray[Any]], R]  # pixels: (channels, rows, width)


def in_uint8(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert pixels (channels, rows, width) to rows of an 8-bit image (rows, width, channels)."""
    return interleaved(to_uint8(pixels))


def read_image(
    source: Source,
    out: NDArray[Any],
    threads: Threads,
    rows: Callable[[NDArray[Any]], NDArray[Any]] = in_uint8,
) -> None:
    """Fill `out` (height, width, channels) with the picture; grey values fill all channels.

    rows: converts pixels (channels, rows, width) to rows of `out`.
    """

    def fill(band: Window, pixels: NDArray[Any]) -> None:
        out[band.top : band.bottom] = rows(pixels)

    for _ in banded(source, fill, threads):
        pass


def banded(source: Source, work: Work[R], threads: Threads) -> Iterator[R]:
    """Yield the result of `work` for each band of the picture, in order; raises as `in_order`."""
    plan, picture = source.store.plan, Window(0, 0, source.height, source.width)
    row_bytes = source.width * plan.channels * plan.itemsize
    if plan.tile * row_bytes <= BUDGET:

        def read_and_work(band: Window) -> R:
            return work(band, source.read(0, band))

        bands = picture.split(plan.tile, source.width)
        for _, result in finished(read_and_work, bands, threads, picture.pixels):
            yield result
        return
    strip_rows = band_rows(row_bytes, plan.tile, STRIP)
    rows = band_rows(row_bytes, strip_rows, BUDGET // 2)
    pixels = np.empty((plan.channels, strip_rows, source.width), source.dtype)
    for strip in picture.split(strip_rows, source.width):
        _read(source, strip, pixels, threads)

        def work_on_part(band: Window, top: int = strip.top) -> R:
            return work(band, pixels[:, band.top - top : band.bottom - top])

        def progress(done: int, total: int, before: int = strip.top * source.width) -> None:
            threads.progress(before + done, total)

        bands, told = strip.split(rows, source.width), replace(threads, progress=progress)
        for _, result in finished(work_on_part, bands, told, picture.pixels):
            yield result


def _read(source: Source, strip: Window, out: NDArray[Any], threads: Threads) -> None:
    """Read whole rows into `out`, which may have more of them."""

    def read(part: Window) -> None:
        out[:, : part.height, part.left : part.right] = source.read(0, part)

    untold = replace(threads, progress=lambda done, total: None)
    for _ in finished(read, strip.split(strip.height, ACROSS), untold, strip.pixels):
        pass


def band_rows(row_bytes: int, most: int, budget: int) -> int:
    """Return the rows of a band: `most`, halved until they fit into the budget."""
    rows = most
    while rows > 1 and rows * row_bytes > budget:
        rows //= 2
    return rows
