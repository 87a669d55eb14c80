"""The local fineness of points in Triton, and what it leaves of a layer's readout."""

import triton
import triton.language as tl

from tilecppn.kernels.fineness import SHIFT, TAPS
from tilecppn.kernels.triton.activations import constant
from tilecppn.plan import BLOCK

NEAR = constant(TAPS)
SIDE = constant(BLOCK)
SIDE_LOG2 = constant(SHIFT)


@triton.jit
def located_fineness(
    nodes, spline, origins, index, row, col, rows, cols, down, across
):  # fmt: skip
    """Return the fineness of the lattices' points by number, at their pixels.

    nodes: of `FinenessMap.tables`, (lattices, down, across) float32. spline: its WEIGHTS, float32.
    """
    lattice = (index // cols) // rows
    # Shifts round down, also where indices are negative.
    top = (row >> SIDE_LOG2) - (tl.load(origins + 2 * lattice) >> SIDE_LOG2)
    left = (col >> SIDE_LOG2) - (tl.load(origins + 2 * lattice + 1) >> SIDE_LOG2)
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
