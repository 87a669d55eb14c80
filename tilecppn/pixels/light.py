"""The linear light of stored values, and tables of that of integers, the same on every machine."""

import math
from functools import cache
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tilecppn.scene.profiles import PROFILES, Array
from tilecppn.scene.sections import FULL

UNITS = 2**44  # of light for the largest value; the smallest of 16 bits has some hundreds


class Light(NamedTuple):
    """Tables of the light of stored values v, 0 to FULL, as whole numbers in float64.

    values: the light of each, in units of 1 / UNITS. bounds: the smallest sum of four lights that
    is rounded to v, four times the light of v - ½; 0 for the darkest.
    """

    values: NDArray[np.float64]
    bounds: NDArray[np.float64]

    @classmethod
    def of(cls, profile: str, dtype: np.dtype[Any]) -> Self:
        """Return the tables for integers of a dtype in a profile, one of PROFILES."""
        return cls(*_tables(profile, dtype))

    def stored(self, light: NDArray[np.float32]) -> NDArray[Any]:
        """Return the stored values nearest to light in UNITS, of any shape, clipped."""
        found = np.searchsorted(self.bounds[1:], 4.0 * light.astype(np.float64), side="right")
        return found.astype(np.uint8 if len(self.bounds) == 256 else np.uint16)


@cache
def _tables(profile: str, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    full = FULL[dtype.name]
    space, stored = PROFILES[profile], np.arange(full + 1)
    values = np.rint(UNITS * space.linear(stored / full, power))
    bounds = np.rint(4.0 * UNITS * space.linear(np.maximum(stored - 0.5, 0.0) / full, power))
    return values, bounds


def linear(pixels: NDArray[Any], profile: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Convert stored values of any dtype to linear light, as `dtype`; 1 for the largest integer.

    profile: one of PROFILES, whose transfer curve is inverted.
    """
    if pixels.dtype.kind != "f":
        return np.asarray(_linear_table(profile, pixels.dtype, dtype)[pixels])
    with np.errstate(over="ignore"):  # beyond the range of a half it is infinite
        light = PROFILES[profile].linear(pixels.astype(np.float64))
        return light.astype(dtype, copy=False)


@cache
def _linear_table(profile: str, stored: np.dtype[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    full = FULL[stored.name]
    return PROFILES[profile].linear(np.arange(full + 1) / full).astype(dtype)


def power(base: Array, exponent: float) -> Array:
    """Return base ** exponent, both ≥ 0, by multiplications and square roots.

    They are rounded correctly everywhere, unlike NumPy's power.
    """
    part, whole = math.modf(exponent)
    out, root = np.ones_like(base), base
    for _ in range(int(whole)):
        out = out * base
    while part:
        root, (bit, part) = np.sqrt(root), math.modf(2.0 * part)[::-1]
        out = out * root if bit else out
    return out
