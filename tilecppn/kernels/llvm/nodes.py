"""Early layers at nodes a few pixels apart, and between them by interpolation.

The early layers of a network with detail vary over hundreds of pixels, and need float64. They are
evaluated at every fourth or second pixel of the global grid; between those nodes each unit is a
polynomial through eight nodes along each axis, rounded to float32 for the late layers, which are
evaluated at every pixel. At a node itself the polynomial is the node's value, to the bit.

Some places are far busier than the others. A block of 64² pixels is drawn so only where the eighth
differences of its nodes, which bound the next term of the polynomials, are no more than rounding to
float32 costs; else with nodes half as far apart, or all its pixels are evaluated in full. That
follows from the block's nodes, so a pixel's bits do not depend on what else is drawn.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.resolved import activated, differences, product
from tilecppn.cppn.structure import COORDINATES
from tilecppn.kernels.base import EvaluationContext
from tilecppn.kernels.llvm.codegen import (
    ArrayOf,
    Compiled,
    Module,
    Target,
    Workspace,
    aligned,
    thread_safe_cache,
)
from tilecppn.kernels.llvm.codegen.values import F32, F64, I64
from tilecppn.kernels.llvm.network import Network
from tilecppn.kernels.llvm.points import Points
from tilecppn.kernels.rounding import ROUNDING
from tilecppn.plan import BLOCK
from tilecppn.scene.view import Lattices

APART = (4, 2)  # pixels between nodes, as they are tried
TAPS = 8  # nodes of a polynomial: three before a pixel's own, and four after it
BEFORE = 3
LANES = 8  # pixels at a time
DIFFERENCE = [float((-1) ** k * math.comb(TAPS, k)) for k in range(TAPS + 1)]
Place = tuple[slice, int, slice, slice]
ERROR = 35.0 / 32768.0  # of the polynomial in the middle between nodes, for a difference of 1
MOST = 8.0 * ROUNDING  # the error that a unit may have
SAMPLES = 64  # points at which the interpolation is tried
SHARE = 0.5  # of them that must be within MOST


def lagrange(apart: int) -> NDArray[np.float64]:
    """(apart, TAPS): the nodes' weights at 0, 1, … pixels after a node; sums of powers of 2."""
    nodes = range(-BEFORE, TAPS - BEFORE)
    return np.array(
        [
            [
                math.prod(Fraction(p - apart * m, apart * (k - m)) for m in nodes if m != k)
                for k in nodes
            ]
            for p in range(apart)
        ],
        np.float64,
    )


def nodes_serve(field: EvaluationContext, layers: int) -> bool:
    """Whether most blocks can be drawn from nodes of the output of the first `layers`.

    Tried in the middle between nodes, at points spread over the canvas.
    """
    if field.cppn.structure.detail is None or not field.plain or layers == 0:
        return False
    rows, cols = (np.floor(n)[:, None, None] for n in field.some_places(SAMPLES))
    apart = APART[-1]
    offsets = apart * np.arange(-BEFORE, TAPS - BEFORE, dtype=np.float64)
    around = _hidden(field, layers, rows + offsets[:, None], cols + offsets)
    half, weights = apart // 2, lagrange(apart)[apart // 2]
    found = np.einsum("nabu,a,b->nu", around, weights, weights)
    error = np.abs(found - _hidden(field, layers, rows + half, cols + half)[:, 0, 0]).max(axis=1)
    return bool(np.mean(error <= MOST) >= SHARE)


