"""Reconstruction: evaluates the network at few points and interpolates the pixels between them.

The global grid is cut into blocks of 64². For each block the network is evaluated on a lattice of
nodes 16 pixels apart. The nodes that lie on the lattice 32 apart predict the others by cubics; if
the largest difference is within the tolerance, the pixels are interpolated from all nodes.
Otherwise the block is refined to 8, 4 and 2 pixels, and finally every pixel is evaluated. A
block's decisions and pixels follow from nodes of the global grid in and around it, so they do not
depend on the window, the shard or the worker that draws it; blocks at the canvas' edge are drawn
whole, including points outside it.

Guaranteed: at the compared nodes, three quarters of the block's own and those one beyond its
border, prediction and network differ by at most the tolerance. Also checked, since features can
lie between nodes: the inputs x, y and r must be predicted as well (r has a tip, a fold a crease),
and no unit's sum may change or bend over a cell by more than its activation can follow
(`variation.py`); a block that fails there is undersampled: it is refined, and evaluated if it
still fails 4 pixels apart.
Remaining error: a cubic's error falls with the fourth power of the distance, so that between nodes
it is up to about 1/16 of the accepted difference where the picture is smooth, and about all of it
along a kink. In 8 bits that changes the pixels nearest to a rounding tie, so a block with many
such nodes (`rounding_boundaries.py`) is refined as well. The checks are no proof: they look at
nodes, and a network can be constructed whose features lie between them. `tests/pixels/hard.py` has
those that were tried.

A tolerance of a step of 8 bits or more is for frames of lossy videos (`Output.loose`). It holds for
nodes 2 pixels apart; with each doubling of the distance half as much is accepted, since coarse
nodes cost little, and what lies between them is predicted worse. Units' sums are looked at 16
pixels apart only, whence follows how fine a block's nodes must at least be; ties do not matter.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Workspace, row_stride
from tilecppn.cancellation import CheckCancelled
from tilecppn.cppn.structure import COORDINATES
from tilecppn.kernels import EvaluationContext, Kernel
from tilecppn.pixels.output_encoder import LANES, OutputEncoder, compiled, cubic, encode_into
from tilecppn.pixels.prediction_error import HALO, prediction_error
from tilecppn.pixels.rounding_boundaries import rounding_boundary_fraction
from tilecppn.pixels.variation import limits, variation_ratio
from tilecppn.plan import BLOCK, Window
from tilecppn.scene.sections import FULL, Output
from tilecppn.scene.view import Lattices

Array = NDArray[Any]

FIRST = 16  # pixels between the nodes with which every block begins
FINER = (8, 4, 2)
FINEST_CHECKED = 4  # for an undersampled block: tracing at 2 costs as much as evaluating it
GROUP = 4  # blocks a side that are refined together
BATCH = 1 << 17  # points evaluated at a time
CREASE = 0.01  # fraction of FIRST by which an input may be mispredicted
NOISE = 8.0  # mean rounding errors that are always accepted as a difference
STEPS = np.array([1.0, 16.0, 256.0, 4096.0])  # differences, over the tolerance, for each halving
TIE = 0.25  # a node is near a tie within this fraction of its block's largest difference
TIED = 0.1  # fraction of a block's nodes that may always be near a tie


class RegionState(NamedTuple):
    """A region that is being drawn, with the state of its blocks by row and column."""

    region: Window
    out: Array  # (channels, height, width)
    stride: NDArray[np.int64]  # between the nodes of the final or next evaluation
    undersampled: NDArray[np.bool_]  # assumed until nodes show otherwise

    @classmethod
    def of(cls, region: Window, out: Array) -> "RegionState":
        """Return the initial state of a region made of whole blocks."""
        shape = (region.height // BLOCK, region.width // BLOCK)
        return cls(region, out, np.full(shape, FIRST, np.int64), np.ones(shape, np.bool_))

    @property
    def corner(self) -> NDArray[np.int64]:
        """The global (row, column) of the first pixel."""
        return np.array([self.region.top, self.region.left], np.int64)

    def pending(self, stride: int, undersampled: bool) -> NDArray[np.bool_]:
        """Return which blocks are to be evaluated on nodes `stride` apart."""
        return np.asarray((self.stride == stride) & (self.undersampled == undersampled))

    def lattices(self, stride: int, undersampled: bool) -> Iterator[Lattices]:
        """Yield lattices of the nodes of pending blocks, BATCH points at a time."""
        for span, blocks in _groups(self.pending(stride, undersampled)):
            side = span * BLOCK // stride + 1 + 2 * HALO
            for part in _batches(blocks, side**2):
                yield Lattices(self._origins(part, HALO * stride), side, side, stride)

    def pixels(self) -> Iterator[Lattices]:
        """Yield lattices of all pixels of blocks to be evaluated fully, BATCH points at a time."""
        for part in _batches(np.argwhere(self.stride == 1), BLOCK**2):
            yield Lattices(self._origins(part, 0), BLOCK, BLOCK, 1)

    def _origins(self, blocks: Array, margin: int) -> NDArray[np.int64]:
        """Return the pixels (n, 2) that are `margin` above and to the left of blocks."""
        return np.ascontiguousarray(blocks * BLOCK + self.corner - margin, np.int64)


class LatticeEvaluation(NamedTuple):
    """The evaluation of n lattices of nodes, and the decisions for the blocks in them."""

    lattices: Lattices
    colours: Array  # (channels, n, rows, cols)
    stride: NDArray[np.int64]  # (n, blocks, blocks): the lattices' own if accepted
    undersampled: NDArray[np.bool_]  # (n, blocks, blocks)


class Reconstruction:
    """Draws regions of a picture by one kernel."""

    def __init__(
        self, kernel: Kernel, context: EvaluationContext, output: Output, encoder: OutputEncoder
    ) -> None:
        """Prepare to draw. output: has the tolerance. encoder: stores the colours."""
        self.kernel, self.context, self.encoder = kernel, context, encoder
        self.full = FULL.get(output.dtype, FULL["uint16"])  # the tolerance's units
        self.tolerance = max(output.tolerance / self.full, NOISE * kernel.noise)
        self.loose = output.loose
        self.ties = encoder.dtype == "uint8" and not encoder.dither and not self.loose
        self.limits = limits(context.network, output.turns(context.network.channels))
        self.planes = Workspace()  # nodes, channel by channel

    def draw(self, region: Window, out: Array, check_cancelled: CheckCancelled) -> None:
        """Fill `out` (channels, height, width) of a region made of whole blocks."""
        state = RegionState.of(region, out)
        self._apply(state, self._evaluate_region(region, check_cancelled), True)
        for stride in FINER:
            for undersampled in (False, True):
                for lattices in state.lattices(stride, undersampled):
                    evaluation = self._evaluate_nodes(lattices, undersampled, check_cancelled)
                    self._apply(state, evaluation, undersampled)
        for lattices in state.pixels():
            check_cancelled()
            evaluate_into(self.kernel, self.encoder, lattices, region, out)

    def _evaluate_region(
        self, region: Window, check_cancelled: CheckCancelled
    ) -> LatticeEvaluation:
        """Evaluate a whole region at nodes FIRST apart, and check their inputs as well."""
        margin = HALO * FIRST
        rows, cols = ((side + 2 * margin) // FIRST + 1 for side in (region.height, region.width))
        lattices = Lattices.one(region.top - margin, region.left - margin, rows, cols, FIRST)
        evaluation = self._evaluate_nodes(lattices, True, check_cancelled)
        crease = CREASE * FIRST * min(self.context.grid.step)
        points = self.context.inputs(lattices)
        for name, values in zip(COORDINATES, points, strict=True):
            straight = self.context.plain and name != "r"  # predicted exactly
            if name in self.context.cppn.structure.inputs and not straight:
                evaluation.stride[0][prediction_error(values, BLOCK // FIRST) > crease] = 1
        return evaluation

    def _evaluate_nodes(
        self, lattices: Lattices, check_sampling: bool, check_cancelled: CheckCancelled
    ) -> LatticeEvaluation:
        """Evaluate nodes and compare them; check_sampling: check for undersampling, too."""
        if not check_sampling:
            check_cancelled()
            colours = self.kernel.evaluate(lattices)
            stride = self._next(colours, lattices.stride)
            return LatticeEvaluation(lattices, colours, stride, np.zeros(stride.shape, np.bool_))
        colours, cells = variation_ratio(self.kernel, lattices, self.limits, check_cancelled)
        fitting = _finest(lattices.stride, _block_maxima(cells, BLOCK // lattices.stride))
        stride = np.minimum(self._next(colours, lattices.stride), fitting)
        undersampled = (fitting < lattices.stride) & (not self.loose)
        stride[undersampled & (stride < FINEST_CHECKED)] = 1
        return LatticeEvaluation(lattices, colours, stride, undersampled)

    def _next(self, nodes: Array, stride: int) -> NDArray[np.int64]:
        """Return each block's next stride: `stride` if accepted, else the first that may suffice.

        Differences fall by a factor of 16 with each halving at best.
        """
        across = BLOCK // stride
        nodes = np.ascontiguousarray(nodes, np.float64)  # once for both functions below
        differences = prediction_error(nodes, across)
        ratio = differences / self.tolerance
        if self.loose:
            ratio *= stride // FINER[-1]
        if self.ties:
            reach = TIE * differences
            usual = 2.0 * self.full * reach  # if the picture crosses ties at a slant
            tied = rounding_boundary_fraction(nodes, across, self.full, reach) > np.fmax(
                2.0 * usual, TIED
            )
            ratio[tied] = np.fmax(ratio[tied], 2.0)  # at least to the next stride
        halved = [max(1, stride >> times) for times in range(len(STEPS) + 1)]
        return np.array(halved, np.int64)[np.searchsorted(STEPS, ratio)]

    def _apply(self, state: RegionState, evaluation: LatticeEvaluation, undersampled: bool) -> None:
        """Apply an evaluation to the pending blocks in its lattices, and draw the accepted ones.

        Lattices may contain other blocks, too, which are ignored.
        """
        lattices, across = evaluation.lattices, BLOCK // evaluation.lattices.stride
        places: Array = np.indices(evaluation.stride.shape)
        lattice, row, col = places
        corners = (lattices.origins + HALO * lattices.stride - state.corner) // BLOCK
        rows, cols = corners[lattice, 0] + row, corners[lattice, 1] + col
        pending = state.pending(lattices.stride, undersampled)[rows, cols]
        state.stride[rows[pending], cols[pending]] = evaluation.stride[pending]
        state.undersampled[rows[pending], cols[pending]] = evaluation.undersampled[pending]
        accepted = pending & (evaluation.stride == lattices.stride)
        blocks = np.column_stack([rows[accepted], cols[accepted]])
        first = (lattice * lattices.rows + row * across) * lattices.cols + col * across
        self._expand(state, evaluation, blocks, first[accepted])

    def _expand(
        self, state: RegionState, evaluation: LatticeEvaluation, blocks: Array, first: Array
    ) -> None:
        """Interpolate blocks (n, 2); first: the index of the first node of each block's halo."""
        if not len(blocks):
            return
        nodes, stride, out = evaluation.colours, evaluation.lattices.stride, state.out
        channels, across = len(nodes), evaluation.lattices.cols
        planes = self.planes.array((channels, nodes[0].size + BLOCK * LANES), np.float32)
        planes[:, : nodes[0].size] = nodes.reshape(channels, -1)
        corner = (HALO - 1) * (across + 1)
        places = np.ascontiguousarray(np.column_stack([blocks * BLOCK, first + corner]), np.int64)
        expand = compiled(self.encoder, np.dtype("float32"))[f"expand_{stride}"]
        expand(
            planes, channels, planes.shape[1], across, places, len(places), cubic(stride),
            *state.corner.tolist(), out, out.strides[0] // out.itemsize,
            row_stride(out),
        )  # fmt: skip


