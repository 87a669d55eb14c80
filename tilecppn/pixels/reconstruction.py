"""Reconstruction: the network at few points, the pixels between them by interpolation.

The global grid is cut into blocks of 64². For each block the network is evaluated on a lattice of
nodes 16 pixels apart; those of them that lie on the lattice 32 apart predict the others by cubics,
and where the largest difference is within the tolerance, the pixels are interpolated from all
nodes. Else the block goes on with 8, 4 and 2 pixels, and in the end every pixel is evaluated.
A block's decisions and pixels follow from nodes of the global grid in and around it, so they do
not depend on the window, the shard or the worker that draws it; blocks at the canvas' edge are
drawn whole, over points outside of it.

What is guaranteed: at the nodes that were compared, three quarters of the block's own and those
one beyond its border, prediction and network differ by the tolerance at most. What is checked
beyond that, since features can lie between nodes: the inputs x, y and r must be predicted as well
(r has a tip, a fold a crease), and no unit's sum may change or bend over a cell by more than its
activation can follow (`variation.py`); a block that fails there is asked again on finer lattices,
and evaluated if it still fails 4 pixels apart.
What is left: a cubic's error falls with the fourth power of the distance, so that between nodes it
is up to about 1/16 of the difference that was accepted where the picture is smooth, and about all
of it along a kink. In 8 bits that tips the pixels nearest to a rounding tie, so a block with many
nodes there (`rounding_boundaries.py`) goes on to finer lattices as well. The checks are no proof:
they look at nodes, and a network can be made that hides between them. `tests/pixels/hard.py` has
those that were tried.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.cppn.structure import COORDINATES
from tilecppn.kernels import EvaluationContext, Kernel
from tilecppn.kernels.llvm.codegen import Workspace, row_stride
from tilecppn.pixels.output_encoder import LANES, OutputEncoder, compiled, cubic
from tilecppn.pixels.prediction_error import HALO, prediction_error
from tilecppn.pixels.rounding_boundaries import rounding_boundary_fraction
from tilecppn.pixels.variation import limits, variation_ratio
from tilecppn.plan import BLOCK, Window
from tilecppn.scene.sections import FULL, Output
from tilecppn.scene.view import Lattices

Array = NDArray[Any]

FIRST = 16  # pixels between the nodes that every block begins with
FINER = (8, 4, 2)
CROWDED = 4  # the least of them for a crowded block: its units at 2 cost as much as its pixels
GROUP = 4  # blocks a side that are refined together
BATCH = 1 << 17  # points evaluated at a time
CREASE = 0.01  # pixels of FIRST by which an input may be mispredicted
ORIGIN = np.zeros((1, 2), np.int64)
NOISE = 8.0  # mean rounding errors that a difference may always have
STEPS = np.array([1.0, 16.0, 256.0, 4096.0])  # of a difference, from one stride to the next
TIE = 0.25  # of a block's largest difference: the distance from a tie that is near
TIED = 0.1  # share of a block's nodes that may be near a tie, at least


class RegionState(NamedTuple):
    """A region that is being drawn, and how far its blocks are, by row and column of blocks."""

    region: Window
    out: Array  # (channels, height, width)
    stride: NDArray[np.int64]  # of the nodes that a block is drawn from, or is asked for next
    crowded: NDArray[np.bool_]  # until nodes show that it is not

    @classmethod
    def of(cls, region: Window, out: Array) -> "RegionState":
        """Of a region made of whole blocks, before anything is known."""
        shape = (region.height // BLOCK, region.width // BLOCK)
        return cls(region, out, np.full(shape, FIRST, np.int64), np.ones(shape, np.bool_))

    @property
    def corner(self) -> NDArray[np.int64]:
        """Global (row, column) of the first pixel."""
        return np.array([self.region.top, self.region.left], np.int64)

    def asked(self, stride: int, crowded: bool) -> NDArray[np.bool_]:
        """Return the blocks to compare on nodes `stride` apart."""
        return np.asarray((self.stride == stride) & (self.crowded == crowded))

    def lattices(self, stride: int, crowded: bool) -> Iterator[Lattices]:
        """Yield the nodes of blocks that are asked for, BATCH at a time."""
        for span, blocks in _groups(self.asked(stride, crowded)):
            side = span * BLOCK // stride + 1 + 2 * HALO
            for part in _batches(blocks, side**2):
                yield Lattices(self._origins(part, HALO * stride), side, side, stride)

    def pixels(self) -> Iterator[Lattices]:
        """All pixels of blocks that are to be evaluated, BATCH at a time."""
        for part in _batches(np.argwhere(self.stride == 1), BLOCK**2):
            yield Lattices(self._origins(part, 0), BLOCK, BLOCK, 1)

    def _origins(self, blocks: Array, margin: int) -> NDArray[np.int64]:
        """Return the pixels `margin` above and to the left of blocks (n, 2)."""
        return np.ascontiguousarray(blocks * BLOCK + self.corner - margin, np.int64)


class LatticeEvaluation(NamedTuple):
    """What n lattices of nodes say of the blocks that lie in them."""

    lattices: Lattices
    colours: Array  # (channels, n, rows, cols)
    stride: NDArray[np.int64]  # (n, blocks, blocks): the lattices' own where a block is accepted
    crowded: NDArray[np.bool_]  # (n, blocks, blocks)


class Reconstruction:
    """Draws regions of one field through one kernel."""

    def __init__(
        self, kernel: Kernel, field: EvaluationContext, output: Output, finish: OutputEncoder
    ) -> None:
        """`output` has the tolerance; `finish` is what is done to the colours."""
        self.kernel, self.field, self.finish = kernel, field, finish
        self.full = FULL.get(output.dtype, FULL["uint16"])  # the tolerance's units
        self.tolerance = max(output.tolerance / self.full, NOISE * kernel.noise)
        self.ties = finish.dtype == "uint8" and not finish.dither
        self.limits = limits(field.network, output.turns(field.network.channels))
        self.planes = Workspace()  # nodes, channel by channel

    def draw(self, region: Window, out: Array, check_cancelled: CheckCancelled) -> None:
        """Fill `out` (channels, height, width) of a region made of whole blocks."""
        drawing = RegionState.of(region, out)
        self._take(drawing, self._first_look(region, check_cancelled), True)
        for stride in FINER:
            for crowded in (False, True):
                for lattices in drawing.lattices(stride, crowded):
                    self._take(drawing, self._look(lattices, crowded, check_cancelled), crowded)
        for lattices in drawing.pixels():
            check_cancelled()
            evaluate(self.kernel, self.finish, lattices, region, out)

    def _first_look(self, region: Window, check_cancelled: CheckCancelled) -> LatticeEvaluation:
        """At nodes FIRST apart, and at their inputs, of a whole region."""
        margin = HALO * FIRST
        rows, cols = ((side + 2 * margin) // FIRST + 1 for side in (region.height, region.width))
        lattices = Lattices.one(region.top - margin, region.left - margin, rows, cols, FIRST)
        look = self._look(lattices, True, check_cancelled)
        crease = CREASE * FIRST * min(self.field.grid.step)
        points = self.field.inputs(lattices)
        for name, values in zip(COORDINATES, points, strict=True):
            straight = self.field.plain and name != "r"  # predicted exactly
            if name in self.field.cppn.structure.inputs and not straight:
                look.stride[0][prediction_error(values, BLOCK // FIRST) > crease] = 1
        return look

    def _look(
        self, lattices: Lattices, doubted: bool, check_cancelled: CheckCancelled
    ) -> LatticeEvaluation:
        """Evaluate nodes and compare them; whether blocks are crowded only if it is `doubted`."""
        if not doubted:
            check_cancelled()
            colours = self.kernel.evaluate(lattices)
            stride = self._next(colours, lattices.stride)
            return LatticeEvaluation(lattices, colours, stride, np.zeros(stride.shape, np.bool_))
        colours, cells = variation_ratio(self.kernel, lattices, self.limits, check_cancelled)
        fitting = _finest(lattices.stride, _crowded(cells, BLOCK // lattices.stride))
        stride = np.minimum(self._next(colours, lattices.stride), fitting)
        crowded = fitting < lattices.stride
        stride[crowded & (stride < CROWDED)] = 1
        return LatticeEvaluation(lattices, colours, stride, crowded)

    def _next(self, nodes: Array, stride: int) -> NDArray[np.int64]:
        """Of blocks of nodes: `stride` where it is accepted, else the first stride that may be.

        Differences fall by 16 with each halving at best.
        """
        across = BLOCK // stride
        nodes = np.ascontiguousarray(nodes, np.float64)  # once for both that look at them
        differences = prediction_error(nodes, across)
        ratio = differences / self.tolerance
        if self.ties:
            reach = TIE * differences
            usual = 2.0 * self.full * reach  # where the picture crosses ties at a slant
            tied = rounding_boundary_fraction(nodes, across, self.full, reach) > np.fmax(
                2.0 * usual, TIED
            )
            ratio[tied] = np.fmax(ratio[tied], 2.0)  # the next stride at least
        halved = [max(1, stride >> times) for times in range(len(STEPS) + 1)]
        return np.array(halved, np.int64)[np.searchsorted(STEPS, ratio)]

    def _take(self, drawing: RegionState, look: LatticeEvaluation, crowded: bool) -> None:
        """Take over what a look says of the blocks it was for, and draw those that are accepted.

        Others lie beside them in its lattices.
        """
        lattices, across = look.lattices, BLOCK // look.lattices.stride
        places: Array = np.indices(look.stride.shape)
        lattice, row, col = places
        corners = (lattices.origins + HALO * lattices.stride - drawing.corner) // BLOCK
        rows, cols = corners[lattice, 0] + row, corners[lattice, 1] + col
        asked = drawing.asked(lattices.stride, crowded)[rows, cols]
        drawing.stride[rows[asked], cols[asked]] = look.stride[asked]
        drawing.crowded[rows[asked], cols[asked]] = look.crowded[asked]
        accepted = asked & (look.stride == lattices.stride)
        blocks = np.column_stack([rows[accepted], cols[accepted]])
        first = (lattice * lattices.rows + row * across) * lattices.cols + col * across
        self._expand(drawing, look, blocks, first[accepted])

    def _expand(
        self, drawing: RegionState, look: LatticeEvaluation, blocks: Array, first: Array
    ) -> None:
        """Draw blocks (n, 2); `first`: the index of the first node of each block's halo."""
        if not len(blocks):
            return
        nodes, stride, out = look.colours, look.lattices.stride, drawing.out
        channels, across = len(nodes), look.lattices.cols
        planes = self.planes.array((channels, nodes[0].size + BLOCK * LANES), np.float32)
        planes[:, : nodes[0].size] = nodes.reshape(channels, -1)
        corner = (HALO - 1) * (across + 1)
        places = np.ascontiguousarray(np.column_stack([blocks * BLOCK, first + corner]), np.int64)
        expand = compiled(self.finish, np.dtype("float32"))[f"expand_{stride}"]
        expand(
            planes, channels, planes.shape[1], across, places, len(places), cubic(stride),
            *drawing.corner.tolist(), out, out.strides[0] // out.itemsize,
            row_stride(out),
        )  # fmt: skip


