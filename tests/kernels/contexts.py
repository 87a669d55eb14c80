"""What tests of kernels share: contexts, and the oracle point by point."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import CPPN
from tilecppn.kernels import EvaluationContext, Kernel
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices


def scaled(cppn: CPPN, by: float) -> CPPN:
    return CPPN(cppn.structure, [(by * w, by * b) for w, b in cppn.layers])


def gentle(**network: Any) -> CPPN:
    """A network whose sums stay near 1 at any width and depth, so that errors do not grow."""
    cppn = CPPN.from_preset("hardmaru", **network)
    return CPPN(cppn.structure, [(w / math.sqrt(w.shape[1]), 0.3 * b) for w, b in cppn.layers])


def context_of(cppn: CPPN, side: int = 1000, scale: float = 2.0, **view: Any) -> EvaluationContext:
    canvas = {"width": side, "height": side}
    own = {"palette": "viridis"} if cppn.channels == 2 else {}
    scene = Scene.of(canvas=canvas, view={"scale": scale, **view}, output=own).replace(cppn=cppn)
    return EvaluationContext.of(scene)


def indices(lattice: Lattices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pixels of one lattice: rows (n, 1) and columns (1, m)."""
    ((row, col),) = lattice.origins.tolist()
    rows = np.array([row + lattice.stride * k for k in range(lattice.rows)], np.float64)
    cols = np.array([col + lattice.stride * k for k in range(lattice.cols)], np.float64)
    return rows[:, None], cols[None, :]


def oracle(context: EvaluationContext, lattice: Lattices) -> NDArray[np.float64]:
    """(channels, rows, cols) of one lattice, point by point from the index."""
    x, y, r = context.points(*indices(lattice))
    if context.cppn.structure.detail is not None:
        places = fineness(context, *indices(lattice)) if context.network.local else None
        return np.moveaxis(context.network.colour(x, y, r, fineness=places), -1, 0)
    colour = (
        context.cppn.colour(x, y, r, context.z) if context.fold else context.cppn(x, y, context.z)
    )
    return np.moveaxis(colour, -1, 0)


def fineness(
    context: EvaluationContext, rows: NDArray[np.float64], cols: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The local fineness at pixels (n, 1) and (1, m), from the definition."""
    local = context.network.local
    assert local is not None
    middle = [math.floor(m + 0.5) for m in context.grid.middle[::-1]]
    rows, cols = rows - middle[0], cols - middle[1]
    down, across = (np.arange(v.min() // 64 - 1, v.max() // 64 + 3) for v in (rows, cols))
    # Nodes are looked at five pixels after, and beyond the line of a mirror five pixels before.
    fold = context.fold
    mirrored = [fold is not None and fold.mirrors(axis) for axis in "yx"]
    top, left = (
        m + 64 * nodes + np.where(both & (nodes > 0), -6, 4)
        for m, nodes, both in zip(middle, (down, across), mirrored, strict=True)
    )
    corners = {}
    for i in (0, 1):
        for j in (0, 1):
            points = context.points(top[:, None] + i, left[None, :] + j)
            hidden = [values for _, values in context.network.hidden(*points)]
            corners[i, j] = hidden[local.layer : local.end]
    squares = [
        0.5 * (np.square(d - a) + np.square(c - b)).mean(axis=-1)
        for a, b, c, d in zip(*(corners[k] for k in sorted(corners)), strict=True)
    ]
    nodes = local.of(squares)
    weights = [
        _spline((v.ravel()[:, None] + 0.5) / 64.0 - axis)
        for v, axis in ((rows, down), (cols, across))
    ]
    return np.asarray(weights[0] @ nodes @ weights[1].T).astype(np.float32).astype(np.float64)


def _spline(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic B-spline around 0."""
    t = np.abs(t)
    near, far = 2.0 / 3.0 - t**2 + t**3 / 2.0, (2.0 - t) ** 3 / 6.0
    return np.where(t < 1.0, near, np.where(t < 2.0, far, 0.0))


def difference(kernel: Kernel, context: EvaluationContext, lattice: Lattices) -> float:
    """The largest one from the oracle, relative to values above 1."""
    got, expected = kernel.evaluate(lattice)[:, 0], oracle(context, lattice)
    assert got.shape == (context.cppn.channels, lattice.rows, lattice.cols)
    assert got.dtype in (np.float32, np.float64)
    return float(np.max(np.abs(got - expected) / np.maximum(1.0, np.abs(expected))))


def bits(values: NDArray[np.floating]) -> NDArray[np.unsignedinteger]:
    return np.ascontiguousarray(values).view(np.uint32 if values.itemsize == 4 else np.uint64)
