"""Evaluates references: points in float64, to which a float32 shader adds differences.

A reference has the folded point, its radius, and the sums of its units: with detail those of the
layers that evaluate differences, and of the one after them. reference.js in `shaders/web/script/`
does the same in a browser, for each view.
"""

import math
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.resolved import Groups, ResolvedNetwork, Weights, product
from tilecppn.kernels.base import EvaluationContext
from tilecppn.kernels.fineness import NEVER
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
    sums: Array  # (units of layers that evaluate differences, points)


def references(
    context: EvaluationContext,
    network: ResolvedNetwork,
    shape: Shape,
    rows: Array,
    cols: Array,
    differences: int,
) -> References:
    """Return the references at pixels of `context.grid`: rows (n,) and cols (n,), any floats.

    network: the context's, or one like it. differences: the number of layers that evaluate
    differences.
    """
    out = np.zeros((len(rows), shape.palette, 4))
    _place(context, shape, rows, cols, out)
    sums, read, outputs = _evaluated(network, context.points(rows, cols), differences)
    for i, values in enumerate(sums[:differences]):
        pairs = _pairs(values, network.layers[i].groups)
        for row, of_row in enumerate(pairs):
            _put(out, shape, i, row, of_row)
    biases = [layer.bias for layer in network.layers[len(sums) :]]
    constants: list[Weights] = [*sums[differences:], *biases]
    for i, constant in enumerate(constants, differences):
        _put(out, shape, i, 0, constant)
    for i, layer in enumerate(network.layers if shape.detail else ()):
        own, fade = out[:, shape.fade(i)], layer.fade
        own[:, 3] = NEVER if fade is None else fade.start
        if fade is not None:
            own[:, : shape.channels] = fade.offset + read.get(i, 0.0)
    out[:, shape.outputs, : shape.channels] = outputs
    starts = sums[:differences]
    of_units = np.concatenate(starts, axis=-1).T if starts else np.empty((0, len(rows)))
    return References(out.astype(np.float32), of_units)


def _evaluated(
    network: ResolvedNetwork, points: tuple[Array, Array, Array], differences: int
) -> tuple[list[Array], dict[int, Array], Weights]:
    """Return the sums (points, units) of so many layers and the next, what those of them that fade
    are read out as, and the outputs' sums with the others' readouts.

    Layers that evaluate no differences are not read out.
    """
    if differences == 0:
        first = network.layers[0]
        return [product(np.stack(points, axis=-1), first.weight) + first.bias], {}, network.bias
    sums, read, outputs = [], {}, network.bias
    for i, (total, h) in enumerate(islice(network.hidden(*points), differences + 1)):
        sums.append(total)
        layer = network.layers[i]
        if i == differences or layer.readout is None:
            continue
        part = product(h, layer.readout)
        if layer.fade is None:
            outputs = outputs + part
        else:
            read[i] = part
    return sums, read, outputs


def _pairs(sums: Array, groups: Groups) -> tuple[Array, Array]:
    """Return the values a and b of each unit."""
    ends = np.cumsum([count for _, count in groups])[:-1]
    parts = np.split(sums, ends, axis=-1)
    pairs = [REFERENCES[name](part) for (name, _), part in zip(groups, parts, strict=True)]
    a, b = zip(*pairs, strict=True)
    return np.concatenate(a, axis=-1), np.concatenate(b, axis=-1)


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
    """Write a row of a layer's vectors: values (points, units), or (units,) for all points."""
    padded, start = np.zeros((len(out), 4 * shape.vectors)), shape.reference(layer) + row
    padded[:, : values.shape[-1]] = values
    end = shape.reference(layer) + shape.vectors * shape.reference_rows
    out[:, start : end : shape.reference_rows] = padded.reshape(len(out), shape.vectors, 4)