def evaluate(
    kernel: Kernel, finish: OutputEncoder, lattices: Lattices, region: Window, out: Array
) -> None:
    """Draw lattices of stride 1 into `out` (channels, height, width), the pixels of `region`."""
    places = lattices.origins - np.array([region.top, region.left])
    store = getattr(kernel, "store", None)  # of a StoringKernel; isinstance takes 10 µs
    if store is None:
        write(finish, kernel.evaluate(lattices), region.top, region.left, out, places)
        return
    stored = store(lattices, finish)
    for i, (top, left) in enumerate(places):
        out[:, top : top + lattices.rows, left : left + lattices.cols] = stored[:, i]


def write(
    finish: OutputEncoder,
    colours: Array,
    row: int,
    col: int,
    out: Array,
    places: NDArray[np.int64] = ORIGIN,
) -> None:
    """Store blocks of colours (channels, n, height, width) at `places` (n, 2) of `out`.

    (row, col): the global index of out's first pixel.
    """
    channels, count, height, width = colours.shape
    apart = (stride // colours.itemsize for stride in colours.strides[:3])
    compiled(finish, colours.dtype)["finish"](
        colours, *apart, places, count, height, width, channels, row, col, out,
        out.strides[0] // out.itemsize, row_stride(out),
    )  # fmt: skip


def _groups(wanted: NDArray[np.bool_]) -> list[tuple[int, Array]]:
    """Blocks to refine as (span, corners): squares of GROUP² where it takes fewer points, and 1.

    Neighbours share nodes, so that a square costs as much as half of its blocks one by one.
    """
    if not wanted.any():
        return []
    rows, cols = (side - side % GROUP for side in wanted.shape)
    squares = wanted[:rows, :cols].reshape(rows // GROUP, GROUP, cols // GROUP, GROUP)
    full = squares.sum(axis=(1, 3)) > GROUP * GROUP // 2
    single = wanted.copy()
    single[:rows, :cols] &= ~full.repeat(GROUP, axis=0).repeat(GROUP, axis=1)
    return [(GROUP, np.argwhere(full) * GROUP), (1, np.argwhere(single))]


def _batches(blocks: Array, points: int) -> list[Array]:
    count = max(1, BATCH // points)
    return [blocks[i : i + count] for i in range(0, len(blocks), count)]


def _finest(stride: int, crowded: Array) -> NDArray[np.int64]:
    """Return the largest stride at which cells with this crowding at `stride` have 1 or less."""
    result = np.full(crowded.shape, stride, np.int64)
    for step in (1, 2, 4, 8):
        stride = max(1, stride // 2)
        result[~(crowded <= step)] = stride
    return result


def _crowded(cells: Array, across: int) -> Array:
    """The largest crowding (n, blocks, blocks) of each block's cells and those next to them."""
    count, rows, cols = cells.shape
    lattice, row, col = cells.strides
    around: Array = np.ndarray(
        (count, (rows - 2) // across, (cols - 2) // across, across + 2, across + 2),
        cells.dtype,
        cells,
        strides=(lattice, row * across, col * across, row, col),
    )
    return np.asarray(around.max(axis=(-2, -1)))
