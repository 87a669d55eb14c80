"""What float32 would cost: a forward error analysis of the very network, at a few of its points.

To first order, each rounding is an independent error of about 2^-25 of its result, which the
layers after it multiply by their weights and slopes (N. J. Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., chapters 1 - 3; random roundings, not worst ones). Against 200,000
evaluated points a network, over all presets and a dozen others, the result was 1 to 2.4 times
what was found.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import ACTIVATIONS

if TYPE_CHECKING:
    from tilecppn.kernels.base import EvaluationContext

ROUNDING = 2.0**-25  # of a float32 result, relative
POINTS = 256
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
STEP = 1e-4  # of the difference quotients
MEAN_OF_NORMAL = math.sqrt(2.0 / math.pi)  # of the absolute value, deviation 1


def rounding_error(field: "EvaluationContext") -> float:
    """The mean error of the picture's colours that is to be expected of float32.

    255 times it is the share of its 8-bit values that come out 1 off.
    """
    cppn = field.cppn
    names = (*cppn.structure.activations, cppn.structure.output)
    layers = cppn.layers_for(field.z)
    with np.errstate(all="ignore"):
        h = _inputs(field)  # (inputs, points)
        variance = np.square(ROUNDING * h)
        for i, ((weight, bias), name) in enumerate(zip(layers, names, strict=True)):
            function = ACTIVATIONS[name].function
            squares = np.square(weight, dtype=np.float64)
            sums = weight.astype(np.float64) @ h + bias[:, None]
            # Partial sums of n terms of any sign: half of n times the terms' squares.
            partial = 0.5 * len(h) * (squares @ np.square(h)) + np.square(sums)
            slope = (function(sums + STEP) - function(sums - STEP)) / (2.0 * STEP)
            value = function(sums)
            error = np.square(slope) * (squares @ variance + ROUNDING**2 * partial)
            error += np.square(2.0 * ROUNDING * value)  # the activation's own
            if cppn.structure.residual and 0 < i < len(layers) - 1:
                h, variance = h + value, variance + error
            else:
                h, variance = value, error
    errors = np.sqrt(variance[np.isfinite(variance)])
    return float(MEAN_OF_NORMAL * errors.mean()) if errors.size else 0.0


def _inputs(field: "EvaluationContext") -> NDArray[np.float64]:
    """x, y, r (3, POINTS) at pixels spread evenly over the canvas (a Fibonacci lattice)."""
    k = np.arange(POINTS) + 0.5
    across, down = field.grid.middle
    rows, cols = k / POINTS * 2.0 * down, (k * GOLDEN % 1.0) * 2.0 * across
    return np.stack(np.broadcast_arrays(*field.points(rows, cols)))
