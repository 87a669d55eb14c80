"""Level k from level k - 1: the mean of 2×2 stored pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels.llvm.codegen import (
    Array,
    ArrayOf,
    Empty,
    Module,
    Value,
    machine_code,
    row_stride,
)
from tilecppn.kernels.llvm.codegen.values import ELEMENTS, F32, I8, I16, I32, I64

WIDER = {I8: I16, I16: I32}  # what holds the sum of four


def mean2x2(pixels: NDArray[Any], empty: Empty = np.empty) -> NDArray[Any]:
    """(c, h, w) → (c, ⌈h/2⌉, ⌈w/2⌉) of the same dtype; `empty` makes the array, rows contiguous.

    At an odd edge the last row or column counts twice. Integers round half to even,
    (s + 1 + ((s >> 2) & 1)) >> 2 for the sum s of four; float32 adds rows, then columns.
    """
    channels, height, width = pixels.shape
    if pixels.strides[2] != pixels.itemsize:
        pixels = np.ascontiguousarray(pixels)
    out = empty((channels, (height + 1) // 2, (width + 1) // 2), pixels.dtype)
    call = _compiled(pixels.dtype)["mean"]
    for plane, into in zip(pixels, out, strict=True):
        call(plane, row_stride(plane), height, width, into, row_stride(into))
    return out


@machine_code
def _compiled(dtype: np.dtype[Any]) -> Module:
    stored = ELEMENTS[dtype]
    module = Module()
    f = module.function(
        "mean",
        pixels=ArrayOf(stored),
        pixels_apart=I64,
        height=I64,
        width=I64,
        out=ArrayOf(stored),
        out_apart=I64,
    )
    height, width = f["height"], f["width"]
    with f.loop((height + 1) >> 1) as i:
        upper = f.array("pixels").at(i * 2 * f["pixels_apart"])
        lower = f.array("pixels").at((i * 2 + 1).at_most(height - 1) * f["pixels_apart"])
        out = f.array("out").at(i * f["out_apart"])
        with f.loop(width >> 1) as j:
            out.store(_mean(upper, lower, j * 2, j * 2 + 1), j)
        with f.when((width & 1) > 0):
            out.store(_mean(upper, lower, width - 1, width - 1), width >> 1)
    f.end()
    return module


def _mean(upper: Array, lower: Array, left: Value, right: Value) -> Value:
    if upper.element == F32:
        sums = [upper.load(j) + lower.load(j) for j in (left, right)]
        return (sums[0] + sums[1]) * 0.25
    wider = WIDER[upper.element]
    four = [row.load(j).unsigned(wider) for row in (upper, lower) for j in (left, right)]
    s = four[0] + four[1] + four[2] + four[3]
    return ((s + 1 + ((s >> 2) & 1)) >> 2).to(upper.element)