def evaluate_into(
    kernel: Kernel, encoder: OutputEncoder, lattices: Lattices, region: Window, out: Array
) -> None:
    """Draw lattices of stride 1 into `out` (channels, height, width), the pixels of `region`."""
    places = lattices.origins - np.array([region.top, region.left])
    encode = getattr(kernel, "encode", None)  # of an EncodingKernel; isinstance takes 10 µs
    if encode is None:
        encode_into(encoder, kernel.evaluate(lattices), region.top, region.left, out, places)
        return
    stored = encode(lattices, encoder)
    for i, (top, left) in enumerate(places):
        out[:, top : top + lattices.rows, left : left + lattices.cols] = stored[:, i]


def _groups(wanted: NDArray[np.bool_]) -> list[tuple[int, Array]]:
    """Return blocks to refine as (span, corners): squares of GROUP² blocks, and single ones.

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


def _finest(stride: int, ratios: Array) -> NDArray[np.int64]:
    """Return the largest stride at which blocks with these ratios at `stride` have 1 or less."""
    result = np.full(ratios.shape, stride, np.int64)
    for step in (1, 2, 4, 8):
        stride = max(1, stride // 2)
        result[~(ratios <= step)] = stride
    return result


def _block_maxima(cells: Array, across: int) -> Array:
    """Return each block's largest ratio (n, blocks, blocks), with the cells next to it."""
    count, rows, cols = cells.shape
    lattice, row, col = cells.strides
    around: Array = np.ndarray(
        (count, (rows - 2) // across, (cols - 2) // across, across + 2, across + 2),
        cells.dtype,
        cells,
        strides=(lattice, row * across, col * across, row, col),
    )
    return np.asarray(around.max(axis=(-2, -1)))
