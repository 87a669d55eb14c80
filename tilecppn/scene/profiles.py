"""The colour spaces of pixels: primaries, transfer curve, and conversion from sRGB.

sRGB is IEC 61966-2-1, Display P3 is SMPTE EG 432-1 with sRGB's curve, Adobe RGB is Adobe RGB (1998)
Color Image Encoding, 2005. The white point of all is D65.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.scene.oklab import Power, decoded, encoded, times, whole_steps

Array = NDArray[np.float64]
Triple = tuple[float, float, float]
Pair = tuple[float, float]
D65: Pair = (0.3127, 0.3290)  # x and y


class Profile(NamedTuple):
    """An RGB colour space.

    colorants: X, Y, Z of its primaries, adapted to D50 (Bradford). primaries: their x and y.
    of_srgb: the matrix from linear sRGB. gamma: of its transfer curve; None for sRGB's curve.
    """

    name: str
    colorants: tuple[Triple, Triple, Triple]
    primaries: tuple[Pair, Pair, Pair]
    of_srgb: Array
    gamma: float | None = None

    def from_linear_srgb(self, linear: Array) -> Array:
        """Convert linear sRGB (..., 3) to this space; out of gamut it is not in 0 to 1."""
        return linear if self is SRGB else times(self.of_srgb, linear)

    def encoded(self, linear: Array) -> Array:
        """Convert this space's linear values to stored ones, 0 to 1, clipped channel by channel."""
        if self.gamma is None:
            return encoded(linear)
        return np.asarray(np.clip(linear, 0.0, 1.0) ** (1.0 / self.gamma))

    def linear(self, values: Array, power: Power = np.power) -> Array:
        """Convert stored values to linear light; the curve goes on beyond 1, mirrored below 0."""
        size = np.abs(values)
        light = decoded(size, power) if self.gamma is None else power(size, self.gamma)
        return np.copysign(light, values)

    def from_srgb(self, colours: Array) -> Array:
        """Convert sRGB colours (..., 3) from 0 to 1 to this space, in whole steps."""
        if self is SRGB:
            return colours
        return whole_steps(self.encoded(self.from_linear_srgb(decoded(colours))))


SRGB = Profile(
    "sRGB",
    # From the profile that HP and Microsoft published, which most files carry.
    (
        (0.436066, 0.222488, 0.013916),
        (0.385147, 0.716873, 0.097076),
        (0.143066, 0.060608, 0.714096),
    ),
    ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    np.eye(3),
)
PROFILES: dict[str, Profile] = {
    "srgb": SRGB,
    "display-p3": Profile(
        "Display P3",
        (
            (0.515119, 0.241189, -0.001050),
            (0.291978, 0.692244, 0.041879),
            (0.157103, 0.066567, 0.784071),
        ),
        ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
        np.array(
            [
                [0.8224619687, 0.1775380313, 0.0],
                [0.0331941989, 0.9668058011, 0.0],
                [0.0170826307, 0.0723974407, 0.9105199286],
            ]
        ),
    ),
    "adobe-rgb": Profile(
        "Adobe RGB (1998)",
        (
            (0.609741, 0.311113, 0.019465),
            (0.205273, 0.625675, 0.060875),
            (0.149187, 0.063212, 0.744560),
        ),
        ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
        np.array(
            [
                [0.7151256069, 0.2848743931, 0.0],
                [0.0, 1.0, 0.0],
                [0.0, 0.0411619485, 0.9588380515],
            ]
        ),
        gamma=563 / 256,
    ),
}
