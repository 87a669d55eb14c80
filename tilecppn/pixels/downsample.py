"""Builds level k from level k - 1: the mean of 2×2 stored pixels, or of their linear light."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Empty, row_stride
from tilecppn.codegen import Array, ArrayOf, Module, Value, machine_code
from tilecppn.codegen.values import ELEMENTS, F64, I8, I16, I32, I64
from tilecppn.pixels.light import Light

WIDER = {I8: I16, I16: I32}  # types that hold the sum of four


def mean2x2(
    pixels: NDArray[Any], empty: Empty = np.empty, profile: str | None = None
) -> NDArray[Any]:
    """Return the 2×2 means of (c, h, w): (c, ⌈h/2⌉, ⌈w/2⌉) of the same dtype.

    At an odd edge the last row or column counts twice. Integers round half to even,
    (s + 1 + ((s >> 2) & 1)) >> 2 for the sum s of four; float32 adds rows, then columns.
    empty: allocates the result, with contiguous rows. profile: one of PROFILES, to average the
    linear light of integers, see `light.Light`.
    """
    channels, height, width = pixels.shape
    if pixels.strides[2] != pixels.itemsize:
        pixels = np.ascontiguousarray(pixels)
    out = empty((channels, (height + 1) // 2, (width + 1) // 2), pixels.dtype)
    call = _compiled(pixels.dtype, profile is not None)["mean"]
    tables = () if profile is None else Light.of(profile, pixels.dtype)
    for plane, into in zip(pixels, out, strict=True):
        call(plane, row_stride(plane), height, width, into, row_stride(into), *tables)
    return out


@machine_code
def _compiled(dtype: np.dtype[Any], in_light: bool) -> Module:
    stored = ELEMENTS[dtype]
    tables = {"light": ArrayOf(F64), "bounds": ArrayOf(F64)} if in_light else {}
    module = Module()
    f = module.function(
        "mean",
        pixels=ArrayOf(stored),
        pixels_apart=I64,
        height=I64,
        width=I64,
        out=ArrayOf(stored),
        out_apart=I64,
        **tables,
    )

    def mean(*four: Value) -> Value:
        if in_light:
            return _mean_light(f.array("light"), f.array("bounds"), f.integer(0), *four)
        return _mean(*four)

    height, width = f["height"], f["width"]
    with f.loop((height + 1) >> 1) as i:
        upper = f.array("pixels").at(i * 2 * f["pixels_apart"])
        lower = f.array("pixels").at((i * 2 + 1).at_most(height - 1) * f["pixels_apart"])
        out = f.array("out").at(i * f["out_apart"])
        with f.loop(width >> 1) as j:
            out.store(mean(*_four(upper, lower, j * 2, j * 2 + 1)), j)
        with f.when((width & 1) > 0):
            out.store(mean(*_four(upper, lower, width - 1, width - 1)), width >> 1)
    f.end()
    return module


def _four(upper: Array, lower: Array, left: Value, right: Value) -> list[Value]:
    return [row.load(j) for j in (left, right) for row in (upper, lower)]


def _mean(a: Value, b: Value, c: Value, d: Value) -> Value:
    if a.is_float:
        return ((a + b) + (c + d)) * 0.25
    s = _sum(*(value.unsigned(WIDER[value.element]) for value in (a, b, c, d)))
    return ((s + 1 + ((s >> 2) & 1)) >> 2).to(a.element)


def _mean_light(light: Array, bounds: Array, zero: Value, *four: Value) -> Value:
    """Return the stored value of the mean of four lights, found by bisection of the bounds."""
    s = _sum(*(light.load(value.unsigned(I64)) for value in four))
    found = zero
    for bit in reversed(range(four[0].element.width)):
        further = found + (1 << bit)
        found = (bounds.load(further) <= s).where(further, found)
    return found.to(four[0].element)


def _sum(a: Value, b: Value, c: Value, d: Value) -> Value:
    return (a + b) + (c + d)
