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
activation can follow (`narrow.py`); a block that fails there is asked again on finer lattices, and
evaluated if it still fails 4 pixels apart.
What is left: a cubic's error falls with the fourth power of the distance, so that between nodes it
is up to about 1/16 of the difference that was accepted where the picture is smooth, and about all
of it along a kink. In 8 bits that tips the pixels nearest to a rounding tie, so a block with many
nodes there (`ties.py`) goes on to finer lattices as well. The checks are no proof: they look at
nodes, and a network can be made that hides between them. `tests/pixels/hard.py` has those that
were tried.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.network import COORDINATES
from tilecppn.kernels import Field, Kernel, StoringKernel
from tilecppn.native import aligned, apart
from tilecppn.pause import Pause
from tilecppn.pixels.difference import HALO, difference
from tilecppn.pixels.finish import BLOCK, LANES, Finish, compiled, cubic
from tilecppn.pixels.narrow import crowding, limits
from tilecppn.pixels.ties import near_ties
from tilecppn.plan import Window
from tilecppn.sections import FULL, Output
from tilecppn.view import Lattices

Array = NDArray[Any]

FIRST = 16  # pixels between the nodes that every block begins with
FINER = (8, 4, 2)
CROWDED = 4  # the least of them for a crowded block: its units at 2 cost as much as its pixels
GROUP = 4  # blocks a side that are refined together
BATCH = 1 << 17  # points evaluated at a time
CREASE = 0.01  # pixels of FIRST by which an input may be mispredicted
ORIGIN = np.zeros((1, 2), np.int64)
NOISE = 8.0  # mean rounding errors that a difference may always have
TIE = 0.25  # of a block's largest difference: the distance from a tie that is near
TIED = 0.1  # share of a block's nodes that may be near a tie, at least


