"""Functions whose results are the same on every machine, to the last bit.

Only IEEE + - × / and square roots are used, each rounded correctly everywhere, and sums are taken
in a fixed order. A maths library or BLAS may differ in the last digit.
"""

import math
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = TypeVar("Numbers", float, NDArray[np.float64])


def logarithm(x: Array) -> Array:
    """Return the natural logarithm of positive normal float64, to about 1e-16 of max(1, |log x|).

    x = m·2^e with m in [sqrt(1/2), sqrt(2)); log m = 2·atanh(s), s = (m-1)/(m+1), |s| < 0.172,
    by its odd power series, whose 11 terms end below 1e-18.
    """
    m, e = np.frexp(x)
    small = m < math.sqrt(0.5)
    m = np.where(small, m * 2.0, m)
    e = e - small
    s = (m - 1.0) / (m + 1.0)
    s2 = s * s
    series = np.full_like(s, 1.0 / 21.0)
    for k in range(19, 0, -2):
        series = series * s2 + 1.0 / k
    return e * math.log(2.0) + 2.0 * (s * series)


@lru_cache(4096)
def log2(x: float) -> float:
    """Return the binary logarithm of a positive number."""
    return float(logarithm(np.array([x], np.float64))[0]) / math.log(2.0)


def exp2(x: float) -> float:
    """Return 2^x for |x| < 1000: a power of two times the exponential series."""
    n = math.floor(x + 0.5)
    y = (x - n) * math.log(2.0)
    total = 1.0
    for k in range(20, 0, -1):
        total = 1.0 + total * y / k
    return math.ldexp(total, n)


def smoothstep(share: Numbers) -> Numbers:
    """Return the smoothstep of a number or an array: from 0 at 0 to 1 at 1, with slope 0 at both
    ends.
    """
    kept: Numbers = np.clip(share, 0.0, 1.0)
    return kept * kept * (3.0 - 2.0 * kept)
