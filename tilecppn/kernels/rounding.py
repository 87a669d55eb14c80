"""What float32 would cost: a forward error analysis of the very network, at a few of its points.

To first order, each rounding is an independent error of about 2^-25 of its result, which the
layers after it multiply by their weights and slopes (N. J. Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., chapters 1 - 3; random roundings, not worst ones). Against 200,000
evaluated points a network, over all presets and a dozen others, the result was 1 to 2.4 times
what was found.
"""

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import ACTIVATIONS
from tilecppn.cppn.activations import DIFFERENCES
from tilecppn.cppn.resolved import Groups, ResolvedNetwork

ROUNDING = 2.0**-25  # of a float32 result, relative
POINTS = 256
STEP = 1e-4  # of the difference quotients
MEAN_OF_NORMAL = math.sqrt(2.0 / math.pi)  # of the absolute value, deviation 1

Array = NDArray[np.float64]


def rounding_error(network: ResolvedNetwork, points: Array, single_from: int = 0) -> float:
    """The mean error of the picture's colours that is to be expected of float32.

    255 times it is the share of its 8-bit values that come out 1 off. `points`: x, y and r (3, n)
    of some of the picture's. Hidden layers before `single_from` are in float64.
    """
    total = np.zeros((network.channels, 1))
    variance = np.zeros((network.channels, 1))
    terms = 0
    with np.errstate(all="ignore"):
        h, error = points, np.zeros_like(points)
        if single_from == 0:
            error = np.square(ROUNDING * h)
        for i, layer in enumerate(network.layers):
            rounding = ROUNDING if i >= single_from else 0.0
            sums, spread = _product(layer.weight, h, error, rounding)
            if not layer.differs:
                sums = sums + layer.bias[:, None]
            spread += (rounding * sums) ** 2
            value, slope = _activated(sums, layer.groups, layer.bias if layer.differs else None)
            spread = np.square(slope) * spread + np.square(2.0 * rounding * value)
            if network.residual and i > 0:
                h, error = h + value, error + spread
            else:
                h, error = value, spread
            if layer.readout is not None:
                part, spread = _product(layer.readout, h, error, rounding)
                total, variance, terms = total + part, variance + spread, terms + 1
                if terms > 1:
                    variance = variance + (rounding * total) ** 2
            if i + 1 == single_from:  # rounded on the way to the next
                error = error + np.square(ROUNDING * h)
                variance = variance + np.square(ROUNDING * total)
        total = total + network.bias[:, None]
        variance = variance + (ROUNDING * total) ** 2
        value, slope = _activated(total, network.output)
        variance = np.square(slope) * variance + np.square(2.0 * ROUNDING * value)
    errors = np.sqrt(variance[np.isfinite(variance)])
    return float(MEAN_OF_NORMAL * errors.mean()) if errors.size else 0.0


def _product(
    weight: NDArray[np.floating], h: Array, error: Array, rounding: float
) -> tuple[Array, Array]:
    """The sums weight · h, and the variance of their error."""
    squares = np.square(weight, dtype=np.float64)
    sums = weight.astype(np.float64) @ h
    # Partial sums of n terms of any sign: half of n times the terms' squares.
    partial = 0.5 * len(h) * (squares @ np.square(h))
    return sums, squares @ error + rounding**2 * partial


def _activated(
    sums: Array, groups: Groups, start: NDArray[np.floating] | None = None
) -> tuple[Array, Array]:
    """Values and slopes (units, points), or how much they differ from those at `start`."""
    value, slope = np.empty_like(sums), np.empty_like(sums)
    first = 0
    for name, count in groups:
        part = slice(first, first + count)
        function = ACTIVATIONS[name].function
        if start is not None:
            function = partial(DIFFERENCES[name], start[part, None].astype(np.float64))
        value[part] = function(sums[part])
        slope[part] = (function(sums[part] + STEP) - function(sums[part] - STEP)) / (2.0 * STEP)
        first += count
    return value, slope
