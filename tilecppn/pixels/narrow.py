"""Where a lattice could step over a feature: what the units' sums tell about the gaps.

A feature that lies between nodes comes from a unit whose sum runs through the bent part of its
activation there: a thin ridge of a gaussian from a sum that goes from -20 to 20 within one cell.
The sums at the nodes show it even where all colours are equal. So each unit has a limit, the
change of its sum over a cell that its activation can follow without showing something new, and a
zone around 0 outside of which it is flat or straight.
"""

import math
from collections.abc import Callable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import CPPN
from tilecppn.kernels import Kernel
from tilecppn.native import HOST, Array, ArrayOf, Compiled, Function, Module, Value, once
from tilecppn.native.values import ELEMENTS, F32, F64, I64
from tilecppn.view import Lattice

STRIP = 1 << 20  # sums held at a time: in the cache until they are compared
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
KINK = 0.25  # of a sum
TURN = 2.0  # of an output's sum: half of the way that a sigmoid takes from 0 to 1


def limits(cppn: CPPN, turns: float = 1.0) -> NDArray[np.float64]:
    """(units, 2): zone and limit of every unit, layer after layer.

    `turns` of the colours while an output goes from 0 to 1: above 1 the outputs' limits are less.
    """
    rows = []
    names = (*cppn.structure.activations, cppn.structure.output)
    following = [*(np.abs(w).max(axis=0) for w, _ in cppn.layers[1:]), np.ones(cppn.channels)]
    for name, gains in zip(names, following, strict=True):
        if name in KINKED:
            rows += [(0.0, KINK / max(float(gain), 1e-30)) for gain in gains]
        else:
            rows += [SMOOTH[name]] * len(gains)
    bounds = np.array(rows)
    if turns > 1.0:
        outputs = bounds[-cppn.channels :, 1]
        outputs[:] = np.minimum(outputs, TURN) / turns
    return bounds


def crowding(
    kernel: Kernel, lattice: Lattice, bounds: NDArray[np.float64], pause: Callable[[], None]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Colours (channels, rows, cols) of a lattice and the crowding of its cells.

    Crowding (rows - 3, cols - 3), of the cells that have another node beyond each corner, is the
    largest ratio of a sum's change over the cell to the unit's limit `bounds`, where the sum comes
    near the unit's zone. The change is that from corner to corner plus the bend, the largest
    second difference at a corner, since a sum may be equal at all corners and not between them.
    """
    colours, cells = None, np.zeros((lattice.rows - 3, lattice.cols - 3), np.float32)
    rows = max(4, STRIP // (len(bounds) * lattice.cols))
    for top in range(0, lattice.rows - 3, rows - 3):
        pause()
        strip = lattice._replace(
            row=lattice.row + top * lattice.stride, rows=min(rows, lattice.rows - top)
        )
        values, sums = kernel.trace(strip)
        if colours is None:
            colours = np.empty((len(values), lattice.rows, lattice.cols), values.dtype)
        colours[:, top : top + strip.rows] = values
        _compiled(sums.dtype)["crowding"](
            sums, len(sums), sums.strides[0] // sums.itemsize, strip.rows, strip.cols, bounds,
            np.empty((2, lattice.cols), sums.dtype), cells[top:], lattice.cols - 3,
        )  # fmt: skip
    assert colours is not None
    return colours, cells


@once
def _compiled(dtype: "np.dtype[np.floating]") -> Compiled:
    real = ELEMENTS[dtype]
    module = Module()
    f = module.function(
        "crowding",
        sums=ArrayOf(real), units=I64, units_apart=I64,
        rows=I64, cols=I64,
        bounds=ArrayOf(F64),
        bends=ArrayOf(real),  # scratch: of two rows of nodes in turn
        cells=ArrayOf(F32), cells_apart=I64,
    )  # fmt: skip
    cols = f["cols"]
    with f.loop(f["units"]) as unit:
        zone, limit = (f.array("bounds").load(unit * 2 + k).to(real) for k in (0, 1))
        sums = f.array("sums").at(unit * f["units_apart"])
        _bend(f, sums.at(cols), f.array("bends"))
        with f.loop(f["rows"] - 3) as i:
            # The cells lie between the rows and columns 1 and 2 of these four.
            upper, lower = sums.at((i + 1) * cols + 1), sums.at((i + 2) * cols + 1)
            _bend(f, lower.at(-1), f.array("bends").at(((i + 1) & 1) * cols))
            out = f.array("cells").at(i * f["cells_apart"])
            with f.loop(cols - 3) as j:
                corners = [line.load(j + k) for line in (upper, lower) for k in (0, 1)]
                low, high = reduce(Value.at_most, corners), reduce(Value.at_least, corners)
                bends = f.array("bends")
                bend = reduce(
                    Value.at_least,
                    [line.load(j + k) for line in (bends, bends.at(cols)) for k in (0, 1)],
                )
                change = high - low + bend
                margin = (change + bend) * 0.5
                near = (low - margin < zone) & (high + margin > -zone)
                ratio = near.where(change / limit, change * 0.0).to(F32)
                out.store(out.load(j).at_least(ratio), j)
    f.end()
    return Compiled(module, HOST)


def _bend(f: Function, row: Array, out: Array) -> None:
    """The larger second difference, along rows or along columns, at all but a row's ends."""
    cols = f["cols"]
    with f.loop(cols - 2) as j:
        twice = row.load(j + 1) * 2.0
        lines = (row.at(1 - cols), row.at(cols + 1)), (row, row.at(2))
        along = [(a.load(j) + b.load(j) - twice).abs() for a, b in lines]
        out.store(along[0].at_least(along[1]), j)
