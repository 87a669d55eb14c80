"""The light of stored integers, in whole numbers that are the same on every machine."""

import math
from functools import cache
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tilecppn.scene.profiles import PROFILES, Array
from tilecppn.scene.sections import FULL

UNITS = 2**44  # of light in the brightest value: the darkest of 16 bits has some hundreds


class Light(NamedTuple):
    """Tables of the light of stored values v, 0 to FULL, whole numbers in float64.

    values: of each, rounded to 1 / UNITS. bounds: what the sum of four has to reach at least to be
    rounded to v, four times the light of v - ½; 0 for the darkest.
    """

    values: NDArray[np.float64]
    bounds: NDArray[np.float64]

    @classmethod
    def of(cls, profile: str, dtype: np.dtype[Any]) -> Self:
        """Those of integers in a profile, one of PROFILES."""
        return cls(*_tables(profile, dtype))

    def stored(self, light: NDArray[np.float32]) -> NDArray[Any]:
        """Return the stored values of light in UNITS, any shape, rounded likewise; clipped."""
        found = np.searchsorted(self.bounds[1:], 4.0 * light.astype(np.float64), side="right")
        return found.astype(np.uint8 if len(self.bounds) == 256 else np.uint16)


@cache
def _tables(profile: str, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    full = FULL[dtype.name]
    space, stored = PROFILES[profile], np.arange(full + 1)
    values = np.rint(UNITS * space.linear(stored / full, power))
    bounds = np.rint(4.0 * UNITS * space.linear(np.maximum(stored - 0.5, 0.0) / full, power))
    return values, bounds


def power(base: Array, exponent: float) -> Array:
    """base ** exponent, both 0 or more, by multiplications and square roots alone.

    They are rounded correctly everywhere, which NumPy's power is not.
    """
    part, whole = math.modf(exponent)
    out, root = np.ones_like(base), base
    for _ in range(int(whole)):
        out = out * base
    while part:
        root, (bit, part) = np.sqrt(root), math.modf(2.0 * part)[::-1]
        out = out * root if bit else out
    return out
