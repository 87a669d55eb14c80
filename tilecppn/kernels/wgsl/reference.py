"""Evaluates references: points in float64, to which a float32 shader adds differences.

A reference has the folded point, its radius, and with detail the sum of every unit there.
reference.js in `shaders/web/script/` does the same in a browser, for each view.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.resolved import Weights, grouped, product
from tilecppn.kernels.base import EvaluationContext
from tilecppn.kernels.wgsl.shape import Shape
from tilecppn.scene.symmetry import Fold, reflections
from tilecppn.scene.view import Grid

Array = NDArray[np.float64]


class Point(NamedTuple):
    """A folded point: the inputs of layer 0, and the values for the shader's differences."""

    x: float
    y: float
    heights: tuple[float, float]
    rows: list[list[float]]  # `Shape.fold_rows` rows


def reference_point(grid: Grid, fold: Fold | None, u: float, v: float) -> Point:
    """Return the reference at u to the right of the canvas' centre and v below, in plane units."""
    if fold is None:
        return Point(*grid.place(u, v), (0.0, 0.0), [])
    offsets, heights, rows = [], [], []
    for axis, offset, middle, step in zip("xy", (u, v), grid.middle, grid.step, strict=True):
        span = step * (2.0 * middle + 1.0)
        mirrored = axis in fold.mirror or (axis == "x" and fold.radial > 1)
        sign = -1.0 if mirrored and offset < 0.0 else 1.0
        if axis not in fold.repeat:
            offsets.append(sign * offset)
            heights.append(0.0)
            rows.append([sign * offset, sign, 0.0, 0.0])
            continue
        turns = offset / span
        turns -= math.floor(turns + 0.5)
        sign = -1.0 if mirrored and turns < 0.0 else 1.0
        turns *= sign
        phase, radius = math.tau * turns, span / math.tau
        offsets.append(radius * math.sin(phase))
        heights.append(radius * (1.0 - math.cos(phase)))
        rows.append([turns, sign, 1.0 - 2.0 * turns, phase])
    (u, v), beyonds = offsets, []
    for c, s in reflections(fold.radial):
        beyond = u * c + v * s
        beyonds.append(beyond)
        twice = beyond + abs(beyond)
        u, v = u - twice * c, v - twice * s
    beyonds += [0.0] * (-len(beyonds) % 4)
    rows += [beyonds[i : i + 4] for i in range(0, len(beyonds), 4)]
    return Point(*grid.place(u, v), (heights[0], heights[1]), rows)


def _tanh(s: Array) -> tuple[Array, Array]:
    twice = np.exp(-2.0 * np.clip(s, -20.0, 20.0))
    return 1.0 / (1.0 + twice), twice / (1.0 + twice)


def _gaussian(s: Array) -> tuple[Array, Array]:
    return np.clip(s, -13.0, 13.0), np.exp(-s * s)


# The values a and b of a unit's sum s that the shader's `DIFFERENCES` need.
REFERENCES: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "sin": lambda s: (np.sin(s), np.cos(s)),
    "cos": lambda s: (np.cos(s), -np.sin(s)),
    "tanh": _tanh,
    "gaussian": _gaussian,
}


class References(NamedTuple):
    """The references of points as rows, and the sums of units from which differences start."""

    rows: NDArray[np.float32]  # (points, shape.palette, 4)
    sums: Array  # (units, points); no units without detail


def references(context: EvaluationContext, shape: Shape, rows: Array, cols: Array) -> References:
    """Return the references at pixels of `context.grid`: rows (n,) and cols (n,), any floats."""
    network = context.network
    out = np.zeros((len(rows), shape.palette, 4))
    _place(context, shape, rows, cols, out)
    x, y, r = context.points(rows, cols)
    if not shape.detail:
        first, *others = network.layers
        sums = product(np.stack([x, y, r], axis=-1), first.weight) + first.bias
        for i, values in enumerate([sums, *(layer.bias for layer in others)]):
            _put(out, shape, i, 0, values)
        out[:, shape.outputs, : shape.channels] = network.bias
        return References(out.astype(np.float32), np.empty((0, len(rows))))
    totals: list[Array] = []
    network.colour(x, y, r, totals)
    for i, sums in enumerate(totals[:-1]):
        runs = grouped(shape.layers[i])
        ends = np.cumsum([count for _, count in runs])[:-1]
        parts = np.split(sums, ends, axis=-1)
        pairs = [REFERENCES[name](part) for (name, _), part in zip(runs, parts, strict=True)]
        for row, of_runs in enumerate(zip(*pairs, strict=True)):
            _put(out, shape, i, row, np.concatenate(of_runs, axis=-1))
    out[:, shape.outputs, : shape.channels] = totals[-1]
    return References(out.astype(np.float32), np.concatenate(totals[:-1], axis=-1).T)


def _place(context: EvaluationContext, shape: Shape, rows: Array, cols: Array, out: Array) -> None:
    """Write the points into the rows of `out` before that of the outputs."""
    grid, (x0, y0) = context.grid, context.cppn.structure.origin
    if context.fold is None:
        x, y = grid.points(rows, cols)
        out[:, 0, 0], out[:, 0, 1] = x - x0, y - y0
    else:
        u = (cols - grid.middle[0]) * grid.step[0]
        v = (rows - grid.middle[1]) * grid.step[1]
        for own, *place in zip(out, u.tolist(), v.tolist(), strict=True):
            point = reference_point(grid, context.fold, *place)
            own[0] = point.x - x0, point.y - y0, *point.heights
            own[2 : shape.outputs] = point.rows
    out[:, 1, 0] = np.sqrt(np.square(out[:, 0]).sum(axis=-1))


def _put(out: Array, shape: Shape, layer: int, row: int, values: Weights) -> None:
    """Write a row of a layer's reference: values (points, units), or (units,) for all points."""
    four, start = np.zeros((len(out), 4 * shape.fours)), shape.reference(layer) + row
    four[:, : values.shape[-1]] = values
    end = shape.reference(layer + 1)
    out[:, start : end : shape.own] = four.reshape(len(out), shape.fours, 4)
