"""The reference: what a shader is told of one point, in float64, so that it adds differences only.

The folded point, its radius, and with detail the sum of every unit there. `page/reference.js` does
the same in a browser, for each view.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.scene.symmetry import Fold, reflections
from tilecppn.scene.view import Grid

Array = NDArray[np.float64]


class Point(NamedTuple):
    """A point after symmetry: what layer 0 takes, and what the shader's differences need."""

    x: float
    y: float
    heights: tuple[float, float]
    rows: list[list[float]]  # of `Shape.fold_rows`


def reference_point(grid: Grid, fold: Fold | None, u: float, v: float) -> Point:
    """The reference at u to the right of the canvas' centre and v below it, in plane units."""
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


def _turned(shift: float) -> Callable[[Array], tuple[Array, Array]]:
    return lambda s: (np.remainder(s + shift + math.pi, math.tau) - math.pi, np.zeros_like(s))


def _tanh(s: Array) -> tuple[Array, Array]:
    return np.clip(s, -20.0, 20.0), np.tanh(s)


def _gaussian(s: Array) -> tuple[Array, Array]:
    return np.clip(s, -13.0, 13.0), np.exp(-s * s)


# What the shader's `DIFFERENCES` need of a unit's sum s: a and b.
REFERENCES: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "sin": _turned(math.pi / 2),
    "cos": _turned(math.pi),
    "tanh": _tanh,
    "gaussian": _gaussian,
}
