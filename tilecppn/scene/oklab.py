"""Colours in OKLab, where equal steps look equal, and tables of mixed colours.

B. Ottosson, A perceptual color space for image processing (2020).
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Power = Callable[[Array, float], Array]

PLACES = 32  # intervals of a table between two stops of a palette
LIGHTS = 32  # intervals of a table from dark to bright
STEPS = 65535.0  # a table's values are rounded to 1/STEPS, which hides libraries' last digits

_LMS_OF_RGB = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB_OF_LMS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
LMS_OF_LAB = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
RGB_OF_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def oklab(rgb: Array) -> Array:
    """Convert sRGB (..., 3) from 0 to 1 to OKLab (..., 3)."""
    return times(_LAB_OF_LMS, np.cbrt(times(_LMS_OF_RGB, decoded(rgb))))


def linear_rgb(lab: Array) -> Array:
    """Convert OKLab to linear red, green, blue (..., 3); out of gamut they are not in 0 to 1."""
    lms = times(LMS_OF_LAB, lab)
    return times(RGB_OF_LMS, lms * lms * lms)


def srgb(lab: Array) -> Array:
    """Convert OKLab to sRGB (..., 3) from 0 to 1, clipped channel by channel."""
    return encoded(linear_rgb(lab))


def decoded(rgb: Array, power: Power = np.power) -> Array:
    """Convert stored sRGB values from 0 to 1 to linear light."""
    high = power((np.maximum(rgb, 0.04045) + 0.055) / 1.055, 2.4)
    return np.where(rgb <= 0.04045, rgb / 12.92, high)


def encoded(linear: Array) -> Array:
    """Convert linear light to stored sRGB values, clipped to 0 to 1."""
    linear = np.clip(linear, 0.0, 1.0)
    high = 1.055 * np.maximum(linear, 0.0031308) ** (1.0 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, high)


def hexadecimal(rgb: Array) -> str:
    """Format an sRGB colour (3,) from 0 to 1 as "#rrggbb"."""
    red, green, blue = (math.floor(255.0 * value + 0.5) for value in rgb.tolist())
    return f"#{red:02x}{green:02x}{blue:02x}"


def light_table(lab: Array, shadow: Array, shade: float, glow: float) -> Array:
    """Return a palette from dark to bright: sRGB (places, lights, 3) from 0 to 1.

    Row 0 is the first of the stops `lab` (n, 3), PLACES rows later comes the next. Along a row the
    colour goes from a mixture with `shadow` (sRGB, (3,)), whose share is `shade`, to a brighter
    colour, scaled by 1 + glow·(1 - L) like a longer exposure.
    """
    mixed = finer(lab, PLACES)
    dark = mixed * (1.0 - shade) + oklab(shadow) * shade
    bright = mixed * (1.0 + glow * (1.0 - mixed[:, :1]))
    light = (np.arange(LIGHTS + 1) / LIGHTS)[:, None]
    return whole_steps(srgb(dark[:, None] * (1.0 - light) + bright[:, None] * light))


def finer(stops: Array, parts: int) -> Array:
    """Mix colours (n, 3) linearly so that each interval has so many parts; keep each of them."""
    place = np.arange((len(stops) - 1) * parts + 1) / parts
    index = np.minimum(place.astype(np.intp), len(stops) - 2)
    part = (place - index)[:, None]
    return np.asarray(stops[index] * (1.0 - part) + stops[index + 1] * part)


def whole_steps(colours: Array) -> Array:
    """Round colours to whole numbers of 1/STEPS."""
    return np.asarray(np.floor(colours * STEPS + 0.5) / STEPS)


def times(matrix: Array, colours: Array) -> Array:
    """Multiply each of the colours (..., 3) by a matrix (3, 3)."""
    # Summed in a fixed order, unlike BLAS.
    x, y, z = np.moveaxis(colours, -1, 0)
    return np.stack([row[0] * x + row[1] * y + row[2] * z for row in matrix], -1)
