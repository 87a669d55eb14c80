"""Finds cells of a lattice that could miss a feature, from the sums of the network's units.

A feature between nodes comes from a unit whose sum passes through the curved part of its
activation there: a thin ridge of a gaussian from a sum that goes from -20 to 20 within one cell.
The sums at the nodes show it even if all colours are equal. So each unit has a limit, the change
of its sum over a cell up to which its activation has no new feature, and a zone around 0 outside
which the activation is flat or straight.
"""

import math
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.codegen import (
    Array,
    ArrayOf,
    Module,
    Value,
    machine_code,
)
from tilecppn.codegen.values import ELEMENTS, F32, F64, I64
from tilecppn.cppn.resolved import Groups, ResolvedNetwork
from tilecppn.kernels import Kernel
from tilecppn.scene.view import Lattices

STRIP = 1 << 20  # sums held at a time for one lattice, whose strips overlap
MANY = 1 << 17  # and for several: fresh memory costs time
LARGEST = 1 << 24  # for either, if the kernel's batches are large
ANYWHERE = math.inf

# activation: (zone, limit). A kink has no width of its own: its limit is a change of the sums
# that it feeds.
SMOOTH = {
    "tanh": (3.0, 3.0),
    "sigmoid": (6.0, 6.0),
    "softplus": (6.0, 6.0),
    "gaussian": (2.5, 1.5),
    "sin": (ANYWHERE, 1.5),
    "cos": (ANYWHERE, 1.5),
    "half-sine": (ANYWHERE, 1.5),
    "sigmoid-sin": (ANYWHERE, 1.5),
    "square": (ANYWHERE, math.inf),
    "identity": (ANYWHERE, math.inf),
}
KINKED = ("relu", "leaky-relu", "abs", "sqrt-tanh")
KINK = 0.25  # change of a sum
TURN = 2.0  # change of an output's sum, half of that which takes a sigmoid from 0 to 1


def unit_names(groups: Groups) -> list[str]:
    """Return the activation of each unit."""
    return [name for name, count in groups for _ in range(count)]


def _row(name: str, gain: float) -> tuple[float, float]:
    return (0.0, KINK / max(gain, 1e-30)) if name in KINKED else SMOOTH[name]


def limits(network: ResolvedNetwork, turns: float = 1.0) -> NDArray[np.float64]:
    """Return the zone and limit (units, 2) of every unit, layer after layer.

    turns: total variation of the colours while an output goes from 0 to 1; above 1 the outputs'
    limits are smaller.
    """
    rows = []
    layers = network.layers
    for i, layer in enumerate(layers):
        fed = [] if i == len(layers) - 1 else [layers[i + 1].weight]
        fed += [] if layer.readout is None else [layer.readout]
        gains = np.max([np.abs(weight).max(axis=0) for weight in fed], axis=0)
        names = unit_names(layer.groups)
        rows += [_row(name, float(gain)) for name, gain in zip(names, gains, strict=True)]
    rows += [_row(name, 1.0) for name in unit_names(network.output)]
    bounds = np.array(rows)
    if turns > 1.0:
        outputs = bounds[-network.channels :, 1]
        outputs[:] = np.minimum(outputs, TURN) / turns
    return bounds


def variation_ratio(
    kernel: Kernel, lattices: Lattices, bounds: NDArray[np.float64], check_cancelled: CheckCancelled
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the colours (channels, n, rows, cols) of lattices and the ratios of their cells.

    A cell's ratio (n, rows - 3, cols - 3), for cells with another node beyond each corner, is the
    largest ratio of a sum's change over the cell to the unit's limit in `bounds`, among sums near
    the unit's zone. The change is that from corner to corner plus the bend, the largest second
    difference at a corner, since a sum may be equal at all corners and differ between them.
    """
    count, (_, rows, cols, stride) = len(lattices.origins), lattices
    colours, cells = None, np.empty((count, rows - 3, cols - 3), np.float32)
    batch = min(LARGEST, kernel.batch * len(bounds))  # a device takes as long for fewer
    strip = min(rows, max(4, max(STRIP, batch) // (len(bounds) * cols)))
    many = max(1, max(MANY, batch) // (len(bounds) * rows * cols))
    for first in range(0, count, many):
        for top in range(0, rows - 3, strip - 3):
            check_cancelled()
            origins = lattices.origins[first : first + many] + np.array([top * stride, 0])
            part = Lattices(origins, min(strip, rows - top), cols, stride)
            values, sums = kernel.trace(part)
            if colours is None:
                colours = np.empty((len(values), count, rows, cols), values.dtype)
            colours[:, first : first + many, top : top + part.rows] = values
            cells[first : first + many, top : top + part.rows - 3] = _cell_ratios(sums, bounds)
    assert colours is not None
    return colours, cells


def _cell_ratios(sums: NDArray[np.floating], bounds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the ratios of cells from sums (units, n, rows, cols); a unit's are contiguous."""
    units, *_, cols = sums.shape
    bends, ratios = np.empty(sums[0].size, sums.dtype), np.zeros(sums.shape[1:], np.float32)
    _compiled(sums.dtype)["variation_ratio"](
        sums, units, sums.strides[0] // sums.itemsize, bends.size, cols, bounds, bends, ratios
    )
    return ratios[:, 1:-2, 1:-2]


@machine_code
def _compiled(dtype: "np.dtype[np.floating]") -> Module:
    """Treat all nodes as one row; cells that span two rows or lattices are not used."""
    real = ELEMENTS[dtype]
    module = Module()
    f = module.function(
        "variation_ratio",
        sums=ArrayOf(real), units=I64, units_apart=I64,
        nodes=I64, cols=I64,
        bounds=ArrayOf(F64),
        bends=ArrayOf(real),  # scratch
        ratios=ArrayOf(F32),  # of the cell below and to the right of each node
    )  # fmt: skip
    nodes, cols = f["nodes"], f["cols"]
    bends, ratios = f.array("bends"), f.array("ratios")
    with f.loop(f["units"]) as unit:
        zone, limit = (f.array("bounds").load(unit * 2 + k).to(real) for k in (0, 1))
        sums = f.array("sums").at(unit * f["units_apart"])
        with f.loop(nodes - cols, start=cols) as node:
            along = [_bend(sums, node, apart) for apart in (cols, f.integer(1))]
            bends.store(along[0].at_least(along[1]), node)
        with f.loop(nodes - cols * 2 - 1, start=cols) as node:
            corners = [node, node + 1, node + cols, node + cols + 1]
            values = [sums.load(corner) for corner in corners]
            low, high = reduce(Value.at_most, values), reduce(Value.at_least, values)
            bend = reduce(Value.at_least, [bends.load(corner) for corner in corners])
            change = high - low + bend
            margin = (change + bend) * 0.5
            near = (low - margin < zone) & (high + margin > -zone)
            ratio = near.where(change / limit, change * 0.0).to(F32)
            ratios.store(ratios.load(node).at_least(ratio), node)
    f.end()
    return module


def _bend(sums: Array, node: Value, apart: Value) -> Value:
    """Return the second difference at a node."""
    return (sums.load(node - apart) + sums.load(node + apart) - sums.load(node) * 2.0).abs()
