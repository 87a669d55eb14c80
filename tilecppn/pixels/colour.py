"""Network values → colour, before reconstruction, inversion and quantisation: HSV, or a palette.

Elementwise, from additions, products, comparisons and look-ups alone, in the kernel's own dtype.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels import Kernel
from tilecppn.scene import palettes
from tilecppn.scene.sections import Output
from tilecppn.scene.view import Lattices

Values = NDArray[np.floating]


def coloured(kernel: Kernel, output: Output) -> Kernel:
    """The kernel of the picture's colours: itself, or one that maps what it evaluates."""
    if output.palette is not None:
        colours = palettes.stops(output.palette)
        return ColouredKernel(kernel, lambda values: through(values[0], colours))
    return ColouredKernel(kernel, rgb_of_hsv) if output.color == "hsv" else kernel


class ColouredKernel:
    """A kernel whose values go through `colour`: (channels, …) of the network → (3, …)."""

    def __init__(self, kernel: Kernel, colour: Callable[[Values], Values]) -> None:
        self.kernel = kernel
        self.colour = colour
        self.arithmetic = kernel.arithmetic
        self.noise = kernel.noise  # which knows the field's gain
        self.batch = kernel.batch

    def evaluate(self, lattices: Lattices) -> Values:
        """Colours (channels, n, rows, cols) after the colour map."""
        return self.colour(self.kernel.evaluate(lattices))

    def trace(self, lattices: Lattices) -> tuple[Values, Values]:
        """As `evaluate`, with every unit's sum, which the colour map does not change."""
        values, sums = self.kernel.trace(lattices)
        return self.colour(values), sums


def through(grey: Values, colours: NDArray[np.float64]) -> Values:
    """(3, …) of a value that runs through `colours` (n, 3), linear between them.

    Clipped to [0, 1]; NaN becomes the first colour.
    """
    last = len(colours) - 1
    place = np.fmin(np.fmax(grey, 0.0), 1.0) * grey.dtype.type(last)
    index = np.minimum(place.astype(np.intp), last - 1)
    part = place - index.astype(grey.dtype)
    low = colours.T.astype(grey.dtype)
    rise = np.diff(colours.T, axis=1).astype(grey.dtype)
    return np.stack([low[c][index] + part * rise[c][index] for c in range(3)])


def rgb_of_hsv(values: Values) -> Values:
    """(3, …) hue, saturation, value → red, green, blue (A. R. Smith, SIGGRAPH 1978).

    Hue 0 and 1 are red, and it goes on round the circle beyond; the others are clipped to [0, 1].
    With f(n) = v - v·s·max(0, min(k, 4 - k, 1)), k = (n + 6·h) mod 6: red is f(5), green f(3),
    blue f(1).
    """
    hue = values[0] - np.floor(values[0])
    s, v = (np.fmin(np.fmax(channel, 0.0), 1.0) for channel in values[1:])
    chroma = v * s
    out = np.empty_like(values)
    for channel, n in enumerate((5.0, 3.0, 1.0)):
        k = n + 6.0 * hue
        k -= 6.0 * (k >= 6.0)
        out[channel] = v - chroma * np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0)
    return out
