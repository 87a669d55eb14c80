"""Finds blocks that lie on a rounding tie, in machine code.

The smallest error decides how a colour half-way between two stored values is rounded. Where a
picture crosses ties at a slant, few pixels are that near to one; a flat part that lies on a tie has
many, and an error within the tolerance would show in all of them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.codegen import ArrayOf, Module, machine_code
from tilecppn.codegen.values import F64, I64
from tilecppn.pixels.prediction_error import HALO, as_lattices


def rounding_boundary_fraction(
    nodes: NDArray[Any], across: int, full: float, reach: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the fraction (…, blocks, blocks) of a block's nodes near a tie, the largest channel's.

    nodes: (channels, …, rows, cols), float32 or float64, as for `prediction_error`; only a block's
    own are counted. Ties lie half-way between multiples of 1 / `full` in [0, 1], and a node is near
    one if its distance is below its block's `reach` (…, blocks, blocks).
    """
    lattices, apart = as_lattices(nodes)
    reach = np.ascontiguousarray(reach, np.float64)
    shares = np.empty(reach.shape)
    _compiled()["ties"](
        lattices, *lattices.shape[:2], *apart, *reach.shape[-2:], across, full, reach, shares,
    )  # fmt: skip
    return shares


@machine_code
def _compiled() -> Module:
    module = Module()
    f = module.function(
        "ties",
        nodes=ArrayOf(F64),
        channels=I64, count=I64,
        channel_apart=I64, lattice_apart=I64, row_apart=I64,
        block_rows=I64, block_cols=I64,
        across=I64,
        full=F64,
        reach=ArrayOf(F64),
        shares=ArrayOf(F64),
    )  # fmt: skip
    zero, one = f.number(F64, 0.0), f.number(F64, 1.0)
    side, full = f["across"] + 1, f["full"]
    with f.loop(f["count"]) as n, f.loop(f["block_rows"]) as row, f.loop(f["block_cols"]) as col:
        block = (n * f["block_rows"] + row) * f["block_cols"] + col
        reach = f.array("reach").load(block) * full
        top, left = row * f["across"] + HALO, col * f["across"] + HALO
        most = f.variable(zero)
        with f.loop(f["channels"]) as channel:
            start = channel * f["channel_apart"] + n * f["lattice_apart"]
            nodes = f.array("nodes").at(start + top * f["row_apart"] + left)
            near = f.variable(zero)
            with f.loop(side) as i, f.loop(side) as j:
                value = nodes.load(i * f["row_apart"] + j) * full
                distance = 0.5 - (value - value.rint()).abs()
                inside = (value > 0.0) & (value < full)
                near.set(near.value + (inside & (distance < reach)).where(one, zero))
            most.set(most.value.at_least(near.value))
        f.array("shares").store(most.value / (side * side).to(F64), block)
    f.end()
    return module
