"""Folds the plane for symmetric and seamless pictures, before the network is evaluated.

Only +, -, ×, % and abs are used, elementwise in float64, so NumPy and torch give the same bits.
"""

import math
from dataclasses import dataclass
from typing import Any

from tilecppn.scene.sections import View
from tilecppn.scene.view import Grid, cosine

# The power series of sin(2πt) in t, highest power first: exact to 1e-16 for |t| ≤ 1/4.
_SINE = [(-1) ** k * math.tau ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(11)][::-1]


@dataclass(frozen=True)
class Fold:
    """A fold of the plane, in plane units from the canvas' centre, u to the right and v down."""

    mirror: str  # mirrored axes: "x" for left and right, "y" for up and down
    radial: int  # 1 for none
    repeat: str  # repeated axes

    @classmethod
    def of(cls, view: View) -> "Fold | None":
        """Return the fold of a view; None without symmetry."""
        if view.mirror is None and view.radial is None and view.repeat is None:
            return None
        return cls(view.mirror or "", view.radial or 1, view.repeat or "")

    def mirrors(self, axis: str) -> bool:
        """Return whether the halves on both sides of the middle are equal along "x" or "y"."""
        return axis in self.mirror or (axis == "x" and self.radial > 1)

    def points(self, grid: Grid, rows: Any, cols: Any) -> tuple[Any, Any, Any]:
        """Return the points x, y and h² of float64 pixel indices, rows (n, 1) and cols (1, m).

        h is the height above the plane that repeated axes add: r² is distance² + h².
        """
        u, hu = self._axis("x", cols, grid.middle[0], grid.step[0])
        v, hv = self._axis("y", rows, grid.middle[1], grid.step[1])
        if self.radial > 1:
            u, v = _kaleidoscope(u, v, self.radial)
        x, y = grid.place(u, v)
        return x, y, hu * hu + hv * hv

    def _axis(self, axis: str, index: Any, middle: float, step: float) -> tuple[Any, Any]:
        """Return the offset from the centre along one axis, and the height above the plane."""
        offset = index - middle
        if axis not in self.repeat:
            return (abs(offset) if axis in self.mirror else offset) * step, 0.0 * offset
        # The axis becomes a circle, the canvas once around it, at the same scale: a point at t
        # turns lies at R·sin(2πt), and R·(1 - cos(2πt)) above the plane, so that two points with
        # the same sine differ in r. Pixel N is pixel 0 to the bit, since the index is reduced.
        count = 2.0 * middle + 1.0
        t = (index % count - middle) * (1.0 / count)
        if axis in self.mirror:
            t = abs(t)
        radius = step * count / math.tau
        quarter = 0.25 - abs(t)
        return radius * _sine(abs(t + 0.25) - abs(t - 0.25) - t), radius * (1.0 - _sine(quarter))


def _sine(t: Any) -> Any:
    """Return sin(2πt) for |t| ≤ 1/4."""
    square = t * t
    total = 0.0 * t + _SINE[0]
    for coefficient in _SINE[1:]:
        total = total * square + coefficient
    return total * t


def _kaleidoscope(u: Any, v: Any, count: int) -> tuple[Any, Any]:
    """Reflect points into the wedge between straight up and π/count to the right of it.

    Only reflections, so lengths are preserved: first at the vertical line, then at lines
    π·2^k/count from it, k falling to 0, each of which halves the wedge.
    """
    u = abs(u)
    for c, s in reflections(count):
        beyond = u * c + v * s  # up is -v
        twice = beyond + abs(beyond)
        u, v = u - twice * c, v - twice * s
    return u, v


def reflections(count: int) -> list[tuple[float, float]]:
    """Return the lines at which a kaleidoscope reflects after the vertical one.

    Each is given by its unit normal that points away from the wedge; none for a count of 1.
    """
    halvings = range(math.ceil(math.log2(count / 2)), -1, -1) if count > 1 else ()
    angles = [180.0 * 2**k / count for k in halvings]
    return [(cosine(degrees), cosine(degrees - 90.0)) for degrees in angles]
