"""Seeded random numbers that are the same on every machine and in every version.

Raw 64-bit words of the counter-based Philox 4x64-10 generator (Salmon et al., SC 2011), keyed by
(seed, stream), become 53-bit uniforms in (0, 1) and, by the inverse normal distribution function,
normals. Only IEEE additions, multiplications, divisions and square roots are used, each correctly
rounded everywhere, so no maths library can change a digit.
"""

from typing import NamedTuple

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

from tilecppn.cppn.portable_math import logarithm

Array = NDArray[np.float64]

MAX_SEED = 2**63 - 1  # the largest integer of a TOML file
LATENT_STREAM = 2**63  # layers use streams 0, 1, 2 …


class Distribution(NamedTuple):
    """A distribution. "normal": mean a, standard deviation b. "uniform": from a to b."""

    kind: str
    a: float
    b: float

    def quantile(self, u: Array) -> Array:
        """Map uniforms u in (0, 1) to values of this distribution, float64."""
        if self.kind == "normal":
            return self.a + self.b * inverse_normal(u)
        return self.a + (self.b - self.a) * u


def uniforms(seed: int, stream: int, count: int) -> Array:
    """Return `count` float64 values in the open interval (0, 1): ((word >> 11) + ½) / 2^53."""
    words = np.random.Philox(_Key(seed, stream)).random_raw(count)  # type: ignore[arg-type]
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


class _Key(ISeedSequence):
    """The key (seed, stream). Given as `key=`, a seed would also be drawn, and not be used."""

    def __init__(self, seed: int, stream: int) -> None:
        self.words = np.array([seed, stream], np.uint64)

    def generate_state(self, n_words: int, dtype: object = np.uint64) -> NDArray[np.uint64]:
        return self.words


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    total = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        total *= x
        total += c
    return total


def inverse_normal(u: Array) -> Array:
    """Return the standard normal quantile of u in (0, 1), to about 1e-15 relative.

    Algorithm AS 241, PPND16: M. J. Wichura, Applied Statistics 37 (1988), 477-484.
    """
    q = u - 0.5
    r = 0.180625 - q * q
    result = q * (_polynomial(r, CENTRE_TOP) / _polynomial(r, CENTRE_BOTTOM))
    tails = np.abs(q) > 0.425
    u, q = u[tails], q[tails]
    # 1 - u is exact for u ≥ 1/2, and the tail formula is symmetric.
    r = np.sqrt(-logarithm(np.where(q < 0, u, 1.0 - u)))
    near = _polynomial(r - 1.6, MIDDLE_TOP) / _polynomial(r - 1.6, MIDDLE_BOTTOM)
    far = _polynomial(r - 5.0, FAR_TOP) / _polynomial(r - 5.0, FAR_BOTTOM)
    result[tails] = np.copysign(np.where(r <= 5.0, near, far), q)
    return result


# Coefficients of AS 241, highest power first.
CENTRE_TOP = (
    2.5090809287301226727e3,
    3.3430575583588128105e4,
    6.7265770927008700853e4,
    4.5921953931549871457e4,
    1.3731693765509461125e4,
    1.9715909503065514427e3,
    1.3314166789178437745e2,
    3.3871328727963666080e0,
)
CENTRE_BOTTOM = (
    5.2264952788528545610e3,
    2.8729085735721942674e4,
    3.9307895800092710610e4,
    2.1213794301586595867e4,
    5.3941960214247511077e3,
    6.8718700749205790830e2,
    4.2313330701600911252e1,
    1.0,
)
MIDDLE_TOP = (
    7.74545014278341407640e-4,
    2.27238449892691845833e-2,
    2.41780725177450611770e-1,
    1.27045825245236838258e0,
    3.64784832476320460504e0,
    5.76949722146069140550e0,
    4.63033784615654529590e0,
    1.42343711074968357734e0,
)
MIDDLE_BOTTOM = (
    1.05075007164441684324e-9,
    5.47593808499534494600e-4,
    1.51986665636164571966e-2,
    1.48103976427480074590e-1,
    6.89767334985100004550e-1,
    1.67638483018380384940e0,
    2.05319162663775882187e0,
    1.0,
)
FAR_TOP = (
    2.01033439929228813265e-7,
    2.71155556874348757815e-5,
    1.24266094738807843860e-3,
    2.65321895265761230930e-2,
    2.96560571828504891230e-1,
    1.78482653991729133580e0,
    5.46378491116411436990e0,
    6.65790464350110377720e0,
)
FAR_BOTTOM = (
    2.04426310338993978564e-15,
    1.42151175831644588870e-7,
    1.84631831751005468180e-5,
    7.86869131145613259100e-4,
    1.48753612908506148525e-2,
    1.36929880922735805310e-1,
    5.99832206555887937690e-1,
    1.0,
)
