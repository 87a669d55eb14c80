"""Measures how well a lattice's even nodes predict the others, per block, in machine code."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.codegen import (
    ArrayOf,
    Function,
    Module,
    Value,
    machine_code,
)
from tilecppn.codegen.values import F64, I64

HALO = 2  # nodes around a block that its predictions need
OUTERMOST = 0.6  # weight of the one-sided cubic's error, which is 5/3 of the other's
NEVER = 1.7e308  # about the largest finite float64


def prediction_error(nodes: NDArray[Any], across: int) -> NDArray[np.float64]:
    """Return each block's largest difference (…, blocks, blocks) of evaluated and predicted nodes.

    nodes: (channels, …, rows, cols), float32 or float64, of blocks with `across` intervals a side
    and HALO nodes around them. Nodes in even rows and columns predict the others by the cubic
    through the nearest four, first along rows, then along columns. Each block's own nodes are
    compared, and those one beyond its border, where a cubic has three nodes on one side. NaN gives
    infinity.
    """
    _, *batch, rows, cols = nodes.shape
    lattices, apart = as_lattices(nodes)
    shape = ((rows - 1 - 2 * HALO) // across, (cols - 1 - 2 * HALO) // across)
    out = np.empty((lattices.shape[1], *shape))
    side = across + 1 + 2 * HALO
    first, weights = _midpoints((side + 1) // 2)
    _compiled()["difference"](
        lattices, *lattices.shape[:2], *apart, *shape, across, side, first, weights,
        np.empty((side + 1) // 2 * side), out,
    )  # fmt: skip
    return out.reshape(*batch, *shape)


def as_lattices(nodes: NDArray[Any]) -> tuple[NDArray[np.float64], list[int]]:
    """Return (channels, …, rows, cols) as contiguous (channels, n, rows, cols), and its strides.

    Strides are in elements, of all axes but the last.
    """
    channels, *_, rows, cols = nodes.shape
    lattices = np.ascontiguousarray(nodes, np.float64).reshape(channels, -1, rows, cols)
    return lattices, [stride // lattices.itemsize for stride in lattices.strides[:3]]


@lru_cache(64)
def _midpoints(count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the first node (count - 1,) and weights (count - 1, 4) of each midpoint's cubic."""
    first = np.clip(np.arange(count - 1) - 1, 0, count - 4)
    weights = np.tile([-1.0, 9.0, 9.0, -1.0], (count - 1, 1))
    weights[0], weights[-1] = (5.0, 15.0, -5.0, 1.0), (1.0, -5.0, 15.0, 5.0)
    return first.astype(np.int64), weights / 16.0


@machine_code
def _compiled() -> Module:
    module = Module()
    f = module.function(
        "difference",
        nodes=ArrayOf(F64),
        channels=I64, count=I64,
        channel_apart=I64, lattice_apart=I64, row_apart=I64,
        block_rows=I64, block_cols=I64,
        across=I64, side=I64,
        first=ArrayOf(I64), weights=ArrayOf(F64),
        lines=ArrayOf(F64),  # scratch: even rows, all their columns predicted or known
        out=ArrayOf(F64),
    )  # fmt: skip
    with f.loop(f["count"]) as n, f.loop(f["block_rows"]) as row, f.loop(f["block_cols"]) as col:
        worst = f.variable(f.number(F64, 0.0))
        start = n * f["lattice_apart"] + (row * f["row_apart"] + col) * f["across"]
        with f.loop(f["channels"]) as channel:
            _compare(f, start + channel * f["channel_apart"], worst)
        f.array("out").store(worst.value, (n * f["block_rows"] + row) * f["block_cols"] + col)
    f.end()
    return module


def _compare(f: Function, start: Value, worst: Any) -> None:
    """Compare one channel of one block, whose first node of the halo is at `start`."""
    nodes, lines, side = f.array("nodes").at(start), f.array("lines"), f["side"]
    last = side - 2
    half = (side + 1) >> 1

    def midpoint(k: Value, values: Any) -> Value:
        """Predict the midpoint of the even nodes k and k + 1; values(k) gives one."""
        first = f.array("first").load(k)
        total = f.number(F64, 0.0)
        for i in range(4):
            total = values(first + i).fma(f.array("weights").load(k * 4 + i), total)
        return total

    def compare(row: Value, col: Value, predicted: Value) -> None:
        one = f.number(F64, 1.0)
        found = (nodes.load(row * f["row_apart"] + col) - predicted).abs()
        for index in (row, col):
            outer = index.equals(1) | index.equals(last)
            found = found * outer.where(f.number(F64, OUTERMOST), one)
        found = (found < NEVER).where(found, found.like(float("inf")))  # false for NaN
        worst.set(worst.value.at_least(found))

    with f.loop(half) as k:
        known = nodes.at(k * 2 * f["row_apart"])
        line = lines.at(k * side)
        with f.loop(half) as j:
            line.store(known.load(j * 2), j * 2)
        with f.loop(half - 1) as j:
            line.store(midpoint(j, lambda m: known.load(m * 2)), j * 2 + 1)
    with f.loop(half - 1, start=1) as k, f.loop(half - 1) as j:
        compare(k * 2, j * 2 + 1, lines.load(k * side + j * 2 + 1))
    with f.loop(half - 1) as k, f.loop(side - 1, start=1) as col:
        compare(k * 2 + 1, col, midpoint(k, lambda m: lines.load(m * side + col)))
