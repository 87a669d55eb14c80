"""Maps network values to colours, before reconstruction, inversion and quantisation.

By HSV, OKLCH, or a palette, which takes one value, or two: place and lightness.

Only elementwise additions, products, comparisons and look-ups, in the kernel's own dtype.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.codegen import (
    ELEMENTS,
    ArrayOf,
    Module,
    Value,
    machine_code,
)
from tilecppn.codegen.values import I64
from tilecppn.kernels import Kernel
from tilecppn.scene.sections import Output
from tilecppn.scene.view import Lattices

Values = NDArray[np.floating]


def coloured(kernel: Kernel, output: Output, channels: int) -> Kernel:
    """Return a kernel that evaluates the picture's colours: `kernel` itself for RGB, or a wrapper.

    channels: of the network.
    """
    colours = output.colours(channels)
    if colours is None:
        return ColouredKernel(kernel, rgb_of_hsv) if output.color == "hsv" else kernel
    if channels == 1:
        return ColouredKernel(kernel, lambda v: interpolate_palette(v[0], colours))
    table = cache(partial(np.ascontiguousarray, colours))  # by dtype
    if output.color == "oklch":
        return ColouredKernel(kernel, lambda v: rgb_of_oklch(v, table(v.dtype)))
    return ColouredKernel(kernel, lambda v: look_up(v, table(v.dtype)))


class ColouredKernel:
    """A kernel whose values are mapped by `colour`: (channels, …) of the network → (3, …)."""

    def __init__(self, kernel: Kernel, colour: Callable[[Values], Values]) -> None:
        self.kernel = kernel
        self.colour = colour
        self.arithmetic = kernel.arithmetic
        self.batch = kernel.batch

    @property
    def noise(self) -> float:
        """The noise of the wrapped kernel, which includes the colours' gain."""
        return self.kernel.noise

    def evaluate(self, lattices: Lattices) -> Values:
        """Return colours (3, n, rows, cols), after the colour map."""
        return self.colour(self.kernel.evaluate(lattices))

    def trace(self, lattices: Lattices) -> tuple[Values, Values]:
        """Return the colours of `evaluate`, and every unit's sum, which the colour map ignores."""
        values, sums = self.kernel.trace(lattices)
        return self.colour(values), sums


def interpolate_palette(grey: Values, colours: NDArray[np.float64]) -> Values:
    """Interpolate linearly between `colours` (n, 3) at `grey` (…) in [0, 1]; return (3, …).

    Values are clipped to [0, 1]; NaN becomes the first colour.
    """
    steps = np.concatenate([colours[:-1], np.diff(colours, axis=0)], axis=1)
    out = np.empty((3, *grey.shape), grey.dtype)
    _linear(grey.dtype)["linear"](
        np.ascontiguousarray(grey), grey.size, steps.astype(grey.dtype), len(steps), out
    )
    return out


@machine_code
def _linear(dtype: np.dtype[Any]) -> Module:
    module, real = Module(), ELEMENTS[dtype]
    f = module.function(
        "linear",
        grey=ArrayOf(real), points=I64,
        steps=ArrayOf(real), intervals=I64,  # (intervals, 6): a colour, and the change to the next
        out=ArrayOf(real),  # (3, points)
    )  # fmt: skip
    zero, one = f.number(real, 0.0), f.number(real, 1.0)
    with f.loop(f["points"]) as point:
        value = f.array("grey").load(point)
        place = (value > zero).where(value, zero).at_most(one) * f["intervals"].to(real)
        index = place.to(I64).at_most(f["intervals"] - 1)
        part, step = place - index.to(real), f.array("steps").at(index * 6)
        for c in range(3):
            f.array("out").store(step.load(c) + part * step.load(c + 3), f["points"] * c + point)
    f.end()
    return module


def look_up(values: Values, table: NDArray[np.float64]) -> Values:
    """Look up values (axes, …) in `table` (n, …, 3) by multilinear interpolation; return (3, …).

    Values are clipped to [0, 1]; NaN becomes 0. In machine code, since NumPy would take longer
    than the kernel of a medium-sized network.
    """
    axes = len(values)
    out = np.empty((3, *values.shape[1:]), values.dtype)
    _multilinear(values.dtype, axes)["multilinear"](
        np.ascontiguousarray(values),
        values[0].size,
        np.ascontiguousarray(table, values.dtype),
        *(n - 1 for n in table.shape[:axes]),
        out,
    )
    return out


@machine_code
def _multilinear(dtype: np.dtype[Any], axes: int) -> Module:
    module, real = Module(), ELEMENTS[dtype]
    f = module.function(
        "multilinear",
        values=ArrayOf(real),  # (axes, points)
        points=I64,
        table=ArrayOf(real),  # (intervals0 + 1, intervals1 + 1, …, 3)
        **{f"intervals{axis}": I64 for axis in range(axes)},
        out=ArrayOf(real),  # (3, points)
    )
    table, points = f.array("table"), f["points"]
    zero, one = f.number(real, 0.0), f.number(real, 1.0)
    intervals = [f[f"intervals{axis}"] for axis in range(axes)]
    strides = [f.integer(3)]  # of the last axis, of the one before it, …
    for count in reversed(intervals[1:]):
        strides.append((count + 1) * strides[-1])

    with f.loop(points) as point:
        corner, parts = f.integer(0), []
        for axis, (count, stride) in enumerate(zip(intervals, reversed(strides), strict=True)):
            value = f.array("values").load(points * axis + point)
            value = (value > zero).where(value, zero).at_most(one) * count.to(real)
            index = value.to(I64).at_most(count - 1)
            corner = corner + index * stride
            parts.append((value - index.to(real), stride))

        def between(place: Value, parts: Sequence[tuple[Value, Value]]) -> Value:
            if not parts:
                return table.load(place)
            (part, stride), *others = parts
            low, high = between(place, others), between(place + stride, others)
            return low + part * (high - low)

        for c in range(3):
            f.array("out").store(between(corner + c, parts), points * c + point)
    f.end()
    return module


def rgb_of_oklch(values: Values, table: NDArray[np.float64]) -> Values:
    """Convert (3, …) lightness, chroma, hue to red, green, blue, by a table of `oklch_table`.

    Hue is periodic with period 1; the others are clipped to [0, 1].
    """
    light, chroma, hue = values
    return look_up(np.stack([light, chroma, hue - np.floor(hue)]), table)


def rgb_of_hsv(values: Values) -> Values:
    """Convert (3, …) hue, saturation, value to red, green, blue (A. R. Smith, SIGGRAPH 1978).

    Hue is periodic, with red at 0 and 1; the others are clipped to [0, 1]. With
    f(n) = v - v·s·max(0, min(k, 4 - k, 1)), k = (n + 6·h) mod 6: red is f(5), green f(3), blue
    f(1).
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
