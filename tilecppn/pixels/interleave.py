"""Planes → the filtered rows of a PNG, in one pass (https://www.w3.org/TR/png-3/#9Filters)."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.native import HOST, Array, ArrayOf, Compiled, Module, Value
from tilecppn.native.values import ELEMENTS, I8, I64

SUB, UP = 1, 2  # filter types


def filtered(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """uint8 or uint16 (c, h, w), rows contiguous → (h, 1 + c·w·itemsize).

    Each row less the one above, the first less its left neighbours; a type byte before each.
    """
    channels, height, width = pixels.shape
    if pixels.strides[2] != pixels.itemsize:
        pixels = np.ascontiguousarray(pixels)
    out = np.empty((height, 1 + channels * width * pixels.itemsize), np.uint8)
    out[0, 0] = SUB
    out[1:, 0] = UP
    apart, plane = (pixels.strides[i] // pixels.itemsize for i in (1, 0))
    call = _compiled(pixels.dtype, channels)["filtered"]
    call(pixels, plane, apart, height, width, out, out.shape[1])
    return out


@cache
def _compiled(dtype: np.dtype[Any], channels: int) -> Compiled:
    module = Module()
    f = module.function(
        "filtered",
        pixels=ArrayOf(ELEMENTS[dtype]),
        plane=I64,  # from channel to channel
        apart=I64,  # from row to row
        height=I64,
        width=I64,
        out=ArrayOf(I8),
        out_apart=I64,
    )
    size = channels * dtype.itemsize

    def write(row: Value, other: Value, skip: int) -> None:
        """A row from pixel `skip` on, less what lies `other` elements before."""
        out = f.array("out").at(row * f["out_apart"] + 1)
        planes = [f.array("pixels").at(row * f["apart"] + f["plane"] * c) for c in range(channels)]
        with f.loop(f["width"], start=skip) as j:
            for c, plane in enumerate(planes):
                pairs = zip(_bytes(plane, j), _bytes(plane, j - other), strict=True)
                for k, (here, there) in enumerate(pairs):
                    out.store(here - there, j * size + c * dtype.itemsize + k)

    zero = f.integer(0)
    for c in range(channels):
        first = f.array("pixels").at(f["plane"] * c)
        for k, value in enumerate(_bytes(first, zero)):
            f.array("out").store(value, 1 + c * dtype.itemsize + k)
    write(zero, f.integer(1), skip=1)
    with f.loop(f["height"], start=1) as i:
        write(i, f["apart"], skip=0)
    f.end()
    return Compiled(module, HOST)


def _bytes(plane: Array, index: Value) -> list[Value]:
    """An element as its bytes, the high one first."""
    value = plane.load(index)
    return [value] if plane.element == I8 else [(value >> 8).to(I8), value.to(I8)]
