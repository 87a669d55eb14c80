"""The local fineness of a picture, by which its finest layers fade: a spline between nodes.

A node lies on every corner of the blocks. How much the values of a hidden layer change across the
corner of four pixels beside it gives its fineness (`cppn.detail.LocalFineness`). Between nodes it
is a cubic B-spline, which follows the nodes without passing through them and is as smooth as the
fade needs. A pixel's fineness follows from its index alone, not from what else is drawn.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Workspace
from tilecppn.codegen import Array, ArrayOf, Module, Value, machine_code
from tilecppn.codegen.values import F32, F64, I64, weighted_sum
from tilecppn.cppn.detail import LocalFineness
from tilecppn.plan import BLOCK
from tilecppn.scene.view import Lattices

SHIFT = BLOCK.bit_length() - 1  # bits of a pixel's position in its block
TAPS = 4  # nodes of the spline along an axis: one before the block's corner, and three from it on
SIDE = 8  # nodes along a side of a square that is evaluated, and kept, as one
# Pixels from a corner to where it is looked at: on most canvases mirrors' lines are on blocks'
# corners, and pixels on both sides of one are equal.
BESIDE = 4
AHEAD = 2  # nodes before the canvas in its first square, so that a thumbnail needs no other
SQUARES = 64  # squares kept
LANES = 8  # adjacent pixels at a time
FAR = 1 / 16  # nodes between lattices, per point, from which on each has its own
NOTHING = np.zeros(0, np.float32)
NEVER = 1e9  # the start of a layer that does not fade, beyond any fineness

# Returns values (units, n, 2, 2) of hidden layers in turn at lattices of four pixels.
Values = Callable[[Lattices], Sequence[NDArray[np.float64]]]


def _weights() -> NDArray[np.float64]:
    """Return the nodes' weights (TAPS, BLOCK) for each pixel of a block (de Boor, 1978)."""
    t = (np.arange(BLOCK) + 0.5) / BLOCK
    cubes = (1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3
    return np.stack(cubes) / 6.0


WEIGHTS = _weights()


class FinenessMap:
    """The local fineness of one picture. For one thread."""

    def __init__(self, local: LocalFineness, values: Values) -> None:
        self.local, self.values = local, values
        self._squares: OrderedDict[tuple[int, int], NDArray[np.float64]] = OrderedDict()

    def nodes(self, top: int, left: int, rows: int, cols: int) -> NDArray[np.float64]:
        """Return nodes (rows, cols) from row `top` and column `left` of the nodes on."""
        out = np.empty((rows, cols))
        for i in range((top + AHEAD) // SIDE, (top + rows - 1 + AHEAD) // SIDE + 1):
            for j in range((left + AHEAD) // SIDE, (left + cols - 1 + AHEAD) // SIDE + 1):
                row, col = i * SIDE - AHEAD - top, j * SIDE - AHEAD - left
                own = slice(max(0, -row), rows - row), slice(max(0, -col), cols - col)
                part = self._square(i, j)[own]
                row, col = max(0, row), max(0, col)
                out[row : row + part.shape[0], col : col + part.shape[1]] = part
        return out

    def _square(self, i: int, j: int) -> NDArray[np.float64]:
        """Return the nodes of a square (SIDE, SIDE)."""
        if (i, j) in self._squares:
            self._squares.move_to_end((i, j))
            return self._squares[i, j]
        rows, cols = (SIDE * first - AHEAD + np.arange(SIDE) for first in (i, j))
        corners = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
        values = self.values(Lattices(np.ascontiguousarray(corners * BLOCK + BESIDE), 2, 2, 1))
        found = self.local.of([_mean_squares(v) for v in values]).reshape(SIDE, SIDE)
        self._squares[i, j] = found
        if len(self._squares) > SQUARES:
            self._squares.popitem(last=False)
        return found

    def tables(self, lattices: Lattices) -> NDArray[np.float64]:
        """Return for each lattice the nodes (n, down, across) for its points.

        The first node is that before the block of the lattice's origin; blocks and phases of pixels
        are counted from that block's first pixel.
        """
        phases = (lattices.origins % BLOCK).max(axis=0).tolist()
        down, across = (
            (phase + (points - 1) * lattices.stride) // BLOCK + TAPS
            for phase, points in zip(phases, lattices.shape[1:], strict=True)
        )
        first = (lattices.origins // BLOCK - 1).tolist()
        return np.stack([self.nodes(top, left, down, across) for top, left in first])

    def fill(self, lattices: Lattices, out: NDArray[np.float32]) -> None:
        """Store the fineness of all points of lattices in `out`, in order."""
        lowest, highest = lattices.origins.min(axis=0), lattices.origins.max(axis=0)
        reach = lattices.stride * (np.array(lattices.shape[1:]) - 1)
        top, left = (lowest // BLOCK - 1).tolist()
        bottom, right = ((highest + reach) // BLOCK + TAPS - 1).tolist()
        rows, cols = bottom - top, right - left
        points = lattices.rows * lattices.cols
        if rows * cols > FAR * points and len(lattices.origins) > 1:
            for k in range(len(lattices.origins)):
                one = lattices._replace(origins=lattices.origins[k : k + 1])
                self.fill(one, out[k * points : (k + 1) * points])
            return
        _compiled()["spline"](
            self.nodes(top, left, rows, cols), (top + 1) * BLOCK, (left + 1) * BLOCK, cols, WEIGHTS,
            lattices.origins, *lattices.shape, lattices.stride, np.empty(cols), out,
        )  # fmt: skip


def fineness_of(
    fineness: FinenessMap | None, lattices: Lattices, memory: Workspace, padded: int
) -> NDArray[np.float32]:
    """Return the fineness of all points of lattices, padded to so many; nothing if none fades."""
    if fineness is None:
        return NOTHING
    out, points = memory.array((padded,), np.float32), math.prod(lattices.shape)
    out[points:] = 0.0
    fineness.fill(lattices, out)
    return out


def _mean_squares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean squares (n,) of units' changes across a pixel, from (units, n, 2, 2)."""
    down = values[:, :, 1, 1] - values[:, :, 0, 0]
    up = values[:, :, 0, 1] - values[:, :, 1, 0]
    changes = 0.5 * (down * down + up * up)
    return np.asarray(np.add.accumulate(changes, axis=0)[-1] / len(values))  # summed in order


@machine_code
def _compiled() -> Module:
    module = Module()
    f = module.function(
        "spline",
        nodes=ArrayOf(F64), top=I64, left=I64,  # first pixel of the block after the first node
        across=I64,  # from a row of nodes to the next
        weights=ArrayOf(F64),
        origins=ArrayOf(I64), lattices=I64, rows=I64, cols=I64, stride=I64,
        line=ArrayOf(F64),  # scratch: nodes interpolated along columns
        out=ArrayOf(F32),
    )  # fmt: skip
    line, stride, across, weights = f.array("line"), f["stride"], f["across"], f.array("weights")
    with f.loop(f["lattices"]) as lattice:
        row = f.array("origins").load(lattice * 2) - f["top"]
        col = f.array("origins").load(lattice * 2 + 1) - f["left"]
        uneven = (stride - 1) | ((col | f["cols"]) & (LANES - 1))
        together, one_by_one = uneven.equals(0), uneven > 0
        last = ((col + (f["cols"] - 1) * stride) >> SHIFT) + TAPS
        with f.loop(f["rows"]) as i:
            block, own = _block_of(weights, row + i * stride, 1)
            nodes = f.array("nodes").at(block * across)
            with f.loop(last, start=col >> SHIFT) as k:
                near = [nodes.load(across * tap + k) for tap in range(TAPS)]
                line.store(weighted_sum(own, near), k)
            out = f.array("out").at((lattice * f["rows"] + i) * f["cols"])
            for lanes, condition in ((LANES, together), (1, one_by_one)):
                with f.when(condition), f.loop(f["cols"], step=lanes) as j:
                    block, own = _block_of(weights, col + j * stride, lanes)
                    near = [line.load(block + tap).splat(lanes) for tap in range(TAPS)]
                    out.store(weighted_sum(own, near).to(F32), j)
    f.end()
    return module


def _block_of(weights: Array, pixel: Value, lanes: int) -> tuple[Value, list[Value]]:
    """Return the block of pixels from this one on, and the weights of the nodes around it."""
    phase = pixel & (BLOCK - 1)
    return pixel >> SHIFT, [weights.load(phase + BLOCK * k, lanes) for k in range(TAPS)]
