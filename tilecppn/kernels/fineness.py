"""The local fineness of a picture, by which its finest layers fade: a spline between nodes.

Nodes lie SPACING pixels apart on corners of pixels, counted from the middle of the canvas, so that
the halves of a mirrored picture are alike. How much the values of a hidden layer change across a
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
from tilecppn.kernels.base import EvaluationContext
from tilecppn.scene.view import Lattices

SHIFT = 6  # bits of a pixel's position between two nodes
SPACING = 1 << SHIFT  # pixels from node to node
TAPS = 4  # nodes of the spline along an axis: two before the pixel, and two after it
SIDE = 8  # nodes along a side of a square that is evaluated, and kept, as one
# Pixels from a node to the corner that is looked at: on a mirror's line, where nodes lie, pixels on
# both sides are equal.
BESIDE = 5
AHEAD = 4  # nodes before the middle in its square, so that a thumbnail needs no other
SQUARES = 64  # squares kept
LANES = 8  # adjacent pixels at a time
FAR = 1 / 16  # nodes between lattices, per point, from which on each has its own
NOTHING = np.zeros(0, np.float32)
NEVER = 1e9  # the start of a layer that does not fade, beyond any fineness

# Returns values (units, n, 2, 2) of hidden layers in turn at lattices of four pixels.
Values = Callable[[Lattices], Sequence[NDArray[np.float64]]]


def _weights() -> NDArray[np.float64]:
    """Return the weights (TAPS, SPACING) of the nodes around each pixel (de Boor, 1978)."""
    t = (np.arange(SPACING) + 0.5) / SPACING
    far, near = (1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4
    return np.stack([far, near, near[::-1], far[::-1]]) / 6.0


WEIGHTS = _weights()


class FinenessMap:
    """The local fineness of one picture. For one thread."""

    def __init__(self, local: LocalFineness, context: EvaluationContext, values: Values) -> None:
        grid, fold = context.grid, context.fold
        self.local, self.values = local, values
        # (row, column) of the pixel after node (0, 0), and whether the middle is a mirror's line
        self.middle = np.floor(np.array(grid.middle[::-1]) + 0.5).astype(np.int64)
        self.mirrored = np.array([fold is not None and fold.mirrors(axis) for axis in "yx"])
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
        nodes = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
        beside = np.where(self.mirrored & (nodes > 0), -BESIDE, BESIDE)
        corners = self.middle + nodes * SPACING + beside
        values = self.values(Lattices(corners - 1, 2, 2, 1))
        found = self.local.of([_mean_squares(v) for v in values]).reshape(SIDE, SIDE)
        self._squares[i, j] = found
        if len(self._squares) > SQUARES:
            self._squares.popitem(last=False)
        return found

    def tables(self, lattices: Lattices) -> NDArray[np.float64]:
        """Return for each lattice the nodes (n, down, across) for its points.

        The first node is the second one before the lattice's origin.
        """
        origins = lattices.origins - self.middle
        phases = (origins % SPACING).max(axis=0).tolist()
        down, across = (
            (phase + (points - 1) * lattices.stride) // SPACING + TAPS
            for phase, points in zip(phases, lattices.shape[1:], strict=True)
        )
        first = (origins // SPACING - 1).tolist()
        return np.stack([self.nodes(top, left, down, across) for top, left in first])

    def fill(self, lattices: Lattices, out: NDArray[np.float32]) -> None:
        """Store the fineness of all points of lattices in `out`, in order."""
        origins = lattices.origins - self.middle
        lowest, highest = origins.min(axis=0), origins.max(axis=0)
        reach = lattices.stride * (np.array(lattices.shape[1:]) - 1)
        top, left = (lowest // SPACING - 1).tolist()
        bottom, right = ((highest + reach) // SPACING + TAPS - 1).tolist()
        rows, cols = bottom - top, right - left
        points = lattices.rows * lattices.cols
        if rows * cols > FAR * points and len(lattices.origins) > 1:
            for k in range(len(lattices.origins)):
                one = lattices._replace(origins=lattices.origins[k : k + 1])
                self.fill(one, out[k * points : (k + 1) * points])
            return
        _compiled()["spline"](
            self.nodes(top, left, rows, cols), (top + 1) * SPACING, (left + 1) * SPACING, cols,
            WEIGHTS, origins, *lattices.shape, lattices.stride, np.empty(cols), out,
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
        nodes=ArrayOf(F64), top=I64, left=I64,  # first pixel after the second node
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
            first, own = _around(weights, row + i * stride, 1)
            nodes = f.array("nodes").at(first * across)
            with f.loop(last, start=col >> SHIFT) as k:
                near = [nodes.load(across * tap + k) for tap in range(TAPS)]
                line.store(weighted_sum(own, near), k)
            out = f.array("out").at((lattice * f["rows"] + i) * f["cols"])
            for lanes, condition in ((LANES, together), (1, one_by_one)):
                with f.when(condition), f.loop(f["cols"], step=lanes) as j:
                    first, own = _around(weights, col + j * stride, lanes)
                    near = [line.load(first + tap).splat(lanes) for tap in range(TAPS)]
                    out.store(weighted_sum(own, near).to(F32), j)
    f.end()
    return module


def _around(weights: Array, pixel: Value, lanes: int) -> tuple[Value, list[Value]]:
    """Return the first of the nodes around pixels from this one on, and the nodes' weights."""
    phase = pixel & (SPACING - 1)
    return pixel >> SHIFT, [weights.load(phase + SPACING * k, lanes) for k in range(TAPS)]
