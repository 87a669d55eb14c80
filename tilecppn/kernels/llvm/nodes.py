"""Evaluates early layers at nodes a few pixels apart, and interpolates them in between.

The early layers of a network with detail vary over hundreds of pixels, and need float64. They are
evaluated at every fourth pixel of the global grid; between those nodes each unit is a polynomial
through eight nodes along each axis, rounded to float32 for the late layers, which are evaluated at
every pixel. At a node the polynomial equals the node's value, to the bit.

Some places vary much faster than others. A block of 64² pixels is drawn in this way only if the
eighth differences of its nodes, which bound the next term of the polynomials, are within the error
of rounding to float32. Otherwise the values two layers earlier are interpolated, which vary more
slowly, and those two layers are evaluated at every pixel in float64; if these vary too fast as
well, all layers are. The decision follows from the block's nodes, so a pixel's bits do not depend
on what else is drawn.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Workspace, aligned
from tilecppn.codegen import ELEMENTS, ArrayOf, Compiled, Module, Target, thread_safe_cache
from tilecppn.codegen.values import F64, I64, Value, weighted_sum
from tilecppn.cppn.structure import COORDINATES
from tilecppn.kernels.base import EvaluationContext
from tilecppn.kernels.fineness import FinenessMap, fineness_of
from tilecppn.kernels.float32_error import ROUNDING
from tilecppn.kernels.llvm.points import Points
from tilecppn.kernels.llvm.stage import NO_DOUBLE, NO_SINGLE, Stage
from tilecppn.plan import BLOCK
from tilecppn.scene.view import Lattices

APART = 4  # pixels between nodes
LATER = 2  # layers in float64 that are not interpolated in blocks that vary fast
TAPS = 8  # nodes of a polynomial: three before a pixel's own, and four after it
BEFORE = 3
LANES = 8  # nodes at a time
STRIP = 4  # adjacent blocks whose nodes are evaluated together, since neighbours share some
DIFFERENCE = [float((-1) ** k * math.comb(TAPS, k)) for k in range(TAPS + 1)]
ERROR = 35.0 / 32768.0  # of the polynomial half-way between nodes, for a difference of 1
MAX_ERROR = 8.0 * ROUNDING  # allowed error of a unit whose value is used in float32
SAMPLES = 64  # points at which the interpolation is tested
SHARE = 0.5  # fraction of them that must be within MAX_ERROR


def lagrange(apart: int) -> NDArray[np.float64]:
    """Return the nodes' weights (apart, TAPS) for 0, 1, … pixels after a node, exact in binary."""
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


LAGRANGE = lagrange(APART)
SIDE = BLOCK // APART + TAPS - 1  # nodes that a block needs along an axis


def nodes_suffice(context: EvaluationContext, layers: int) -> bool:
    """Return whether most blocks can be drawn from nodes; layers: the number in float64.

    Tested half-way between nodes, at points spread over the canvas.
    """
    if context.cppn.structure.detail is None or not context.plain or layers <= LATER:
        return False
    rows, cols = (np.floor(n)[:, None, None] for n in context.sample_pixels(SAMPLES))
    offsets = APART * np.arange(-BEFORE, TAPS - BEFORE, dtype=np.float64)
    early, half, weights = layers - LATER, APART // 2, lagrange(APART)[APART // 2]
    around = _hidden(context, early, rows + offsets[:, None], cols + offsets)
    found = np.einsum("nabu,a,b->nu", around, weights, weights)
    error = np.abs(found - _hidden(context, early, rows + half, cols + half)[:, 0, 0]).max(axis=1)
    return bool(np.mean(error <= allowed_error(context, LATER)) >= SHARE)


def allowed_error(context: EvaluationContext, later: int) -> float:
    """Return the allowed error of a unit `later` layers before the first one in float32."""
    detail = context.cppn.structure.detail
    assert detail is not None
    return MAX_ERROR / detail.gain**later


