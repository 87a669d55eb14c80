"""Measures the peak of one core: multiply-adds in registers, activations in the L1 cache."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tilecppn.buffers import aligned
from tilecppn.codegen import HOST, ArrayOf, Compiled, Module
from tilecppn.codegen.activations import FUNCTIONS
from tilecppn.codegen.values import ELEMENTS, I64
from tilecppn.kernels.llvm.layers import Tiling

SUMS = 12  # independent of each other: more than latency times throughput, and all in registers
REPEATS = 500_000
VALUES = 2048  # fit into the L1 cache


class Counted(NamedTuple):
    """A function to time, and the number of operations it does."""

    run: Callable[[], object]
    operations: int


def _peak(dtype: str) -> Module:
    real = ELEMENTS[np.dtype(dtype)]
    lanes = HOST.lanes(real)
    module = Module()
    f = module.function("peak", numbers=ArrayOf(real), repeats=I64)
    factor = f.array("numbers").load(0, lanes)
    sums = [f.variable(f.array("numbers").load(n * lanes, lanes)) for n in range(SUMS)]
    with f.loop(f["repeats"]):
        for total in sums:
            total.set(total.value.fma(factor, factor))
    for n, total in enumerate(sums):
        f.array("numbers").store(total.value, n * lanes)
    f.end()
    return module


def multiply_adds(dtype: str) -> Counted:
    lanes = HOST.lanes(ELEMENTS[np.dtype(dtype)])
    numbers = aligned((SUMS * lanes,), dtype)
    numbers[:] = 0.5
    peak = Compiled(_peak, dtype)["peak"]
    return Counted(lambda: peak(numbers, REPEATS), SUMS * lanes * REPEATS)


def _apply(name: str, dtype: str, vectors: int) -> Module:
    real = ELEMENTS[np.dtype(dtype)]
    lanes = HOST.lanes(real)
    module = Module()
    f = module.function("apply", x=ArrayOf(real), count=I64, y=ArrayOf(real), repeats=I64)
    with f.loop(f["repeats"]), f.loop(f["count"], step=lanes * vectors) as i:
        values = [f.array("x").load(i + v * lanes, lanes) for v in range(vectors)]
        for v, value in enumerate([FUNCTIONS[name](value) for value in values]):
            f.array("y").store(value, i + v * lanes)
    f.end()
    return module


def activation(name: str, dtype: str) -> Counted:
    """Generate an activation of several vectors at a time, as in the kernel."""
    lanes, vectors = HOST.lanes(ELEMENTS[np.dtype(dtype)]), Tiling.of(HOST).vectors
    whole = VALUES - VALUES % (lanes * vectors)
    x, y = aligned((whole,), dtype), aligned((whole,), dtype)
    x[:] = np.random.default_rng(0).normal(0.0, 3.0, whole)
    apply, repeats = Compiled(_apply, name, dtype, vectors)["apply"], REPEATS // VALUES * 10
    return Counted(lambda: apply(x, whole, y, repeats), whole * repeats)
