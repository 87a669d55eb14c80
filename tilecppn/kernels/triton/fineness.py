"""The local fineness of points in Triton, and what it leaves of a layer's readout."""

import triton
import triton.language as tl

from tilecppn.kernels.fineness import SHIFT, SPACING, TAPS
from tilecppn.kernels.triton.activations import constant

NEAR = constant(TAPS)
SIDE = constant(SPACING)
SIDE_LOG2 = constant(SHIFT)


@triton.jit
def located_fineness(
    nodes, spline, grid, origins, index, row, col, rows, cols, down, across
):  # fmt: skip
    """Return the fineness of the lattices' points by number, at their pixels.

    nodes: of `FinenessMap.tables`, (lattices, down, across) float32. spline: its WEIGHTS, float32.
    grid: begins with the middle of the canvas, (column, row).
    """
    lattice = (index // cols) // rows
    origin = origins + 2 * lattice
    middle_row = tl.floor(tl.load(grid + 1) + 0.5).to(tl.int64)
    middle_col = tl.floor(tl.load(grid + 0) + 0.5).to(tl.int64)
    row, col = row - middle_row, col - middle_col
    # Shifts round down, also where indices are negative.
    top = (row >> SIDE_LOG2) - ((tl.load(origin) - middle_row) >> SIDE_LOG2)
    left = (col >> SIDE_LOG2) - ((tl.load(origin + 1) - middle_col) >> SIDE_LOG2)
    first = nodes + (lattice * down + top) * across + left
    down_phase = spline + (row & (SIDE - 1))
    across_phase = spline + (col & (SIDE - 1))
    fineness = tl.zeros(index.shape, tl.float32)
    for i in tl.static_range(NEAR):
        line = tl.zeros(index.shape, tl.float32)
        for j in tl.static_range(NEAR):
            node = tl.load(first + i * across + j)
            line = tl.fma(tl.load(across_phase + j * SIDE), node, line)
        fineness = tl.fma(tl.load(down_phase + i * SIDE), line, fineness)
    return fineness


@triton.jit
def faded(start, fineness):
    """Return the factor of a layer's readout: smoothstep(start - fineness)."""
    share = tl.minimum(tl.maximum(start - fineness, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)