def _hidden(
    context: EvaluationContext,
    layers: int,
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the values (…, units) of hidden layer `layers` - 1 at pixel indices that broadcast."""
    hidden = context.network.hidden(*context.points(rows, cols))
    return next(islice(hidden, layers - 1, None))[1]


def on_nodes(lattices: Lattices) -> bool:
    """Return whether all points of lattices are nodes."""
    return lattices.stride % APART == 0 and not (lattices.origins % APART).any()


class PixelWindow(NamedTuple):
    """The pixels of a block of the grid that contain a part of a lattice."""

    place: tuple[slice, int, slice, slice]  # in an array (channels, n, rows, cols) of lattices
    row: int
    col: int
    rows: int  # of pixels, `stride` for each point of the lattice
    cols: int


def windows(lattices: Lattices) -> Iterator[PixelWindow]:
    """Yield windows of the pixels of lattices, each within one block of the grid."""
    for i, (top, left) in enumerate(lattices.origins.tolist()):
        for rows in _runs(top, lattices.rows, lattices.stride):
            for cols in _runs(left, lattices.cols, lattices.stride):
                place = (slice(None), i, rows.part, cols.part)
                yield PixelWindow(place, rows.first, cols.first, rows.pixels, cols.pixels)


def strips(windows: Iterable[PixelWindow]) -> Iterator[list[PixelWindow]]:
    """Group consecutive windows in adjacent blocks, up to STRIP at a time."""
    strip: list[PixelWindow] = []
    for window in windows:
        block = window.row // BLOCK, window.col // BLOCK - 1
        if strip and (
            len(strip) == STRIP or block != (strip[-1].row // BLOCK, strip[-1].col // BLOCK)
        ):
            yield strip
            strip = []
        strip.append(window)
    if strip:
        yield strip


class _Run(NamedTuple):
    part: slice  # the lattice's rows or columns
    first: int  # first pixel
    pixels: int


def _runs(start: int, points: int, stride: int) -> list[_Run]:
    """Split points along an axis at the blocks of the grid."""
    runs, first = [], 0
    while first < points:
        pixel = start + first * stride
        left = min((BLOCK - 1 - pixel % BLOCK) // stride + 1, points - first)
        runs.append(_Run(slice(first, first + left), pixel, (left - 1) * stride + 1))
        first += left
    return runs


class NodeLayers:
    """Evaluates one kernel's early layers at nodes, and the others at every pixel."""

    def __init__(
        self,
        context: EvaluationContext,
        early: Stage,
        later: Stage,
        late: Stage,
        points: Points,
        fineness: FinenessMap | None,
        target: Target,
    ) -> None:
        """Prepare the stages. early: in float64. later: the next LATER layers, also in float64.

        late: the others, in float32. The first two stages must keep their last layer's values.
        """
        self.context, self.early, self.later, self.late = context, early, later, late
        self.points, self.fineness, self.compiled = points, fineness, _compiled(target)
        self.channels, self.features = context.network.channels, early.network.features
        self.rows = self.features + self.channels  # of an array of values
        double = max(stage.network.scratch[0] for stage in (early, later))
        self.scratch = [
            aligned((double,), np.float64),
            aligned((late.network.scratch[1],), np.float32),
        ]
        self.largest = np.empty(LANES)
        self.inputs, self.nodes, self.ends = Workspace(), Workspace(), Workspace()
        self.between, self.values, self.places = Workspace(), Workspace(), Workspace()

    def colours(
        self, strip: Sequence[PixelWindow]
    ) -> Iterator[tuple[PixelWindow, NDArray[np.float32] | None]]:
        """Yield each window's colours (channels, rows, cols), which the next one's overwrite.

        None if the block varies too fast.
        """
        row, first = (v // BLOCK * BLOCK for v in (strip[0].row, strip[0].col))
        across = len(strip) * BLOCK // APART + TAPS - 1
        origin = np.array([[row, first]]) - BEFORE * APART
        nodes, ends = self._nodes(Lattices(origin, SIDE, across, APART))
        blocks = np.array([[row, first + BLOCK * k] for k in range(len(strip))])
        fineness = self._fineness(Lattices(blocks, BLOCK, BLOCK, 1), BLOCK)
        for k, window in enumerate(strip):
            own = fineness[k * BLOCK**2 :]
            left = (window.col // BLOCK * BLOCK - first) // APART
            if self._error(ends[:, left:], across) <= allowed_error(self.context, 0):
                yield window, self._pixels(window, ends[:, left:], across, own, None)
            elif self._error(nodes[:, left:], across) <= allowed_error(self.context, LATER):
                yield window, self._pixels(window, nodes[:, left:], across, own, self.later)
            else:
                yield window, None

    def _fineness(self, lattices: Lattices, padding: int) -> NDArray[np.float32]:
        points = math.prod(lattices.shape)
        return fineness_of(self.fineness, lattices, self.places, points + padding)

    def _error(self, nodes: NDArray[np.float64], across: int) -> float:
        """Return the error bound of interpolation in the block that begins at the first node."""
        apart = nodes.strides[0] // nodes.itemsize
        self.compiled["roughness"](nodes, apart, across, self.features, self.largest)
        return float(self.largest[0]) * ERROR

    def _pixels(
        self,
        window: PixelWindow,
        nodes: NDArray[np.float64],
        across: int,
        fineness: NDArray[np.float32],
        later: Stage | None,
    ) -> NDArray[np.float32]:
        """Draw a window from the nodes of its block; later: the stage that is still to evaluate."""
        top, left = window.row % BLOCK, window.col % BLOCK
        first = top // APART  # the window's first row of cells
        height = top + window.rows - first * APART
        whole = self.late.network.padded(height * BLOCK)
        values = self.values.array((self.rows, whole), np.float32)
        fineness = fineness[first * APART * BLOCK :]
        into: NDArray[Any] = values
        if later is not None:
            whole = later.network.padded(whole)
            into = self.between.array((self.rows + self.features, whole), np.float64)
        self.compiled[f"interpolate_{into.dtype}"](
            nodes[:, first * across :], nodes.strides[0] // nodes.itemsize, across,
            self.rows, height, LAGRANGE, into, whole,
        )  # fmt: skip
        if later is not None:
            hidden = into[self.rows :]
            later.run(into, fineness, self.scratch[0], into[self.features :], hidden)
            pixels = height * BLOCK  # without the padding of the last block
            values[: self.features, :pixels] = hidden[:, :pixels]
            values[self.features :, :pixels] = into[self.features : self.rows, :pixels]
        out = values[self.features :]
        self.late.network.call(
            values, values.shape[1], fineness, NO_DOUBLE, NO_DOUBLE,
            self.late.weights, self.scratch[1], out, NO_SINGLE, 0,
        )  # fmt: skip
        colours = out[:, : height * BLOCK].reshape(self.channels, height, BLOCK)
        return colours[:, height - window.rows :, left : left + window.cols]

    def _nodes(self, lattices: Lattices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the values of early's last layer, followed by the readouts' sum; and later's."""
        whole = self.early.network.padded(math.prod(lattices.shape))
        inputs = self.inputs.array((len(COORDINATES), whole), np.float64)
        nodes, ends = (
            memory.array((self.rows * whole + LANES,), np.float64)[:-LANES].reshape(-1, whole)
            for memory in (self.nodes, self.ends)
        )
        self.points.fill(self.context, lattices, inputs)
        fades = self.early.network.fades or self.later.network.fades
        padding = whole - math.prod(lattices.shape)
        fineness = self._fineness(lattices, padding) if fades else NO_SINGLE
        self.early.run(inputs, fineness, self.scratch[0], nodes[self.features :], nodes)
        ends[self.features :] = nodes[self.features :]
        self.later.run(nodes, fineness, self.scratch[0], ends[self.features :], ends)
        return nodes, ends


@thread_safe_cache
def _compiled(target: Target) -> Compiled:
    return Compiled(_module, target=target)


def _module() -> Module:
    module = Module()
    _roughness(module)
    for dtype in ("float32", "float64"):
        _interpolate(module, dtype)
    return module


def _roughness(module: Module) -> None:
    """Generate `roughness`: the largest difference of order TAPS along rows and columns."""
    f = module.function(
        "roughness",
        nodes=ArrayOf(F64), apart=I64, across=I64,  # from a feature, and a row, to the next
        features=I64, largest=ArrayOf(F64),
    )  # fmt: skip
    starts = f.integer(SIDE - TAPS)  # of TAPS + 1 nodes in a row
    most = f.variable(f.number(F64, 0.0).splat(LANES))
    with f.loop(f["features"]) as feature:
        nodes = f.array("nodes").at(feature * f["apart"])
        steps = ((f.integer(1), SIDE, starts), (f["across"], SIDE - TAPS, f.integer(SIDE)))
        for stride, rows, cols in steps:
            with f.loop(f.integer(rows)) as row, f.loop(cols, step=LANES) as col:
                here = nodes.at(row * f["across"] + col.at_most(cols - LANES))
                total = here.load(0, LANES)
                for k in range(1, TAPS + 1):
                    total = here.load(stride * k, LANES).fma(DIFFERENCE[k], total)
                most.set(most.value.at_least(total.abs()))
    f.array("largest").store(most.value)
    with f.loop(f.integer(LANES), start=1) as lane:
        one, all_ = f.array("largest").load(lane), f.array("largest").load(0)
        f.array("largest").store(all_.at_least(one))
    f.end()


def _interpolate(module: Module, dtype: str) -> None:
    """Generate a function that interpolates a block's pixels, along columns, then along rows.

    Sums are taken in the order of nodes. A pixel at a node has its value.
    """
    real = ELEMENTS[np.dtype(dtype)]
    f = module.function(
        f"interpolate_{dtype}",
        nodes=ArrayOf(F64), nodes_apart=I64, across=I64,
        features=I64, rows=I64,
        weights=ArrayOf(F64), out=ArrayOf(real), out_apart=I64,
    )  # fmt: skip
    along = [[f.number(F64, w).splat(LANES) for w in row] for row in LAGRANGE[1:].tolist()]
    with f.loop(f["features"]) as feature:
        nodes = f.array("nodes").at(feature * f["nodes_apart"])
        out = f.array("out").at(feature * f["out_apart"])
        with f.loop(f["rows"]) as row:
            upper = nodes.at((row >> (APART.bit_length() - 1)) * f["across"])
            own = f.array("weights").at((row & (APART - 1)) * TAPS)
            down = [own.load(k).splat(LANES) for k in range(TAPS)]
            line = [
                weighted_sum(down, [upper.load(f["across"] * k + col, LANES) for k in range(TAPS)])
                for col in range(0, SIDE, LANES)
            ]
            for cell in range(0, BLOCK // APART, LANES):
                near = [_lanes_from(line, cell + k) for k in range(TAPS)]
                phases = [near[BEFORE], *(weighted_sum(weights, near) for weights in along)]
                out.store(_in_turn([p.to(real) for p in phases]), row * BLOCK + (cell * APART))
    f.end()


def _lanes_from(line: Sequence[Value], first: int) -> Value:
    """Return LANES consecutive numbers from a row's vectors."""
    vector, lane = divmod(first, LANES)
    if not lane:
        return line[vector]
    return line[vector].picked(range(lane, lane + LANES), line[vector + 1])


def _in_turn(phases: Sequence[Value]) -> Value:
    """Interleave four vectors: the first lane of each, the second of each, …."""
    lanes = range(4 * LANES)
    order = [lane % 4 * LANES + lane // 4 for lane in lanes]
    whole = lanes[: 2 * LANES]
    return phases[0].picked(whole, phases[1]).picked(order, phases[2].picked(whole, phases[3]))