def _hidden(
    field: EvaluationContext,
    layers: int,
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Output (…, units) of hidden layer `layers` - 1 at pixel indices that broadcast."""
    h = np.stack(np.broadcast_arrays(*field.points(rows, cols)), axis=-1)
    for layer in field.network.layers[:layers]:
        sums = product(h, layer.weight)
        if layer.differs:
            h = differences(layer.bias, sums, layer.groups)
        else:
            h = activated(sums + layer.bias, layer.groups)
    return h


def on_nodes(lattices: Lattices) -> bool:
    """Whether all points of lattices are nodes, however far apart those are."""
    return lattices.stride % APART[0] == 0 and not (lattices.origins % APART[0]).any()


def windows(lattices: Lattices) -> Iterator[tuple[Place, int, int, int, int]]:
    """Rows, columns and sizes of pixels in which lattices lie, none across blocks of the grid.

    With each its place in an array (channels, n, rows, cols); there are stride² as many pixels.
    """
    for i, (top, left) in enumerate(lattices.origins.tolist()):
        for rows in _runs(top, lattices.rows, lattices.stride):
            for cols in _runs(left, lattices.cols, lattices.stride):
                place = (slice(None), i, rows.part, cols.part)
                yield place, rows.first, cols.first, rows.pixels, cols.pixels


class _Run(NamedTuple):
    part: slice  # of the lattice's rows or columns
    first: int  # its pixels
    pixels: int


def _runs(start: int, points: int, stride: int) -> list[_Run]:
    """Points along an axis, cut at the blocks of the grid."""
    runs, first = [], 0
    while first < points:
        pixel = start + first * stride
        left = min((BLOCK - 1 - pixel % BLOCK) // stride + 1, points - first)
        runs.append(_Run(slice(first, first + left), pixel, (left - 1) * stride + 1))
        first += left
    return runs


class NodeLayers:
    """The early layers at nodes, and the late ones at every pixel, of one kernel."""

    def __init__(
        self,
        field: EvaluationContext,
        early: Network,
        late: Network,
        weights: Sequence[NDArray[Any]],
        points: Points,
        target: Target,
        apart: int,
    ) -> None:
        """apart: pixels between nodes. weights: of the early layers and of the late ones.

        `early` keeps what its last layer holds.
        """
        self.field, self.early, self.late, self.weights = field, early, late, weights
        self.points, self.compiled = points, _compiled(target, apart)
        self.apart, self.side, self.table = apart, _side(apart), lagrange(apart)
        self.channels = field.network.channels
        self.scratch = [
            aligned((early.scratch[0],), np.float64),
            aligned((late.scratch[1],), np.float32),
        ]
        self.line = aligned((self.side + LANES,), np.float64)
        self.inputs, self.hidden, self.colour = Workspace(), Workspace(), Workspace()
        self.features, self.out = Workspace(), Workspace()

    def pixels(self, row: int, col: int, rows: int, cols: int) -> NDArray[np.float32] | None:
        """Colours (channels, rows, cols) of a window of a block; the next call overwrites them.

        None where the block is too busy.
        """
        top, left = row % BLOCK, col % BLOCK
        origin = np.array([row - top, col - left]) - BEFORE * self.apart
        nodes = Lattices(origin[None], self.side, self.side, self.apart)
        hidden, colour = self._early(nodes)
        self.compiled["roughness"](hidden, hidden.shape[1], len(hidden), self.line)
        if not self.line[0] * ERROR <= MOST:
            return None
        first = top // self.apart  # the window's first row of cells
        height = top + rows - first * self.apart
        whole = self.late.whole(height * BLOCK)
        features = self.features.array((len(hidden), whole), np.float32)
        out = self.out.array((self.channels, whole), np.float32)
        for values, into in ((hidden, features), (colour, out)):
            self.compiled["interpolate"](
                values[:, first * self.side :], values.shape[1], len(values), height,
                self.table, self.line, into, whole,
            )  # fmt: skip
        self.late.call(
            features, whole, _NONE[0], _NONE[0], self.weights[1], self.scratch[1], out, _NONE[1], 0
        )
        colours = out[:, : height * BLOCK].reshape(self.channels, height, BLOCK)
        return colours[:, height - rows :, left : left + cols]

    def _early(self, nodes: Lattices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What the last early layer holds, and the readouts' sum, (features, nodes) each."""
        whole = self.early.whole(math.prod(nodes.shape))
        inputs = self.inputs.array((len(COORDINATES), whole), np.float64)
        hidden, colour = (
            memory.array((count * whole + LANES,), np.float64)[:-LANES].reshape(count, whole)
            for memory, count in ((self.hidden, self.early.features), (self.colour, self.channels))
        )
        self.points.fill(self.field, nodes, inputs)
        self.early.call(
            inputs, whole, self.weights[0], self.scratch[0], _NONE[1], _NONE[1],
            colour, _NONE[0], 0, hidden,
        )  # fmt: skip
        return hidden, colour


_NONE = np.zeros(0, np.float64), np.zeros(0, np.float32)


@thread_safe_cache
def _compiled(target: Target, apart: int) -> Compiled:
    module = Module()
    _roughness(module, _side(apart))
    _interpolate(module, apart)
    return Compiled(module, target)


def _roughness(module: Module, side: int) -> None:
    """The largest difference of order TAPS along rows and columns of a block's nodes."""
    f = module.function(
        "roughness", nodes=ArrayOf(F64), apart=I64, features=I64, largest=ArrayOf(F64)
    )
    starts = f.integer(side - TAPS)  # of TAPS + 1 nodes in a row
    most = f.variable(f.number(F64, 0.0).splat(LANES))
    with f.loop(f["features"]) as feature:
        nodes = f.array("nodes").at(feature * f["apart"])
        for stride, rows, cols in ((1, side, starts), (side, side - TAPS, f.integer(side))):
            with f.loop(f.integer(rows)) as row, f.loop(cols, step=LANES) as col:
                here = nodes.at(row * side + col.at_most(cols - LANES))
                total = here.load(0, LANES)
                for k in range(1, TAPS + 1):
                    total = here.load(k * stride, LANES).fma(DIFFERENCE[k], total)
                most.set(most.value.at_least(total.abs()))
    f.array("largest").store(most.value)
    with f.loop(f.integer(LANES), start=1) as lane:
        one, all_ = f.array("largest").load(lane), f.array("largest").load(0)
        f.array("largest").store(all_.at_least(one))
    f.end()


def _interpolate(module: Module, apart: int) -> None:
    """Rows of a block's pixels from its nodes: along columns first, then along rows.

    Sums are taken in the nodes' order; `line` is scratch memory for a row of nodes.
    """
    f = module.function(
        "interpolate",
        nodes=ArrayOf(F64), nodes_apart=I64, features=I64, rows=I64,
        weights=ArrayOf(F64), line=ArrayOf(F64),
        out=ArrayOf(F32), out_apart=I64,
    )  # fmt: skip
    line, side, cells = f.array("line"), _side(apart), LANES // apart
    table = lagrange(apart)
    along = [f.vector(F64, table[:, k].tolist() * cells) for k in range(TAPS)]
    with f.loop(f["features"]) as feature:
        nodes = f.array("nodes").at(feature * f["nodes_apart"])
        out = f.array("out").at(feature * f["out_apart"])
        with f.loop(f["rows"]) as row:
            upper = nodes.at((row >> (apart.bit_length() - 1)) * side)
            own = f.array("weights").at((row & (apart - 1)) * TAPS)
            down = [own.load(k).splat(LANES) for k in range(TAPS)]
            with f.loop(f.integer(side), step=LANES) as col:
                total = down[0] * upper.load(col, LANES)
                for k in range(1, TAPS):
                    total = down[k].fma(upper.load(col + k * side, LANES), total)
                line.store(total, col)
            with f.loop(f.integer(BLOCK // LANES)) as part:
                near = [line.load(part * cells + k, cells).repeat(apart) for k in range(TAPS)]
                total = along[0] * near[0]
                for weight, node in zip(along[1:], near[1:], strict=True):
                    total = weight.fma(node, total)
                out.store(total.to(F32), row * BLOCK + part * LANES)
    f.end()


def _side(apart: int) -> int:
    """Nodes that a block needs along an axis."""
    return BLOCK // apart + TAPS - 1