class Reconstruction:
    """Draws regions of one field through one kernel."""

    def __init__(self, kernel: Kernel, field: Field, output: Output, finish: Finish) -> None:
        """`output` has the tolerance; `finish` is what is done to the colours."""
        self.kernel, self.field, self.finish = kernel, field, finish
        self.full = FULL.get(output.dtype, FULL["uint16"])  # the tolerance's units
        self.tolerance = max(output.tolerance / self.full, NOISE * kernel.noise)
        self.ties = finish.dtype == "uint8" and not finish.dither
        self.limits = limits(field.cppn, output.turns)
        self.line = aligned((BLOCK + LANES,), np.float32)

    def draw(self, region: Window, out: Array, pause: Pause) -> None:
        """Fill `out` (channels, height, width) of a region made of whole blocks."""
        nodes, stride, crowded = self._begin(region, pause)
        accepted = np.argwhere(stride == FIRST)
        first = (accepted * (BLOCK // FIRST)) @ np.array([nodes.shape[-1], 1])
        self._expand(FIRST, nodes, region, accepted, first, out)
        for finer in FINER:
            wanted = stride == finer
            for doubted, blocks in ((False, wanted & ~crowded), (True, wanted & crowded)):
                for span, corners in _groups(blocks):
                    side = span * BLOCK // finer + 1 + 2 * HALO
                    for part in _batches(corners, side**2):
                        pause()
                        self._refine(
                            finer, span, region, part, blocks, crowded, doubted, stride, out
                        )
        for part in _batches(np.argwhere(stride == 1), BLOCK**2):
            pause()
            self._evaluate(region, part, out)

    def _begin(
        self, region: Window, pause: Pause
    ) -> tuple[Array, NDArray[np.int64], NDArray[np.bool_]]:
        """The nodes FIRST apart, (channels, rows, cols), and each block's next stride.

        A block that is accepted has FIRST. Also which blocks are crowded.
        """
        margin = HALO * FIRST
        rows, cols = ((side + 2 * margin) // FIRST + 1 for side in (region.height, region.width))
        lattices = Lattices.one(region.top - margin, region.left - margin, rows, cols, FIRST)
        traced = crowding(self.kernel, lattices, self.limits, pause)
        colours, cells = traced[0][:, 0], traced[1][0]
        blocks = BLOCK // FIRST
        stride = self._next(colours, blocks, FIRST)
        fitting = _finest(FIRST, _crowded(cells, blocks))
        stride = np.minimum(stride, fitting)
        crease = CREASE * FIRST * min(self.field.grid.step)
        points = self.field.inputs(lattices)
        for name, values in zip(COORDINATES, points, strict=True):
            straight = self.field.plain and name != "r"  # predicted exactly
            if name in self.field.cppn.structure.inputs and not straight:
                stride[difference(values, blocks) > crease] = 1
        crowded = fitting < FIRST
        return colours, _worthwhile(stride, crowded), crowded

    def _refine(
        self,
        finer: int,
        span: int,
        region: Window,
        corners: Array,
        asked: NDArray[np.bool_],
        crowded: NDArray[np.bool_],
        doubted: bool,
        stride: NDArray[np.int64],
        out: Array,
    ) -> None:
        """Compare blocks' nodes `finer` pixels apart, in groups of span²; draw those accepted.

        Of the groups, blocks that are `asked` for. If `doubted`, their cells' crowding counts too,
        until they are not crowded any more.
        """
        across = BLOCK // finer
        side = span * across + 1 + 2 * HALO
        origins = _corners(region, corners) - HALO * finer
        lattices = Lattices(origins, side, side, finer)
        if doubted:
            nodes, cells = crowding(self.kernel, lattices, self.limits, lambda: None)
        else:
            nodes = self.kernel.evaluate(lattices)
        following = self._next(nodes, across, finer)  # (n, span, span)
        if doubted:
            fitting = _finest(finer, _crowded(cells, across))
            following = np.minimum(following, fitting)
        group, row, col = np.indices(following.shape).reshape(3, -1)
        blocks = corners[group] + np.column_stack([row, col])
        wanted = _at(asked, blocks)
        group, row, col, blocks = group[wanted], row[wanted], col[wanted], blocks[wanted]
        following = following[group, row, col]
        if doubted:
            still = fitting[group, row, col] < finer
            following = _worthwhile(following, still)
            crowded[blocks[:, 0], blocks[:, 1]] = still
        stride[blocks[:, 0], blocks[:, 1]] = following
        first = group * side**2 + (row * side + col) * across
        accepted = following == finer
        self._expand(finer, nodes, region, blocks[accepted], first[accepted], out)

    def _next(self, nodes: Array, across: int, stride: int) -> NDArray[np.int64]:
        """Of blocks of nodes: `stride` where it is accepted, else the first stride that may be.

        Differences fall by 16 with each halving at best.
        """
        differences = difference(nodes, across)
        ratio = differences / self.tolerance
        if self.ties:
            reach = TIE * differences
            usual = 2.0 * self.full * reach  # where the picture crosses ties at a slant
            tied = near_ties(nodes, across, self.full, reach) > np.fmax(2.0 * usual, TIED)
            ratio[tied] = np.fmax(ratio[tied], 2.0)  # the next stride at least
        following = np.full(differences.shape, stride, np.int64)
        for step in (1, 16, 256, 4096):
            following[ratio > step] = max(1, stride // 2)
            stride = max(1, stride // 2)
        following[following < FINER[-1]] = 1
        return following

    def _expand(
        self, stride: int, nodes: Array, region: Window, blocks: Array, first: Array, out: Array
    ) -> None:
        """Draw blocks from nodes (channels, …, rows, cols); `first` node of each block's halo."""
        if not len(blocks):
            return
        channels, across = len(nodes), nodes.shape[-1]
        planes = aligned((channels, nodes[0].size + BLOCK * LANES), np.float32)
        planes[:, : nodes[0].size] = nodes.reshape(channels, -1)
        corner = (HALO - 1) * (across + 1)
        places = np.ascontiguousarray(np.column_stack([blocks * BLOCK, first + corner]), np.int64)
        expand = compiled(self.finish, np.dtype("float32"))[f"expand_{stride}"]
        weights = cubic(stride)
        for channel, plane in enumerate(planes):
            expand(
                plane, across, places, len(places), weights, channel, region.top, region.left,
                self.line, out[channel], apart(out),
            )  # fmt: skip

    def _evaluate(self, region: Window, blocks: Array, out: Array) -> None:
        """Draw blocks with the network at every pixel."""
        lattices = Lattices(_corners(region, blocks), BLOCK, BLOCK, 1)
        evaluate(self.kernel, self.finish, lattices, region, out)


def evaluate(
    kernel: Kernel, finish: Finish, lattices: Lattices, region: Window, out: Array
) -> None:
    """Draw lattices of stride 1 into `out` (channels, height, width), the pixels of `region`."""
    places = lattices.origins - np.array([region.top, region.left])
    if not isinstance(kernel, StoringKernel):
        write(finish, kernel.evaluate(lattices), region.top, region.left, out, places)
        return
    stored = kernel.store(lattices, finish)
    for i, (top, left) in enumerate(places):
        out[:, top : top + lattices.rows, left : left + lattices.cols] = stored[:, i]


def write(
    finish: Finish,
    colours: Array,
    row: int,
    col: int,
    out: Array,
    places: NDArray[np.int64] = ORIGIN,
) -> None:
    """Store blocks of colours (channels, n, height, width) at `places` (n, 2) of `out`.

    (row, col): the global index of out's first pixel.
    """
    call = compiled(finish, colours.dtype)["finish"]
    count, height, width = colours.shape[1:]
    block, line = (stride // colours.itemsize for stride in colours.strides[1:3])
    for channel, blocks in enumerate(colours):
        call(
            blocks, block, line, places, count, height, width, channel, row, col,
            out[channel], apart(out),
        )  # fmt: skip


def _groups(wanted: NDArray[np.bool_]) -> list[tuple[int, Array]]:
    """Blocks to refine as (span, corners): squares of GROUP² where it takes fewer points, and 1.

    Neighbours share nodes, so that a square costs as much as half of its blocks one by one.
    """
    rows, cols = (side - side % GROUP for side in wanted.shape)
    squares = wanted[:rows, :cols].reshape(rows // GROUP, GROUP, cols // GROUP, GROUP)
    full = squares.sum(axis=(1, 3)) > GROUP * GROUP // 2
    single = wanted.copy()
    single[:rows, :cols] &= ~full.repeat(GROUP, axis=0).repeat(GROUP, axis=1)
    return [(GROUP, np.argwhere(full) * GROUP), (1, np.argwhere(single))]


def _at(values: Array, places: Array) -> Array:
    return np.asarray(values[places[:, 0], places[:, 1]])


def _corners(region: Window, blocks: Array) -> NDArray[np.int64]:
    """Global (row, column) of blocks' first pixels."""
    return np.ascontiguousarray(blocks * BLOCK + np.array([region.top, region.left]), np.int64)


def _batches(blocks: Array, points: int) -> list[Array]:
    count = max(1, BATCH // points)
    return [blocks[i : i + count] for i in range(0, len(blocks), count)]


def _worthwhile(stride: NDArray[np.int64], crowded: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The next strides, but 1 where crowding would have to be found below CROWDED."""
    return np.where(crowded & (stride < CROWDED), 1, stride)


def _finest(stride: int, crowded: Array) -> NDArray[np.int64]:
    """The largest stride at which cells with this crowding at `stride` have 1 or less."""
    result = np.full(crowded.shape, stride, np.int64)
    for step in (1, 2, 4, 8):
        stride = max(1, stride // 2)
        result[~(crowded <= step)] = stride
    return result


def _crowded(cells: Array, across: int) -> Array:
    """The largest crowding (…, blocks, blocks) of each block's cells and those next to them."""
    side = (across + 2,) * 2
    view = np.lib.stride_tricks.sliding_window_view(cells, side, axis=(-2, -1))
    return np.asarray(view[..., ::across, ::across, :, :].max(axis=(-2, -1)))
