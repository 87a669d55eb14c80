"""Tables of easings and interpolations: how values change from one keyframe to the next.

A value is a row of float64; u in [0, 1] is the progress from one keyframe to the next.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.latents import lerp, slerp

Array = NDArray[np.float64]


def _in_out(u: float) -> float:
    return 4.0 * u**3 if u < 0.5 else 1.0 - 4.0 * (1.0 - u) ** 3


# Map time to progress, both in [0, 1]; all but "hold" map 0 to 0 and 1 to 1.
EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda u: u,
    "sinusoid": lambda u: math.sin(u * math.pi / 2.0),
    "in": lambda u: u**3,
    "out": lambda u: 1.0 - (1.0 - u) ** 3,
    "in-out": _in_out,
    "hold": lambda u: 0.0,
}


class Segment(NamedTuple):
    """Two successive keyframes: values (n,), slopes (n,) per second, and the time between."""

    start: Array
    end: Array
    slopes: tuple[Array, Array]  # of the spline through all keyframes
    length: float  # seconds


class Interpolation(NamedTuple):
    """An interpolation between two keyframes."""

    between: Callable[[Segment, float], Array]  # values (n,) at u; exactly `start` at u = 0
    smooth: bool = False  # whether it needs the slopes; otherwise they are 0


def _exponential(segment: Segment, u: float) -> Array:
    """Interpolate with equal ratios in equal times."""
    return np.asarray(segment.start * (segment.end / segment.start) ** u)


def _spline(segment: Segment, u: float) -> Array:
    """Evaluate the cubic with the given values and slopes at both ends (Hermite's form)."""
    first, second = (segment.length * slope for slope in segment.slopes)
    v = 1.0 - u
    return np.asarray(
        (1.0 + 2.0 * u) * v * v * segment.start
        + u * v * v * first
        + u * u * (3.0 - 2.0 * u) * segment.end
        - u * u * v * second
    )


INTERPOLATIONS: dict[str, Interpolation] = {
    "linear": Interpolation(lambda s, u: lerp(s.start, s.end, u)),
    "spherical": Interpolation(lambda s, u: slerp(s.start, s.end, u)),
    "exponential": Interpolation(_exponential),
    "spline": Interpolation(_spline, smooth=True),
}


def spline_slopes(times: Sequence[float], values: Array, closed: bool) -> Array:
    """Return the slopes (k, n) at the knots of the twice continuously differentiable cubic spline.

    times (k,), increasing; values (k, n). Open: the natural spline, straight at its ends. Closed:
    slope and curvature at the last knot are those at the first, whatever their values differ by.
    (C. de Boor, A Practical Guide to Splines, chapter IV.)
    """
    t, k = np.asarray(times, np.float64), len(times)
    if k == 2 and not closed:
        return np.repeat((values[1:] - values[:1]) / (t[1] - t[0]), 2, axis=0)
    h = np.diff(t)
    chord = np.diff(values, axis=0) / h[:, None]
    matrix, right = np.zeros((k, k)), np.zeros_like(values)
    for i in range(1, k - 1):
        matrix[i, i - 1 : i + 2] = h[i], 2.0 * (h[i - 1] + h[i]), h[i - 1]
        right[i] = 3.0 * (h[i] * chord[i - 1] + h[i - 1] * chord[i])
    if closed:
        matrix[0, 0], matrix[0, -1] = 1.0, -1.0
        matrix[-1, -2] += h[0]
        matrix[-1, -1] += 2.0 * (h[-1] + h[0])
        matrix[-1, 1] += h[-1]
        right[-1] = 3.0 * (h[0] * chord[-1] + h[-1] * chord[0])
    else:
        matrix[0, :2], right[0] = (2.0, 1.0), 3.0 * chord[0]
        matrix[-1, -2:], right[-1] = (1.0, 2.0), 3.0 * chord[-1]
    return np.asarray(np.linalg.solve(matrix, right))
