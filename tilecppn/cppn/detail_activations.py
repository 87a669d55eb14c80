"""The activations that networks with detail can have, and their moments.

For sums with the distribution N(0, q), as mean-field theory assumes (see `detail.py`). The moments
need only IEEE + - × / and square roots.
"""

import math
from collections.abc import Callable
from typing import NamedTuple


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


# Each activation's moments for sums N(0, q), as a function of q.
DETAIL_ACTIVATIONS: dict[str, Callable[[float], Moments]] = {
    "sin": _sine,
    "cos": _cosine,
    "gaussian": _gaussian,
    "tanh": _tanh,
}
