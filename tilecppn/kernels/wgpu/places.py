"""Maps the points of lattices to blocks of the canvas and positions in them."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels.wgpu.source import BLOCK, OFFSET
from tilecppn.scene.view import Lattices

Indices = NDArray[np.int64]
Slices = tuple[slice, ...]


class Places(NamedTuple):
    """The positions of lattices as the shader reads them, and the blocks that need references."""

    words: NDArray[np.uint32]  # see `source.py`
    down: int  # largest number of blocks in a lattice, down and across
    across: int
    rows: NDArray[np.float64]  # (blocks,): the pixel in each block's middle
    cols: NDArray[np.float64]
    numbers: Indices  # (n, rows, cols): each point's block


def places_of(lattices: Lattices) -> Places:
    """Return the positions of all points, with each block once."""
    rows, row_blocks = _along(lattices.origins[:, 0], lattices.rows, lattices.stride)
    cols, col_blocks = _along(lattices.origins[:, 1], lattices.cols, lattices.stride)
    pairs = np.broadcast_arrays(row_blocks[:, :, None], col_blocks[:, None, :])
    blocks, table = np.unique(
        np.stack([pair.ravel() for pair in pairs]), axis=1, return_inverse=True
    )
    table = table.reshape(pairs[0].shape)
    words = (lattices.origins & 0xFFFFFFFF, rows, cols, table)
    middle = (BLOCK - 1) / 2
    n = np.arange(len(rows))[:, None, None]
    return Places(
        np.concatenate([part.ravel() for part in words]).astype(np.uint32),
        row_blocks.shape[1],
        col_blocks.shape[1],
        blocks[0] * BLOCK + middle,
        blocks[1] * BLOCK + middle,
        table[n, (rows >> OFFSET)[:, :, None], (cols >> OFFSET)[:, None, :]],
    )


def _along(origins: Indices, count: int, stride: int) -> tuple[Indices, Indices]:
    """Return each point's block and position along an axis, in one number, and the blocks."""
    index = origins[:, None] + stride * np.arange(count)
    block = index >> OFFSET
    new = np.diff(block, axis=1, prepend=block[:, :1]) != 0
    number = np.cumsum(new, axis=1)
    blocks = np.repeat(block[:, -1:], number.max() + 1, axis=1)
    np.put_along_axis(blocks, number, block, axis=1)
    return number << OFFSET | (index & BLOCK - 1), blocks


def parts(lattices: Lattices, points: int, blocks: int) -> Iterator[tuple[Slices, Lattices]]:
    """Split lattices into parts of at most so many points and blocks; yield place and part.

    They are halved along the first axis with more than one point; a single point is one part.
    """
    sides, stride = lattices.shape, lattices.stride
    there = [min(side, (side - 1) * stride // BLOCK + 2) for side in sides[1:]]
    several = [axis for axis, side in enumerate(sides) if side > 1]
    if not several or (math.prod(sides) <= points and sides[0] * math.prod(there) <= blocks):
        yield tuple(map(slice, (0, 0, 0), sides)), lattices
        return
    axis = several[0]
    middle = sides[axis] // 2
    for start, stop in ((0, middle), (middle, sides[axis])):
        half = [*sides]
        half[axis] = stop - start
        origins = lattices.origins[start:stop] if axis == 0 else lattices.origins.copy()
        if axis:
            origins[:, axis - 1] += start * stride
        for place, part in parts(Lattices(origins, half[1], half[2], stride), points, blocks):
            moved = [*place]
            moved[axis] = slice(place[axis].start + start, place[axis].stop + start)
            yield tuple(moved), part
