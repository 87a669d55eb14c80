"""Where a lattice could step over a feature: what the units' sums tell about the gaps.

A feature that lies between nodes comes from a unit whose sum runs through the bent part of its
activation there: a thin ridge of a gaussian from a sum that goes from -20 to 20 within one cell.
The sums at the nodes show it even where all colours are equal. So each unit has a limit, the
change of its sum over a cell that its activation can follow without showing something new, and a
zone around 0 outside of which it is flat or straight.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import CPPN
from tilecppn.kernels import Kernel
from tilecppn.native import HOST, ArrayOf, Compiled, Module
from tilecppn.native.values import F32, F64, I64
from tilecppn.view import Lattice

REAL = {np.dtype("float32"): F32, np.dtype("float64"): F64}
STRIP = 1 << 22  # sums held at a time
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
KINK = 0.25
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

    Crowding (rows - 1, cols - 1) is the largest ratio of a sum's change over the cell, from
    corner to corner, to the unit's limit `bounds`, where the sum comes near the unit's zone.
    """
    colours, cells = None, np.empty((lattice.rows - 1, lattice.cols - 1), np.float32)
    rows = max(2, STRIP // (len(bounds) * lattice.cols))
    for top in range(0, lattice.rows - 1, rows - 1):
        pause()
        strip = lattice._replace(
            row=lattice.row + top * lattice.stride, rows=min(rows, lattice.rows - top)
        )
        values, sums = kernel.trace(strip)
        if colours is None:
            colours = np.empty((len(values), lattice.rows, lattice.cols), values.dtype)
        colours[:, top : top + strip.rows] = values
        units, apart = len(sums), sums.strides[0] // sums.itemsize
        _compiled(sums.dtype)["crowding"](
            sums, units, apart, strip.rows, strip.cols, bounds, cells[top:], lattice.cols - 1
        )
    assert colours is not None
    return colours, cells


@cache
def _compiled(dtype: "np.dtype[np.floating]") -> Compiled:
    real = REAL[dtype]
    module = Module()
    f = module.function(
        "crowding",
        sums=ArrayOf(real), units=I64, units_apart=I64,
        rows=I64, cols=I64,
        bounds=ArrayOf(F64),
        cells=ArrayOf(F32), cells_apart=I64,
    )  # fmt: skip
    cols = f["cols"]
    with f.loop(f["rows"] - 1) as i:
        out = f.array("cells").at(i * f["cells_apart"])
        with f.loop(cols - 1) as j:
            out.store(f.number(F32, 0.0), j)
        with f.loop(f["units"]) as unit:
            zone, limit = (f.array("bounds").load(unit * 2 + k).to(real) for k in (0, 1))
            upper = f.array("sums").at(unit * f["units_apart"] + i * cols)
            lower = upper.at(cols)
            with f.loop(cols - 1) as j:
                corners = [upper.load(j), upper.load(j + 1), lower.load(j), lower.load(j + 1)]
                low = high = corners[0]
                for corner in corners[1:]:
                    low, high = low.at_most(corner), high.at_least(corner)
                change = high - low
                near = (low - change * 0.5 < zone) & (high + change * 0.5 > -zone)
                ratio = near.where(change / limit, change * 0.0).to(F32)
                out.store(out.load(j).at_least(ratio), j)
    f.end()
    return Compiled(module, HOST)
