"""Makes harmonious palettes from a seed, in OKLCH, the polar form of OKLab."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from tilecppn.cppn.seeding import uniforms
from tilecppn.scene.oklab import hexadecimal, linear_rgb, srgb

STREAM = 2**63 + 1  # differs from those of layers and latents
STOPS = 7


class SeededPalette(NamedTuple):
    """Colours "#rrggbb", and the colour that they darken to."""

    stops: tuple[str, ...]
    shadow: str


@cache
def seeded_palette(seed: int) -> SeededPalette:
    """Return the palette of a seed, which has one of two forms.

    A ramp: lightness rises from dark to light, the hue drifts by 40 to 140 degrees, and chroma is
    largest in the middle. An arch: from a dark hue up to a pale light and down to a contrasting
    hue. Dark ends are green, blue, violet, wine or red, since dark yellow looks like mud.
    """
    u = uniforms(seed, STREAM, 9).tolist()
    hue, side = 140.0 + 260.0 * u[0], 1.0 if u[1] < 0.5 else -1.0
    low, high, chroma = 0.24 + 0.10 * u[2], 0.90 + 0.06 * u[3], 0.11 + 0.06 * u[4]
    places = [i / (STOPS - 1) for i in range(STOPS)]
    if u[5] < 0.375:
        drift = side * (40.0 + 100.0 * u[6])
        stops = [
            _colour(low + (high - low) * t, chroma * (0.45 + 2.6 * t * (1.0 - t)), hue + drift * t)
            for t in places
        ]
    else:
        # Warm, coral to gold, if the first side is cool; teal to blue if it is warm.
        other = 25.0 + 65.0 * u[6] if hue < 330.0 else 190.0 + 70.0 * u[6]
        top, end = 0.40 + 0.20 * u[7], 0.46 + 0.18 * u[8]
        stops = []
        for t in places:
            rising = t <= top
            s = t / top if rising else (1.0 - t) / (1.0 - top)  # 0 at the ends, 1 at the light
            base, tone = (low, hue) if rising else (end, other)
            bend = (15.0 if rising else -15.0) * side * s
            share = 0.25 + 0.45 * (1.0 - s) + 2.0 * s * (1.0 - s)
            stops.append(_colour(base + (high - base) * s, chroma * share, tone + bend))
    return SeededPalette(tuple(stops), _colour(0.17, 0.06, hue))


def _colour(lightness: float, chroma: float, hue: float) -> str:
    """Convert OKLCH, hue in degrees, to "#rrggbb"; chroma is reduced to fit into sRGB."""
    along, up = math.cos(math.radians(hue)), math.sin(math.radians(hue))
    for _ in range(200):
        lab = np.array([lightness, chroma * along, chroma * up])
        linear = linear_rgb(lab)
        if linear.min() >= -1e-4 and linear.max() <= 1.0001:
            break
        chroma *= 0.98
    return hexadecimal(srgb(lab))  # rounded: a cosine's last digit does not show
