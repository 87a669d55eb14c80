"""Converts 8-bit RGB to Y'CbCr 4:2:0 for videos, in one pass of machine code.

The matrix is that of ITU-R BT.709, the range limited (16 to 235 and 240). Chroma has half the width
and height: its samples lie on every second pixel of a row, half-way between two rows, and are means
with weights 1 2 1 along the row. All arithmetic is in integers, rounded once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import row_stride
from tilecppn.codegen import Array, ArrayOf, Module, Value, machine_code
from tilecppn.codegen.values import I8, I32, I64

LANES = 16
NARROWEST = 2 * LANES  # the smallest width in pixels
RED, BLUE = 0.2126, 0.0722  # of luma: BT.709, item 3.2
GREEN = 1.0 - RED - BLUE
LUMA, COLOUR = 219.0 / 255.0, 224.0 / 255.0  # the limited range over the full one
BITS = 16  # of fractions
WEIGHTS = 8  # total weight of the pixels in a chroma sample
HALF = 1 << (BITS - 1)


class Planes:
    """The planes Y', Cb and Cr of one frame, one after another in `data`; filled from the top.

    width and height are even, and width is at least NARROWEST.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self._row = width, 0
        luma, colour = width * height, width * height // 4
        self.data = np.empty(luma + 2 * colour, np.uint8)
        self._luma = self.data[:luma].reshape(height, width)
        self._blue, self._red = self.data[luma:].reshape(2, height // 2, width // 2)
        self._lines = np.empty((2, width + 2), np.int32)

    def add(self, pixels: NDArray[Any]) -> None:
        """Add the next rows, an even number, as uint8 (channels, rows, width), 1 or 3 channels."""
        if pixels.strides[2] != 1:
            pixels = np.ascontiguousarray(pixels)
        plane = pixels.strides[0] if len(pixels) == 3 else 0
        first, rows = self._row, pixels.shape[1]
        _compiled()["yuv420p"](
            pixels, plane, row_stride(pixels), rows // 2, self.width,
            self._lines, self._lines.shape[1],
            self._luma[first:], self._blue[first // 2 :], self._red[first // 2 :],
        )  # fmt: skip
        self._row += rows


def _fixed(numbers: tuple[float, float, float], total: float, one: int) -> list[int]:
    """Round numbers times `one`, correcting the largest so that their total is exact for greys."""
    fixed = [round(number * one) for number in numbers]
    fixed[int(np.argmax(np.abs(numbers)))] += round(total * one) - sum(fixed)
    return fixed


def _coefficients() -> tuple[list[int], list[int], list[int]]:
    """Return the fixed-point coefficients of red, green and blue in Y', Cb and Cr."""
    luma = (RED * LUMA, GREEN * LUMA, BLUE * LUMA)
    part = COLOUR / 2.0
    blue = (-RED / (1.0 - BLUE) * part, -GREEN / (1.0 - BLUE) * part, part)
    red = (part, -GREEN / (1.0 - RED) * part, -BLUE / (1.0 - RED) * part)
    colour = (1 << BITS) // WEIGHTS
    return (
        _fixed(luma, LUMA, 1 << BITS),
        _fixed(blue, 0.0, colour),
        _fixed(red, 0.0, colour),
    )


@machine_code
def _compiled() -> Module:
    """Compile a function that converts pairs of rows: Y' of both, one row of Cb and one of Cr."""
    module = Module()
    f = module.function(
        "yuv420p",
        pixels=ArrayOf(I8), plane=I64, row_apart=I64,
        pairs=I64, width=I64,
        lines=ArrayOf(I32), line_apart=I64,  # scratch: Cb and Cr of a pair, from the second on
        luma=ArrayOf(I8), blue=ArrayOf(I8), red=ArrayOf(I8),
    )  # fmt: skip
    width, half = f["width"], f["width"] >> 1
    luma, *colours = _coefficients()
    lines = [f.array("lines").at(f["line_apart"] * k) for k in range(2)]

    with f.loop(f["pairs"]) as pair:
        with f.loop(width, step=LANES) as start:
            col = start.at_most(width - LANES)  # the last vector may overlap the one before
            rows = []
            for i in range(2):
                row = pair * 2 + i
                source = f.array("pixels").at(row * f["row_apart"] + col)
                rgb = [source.at(f["plane"] * k).load(0, LANES).unsigned(I32) for k in range(3)]
                total = _weighted(rgb, luma) + ((16 << BITS) + HALF)
                f.array("luma").store((total >> BITS).to(I8), row * width + col)
                rows.append(rgb)
            both = [above + below for above, below in zip(*rows, strict=True)]
            for line, numbers in zip(lines, colours, strict=True):
                line.store(_weighted(both, numbers), col + 1)
        for line, name in zip(lines, ("blue", "red"), strict=True):
            line.store(line.load(1), 0)
            with f.loop(half, step=LANES) as start:
                col = start.at_most(half - LANES)
                total = _smoothed(line, col * 2) + ((128 << BITS) + HALF)
                f.array(name).store((total >> BITS).to(I8), pair * half + col)
    f.end()
    return module


def _weighted(rgb: list[Value], numbers: list[int]) -> Value:
    parts = [value * number for value, number in zip(rgb, numbers, strict=True)]
    return parts[0] + parts[1] + parts[2]


def _smoothed(line: Array, first: Value) -> Value:
    """Sum 1 2 1 around every second pixel; a line begins with the first one's left neighbour."""
    even, odd = range(0, 2 * LANES, 2), range(1, 2 * LANES, 2)
    here, after = line.load(first, 2 * LANES), line.load(first + 2, 2 * LANES)
    return here.picked(even) + here.picked(odd) * 2 + after.picked(even)
