"""The activations that networks with detail can have: their moments and derivatives.

For sums with the distribution N(0, q), as mean-field theory assumes (see `detail.py`). The moments
need only IEEE + - × / and square roots.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Moments(NamedTuple):
    """Moments of an activation's values."""

    mean: float
    square: float  # of the value
    slope: float  # mean square of the derivative


def _sine(q: float) -> Moments:
    e = 1.0 / (1.0 + q * (2.0 + q * (2.0 + q * (4.0 / 3.0 + q * 2.0 / 3.0))))  # about exp(-2q)
    return Moments(0.0, 0.5 * (1.0 - e), 0.5 * (1.0 + e))


def _cosine(q: float) -> Moments:
    _, low, high = _sine(q)
    return Moments(math.sqrt(math.sqrt(high - low)), high, low)


def _gaussian(q: float) -> Moments:
    r = 1.0 / math.sqrt(1.0 + 4.0 * q)
    return Moments(1.0 / math.sqrt(1.0 + 2.0 * q), r, 4.0 * q * r * r * r)


def _tanh(q: float) -> Moments:  # a fit, to 0.01; the slope is that of erf(√π·u/2)
    square = q / (q + 1.0 + 0.8 * math.sqrt(1.0 + 0.6 * q))
    return Moments(0.0, square, 1.0 / math.sqrt(1.0 + math.pi * q))


class DetailActivation(NamedTuple):
    """An activation's moments for sums N(0, q), as a function of q, and its derivative."""

    moments: Callable[[float], Moments]
    slope: Callable[[Array], Array]


DETAIL_ACTIVATIONS = {
    "sin": DetailActivation(_sine, np.cos),
    "cos": DetailActivation(_cosine, lambda u: -np.sin(u)),
    "gaussian": DetailActivation(_gaussian, lambda u: -2.0 * u * np.exp(-u * u)),
    "tanh": DetailActivation(_tanh, lambda u: 1.0 - np.square(np.tanh(u))),
}
