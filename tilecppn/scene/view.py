"""Maps pixel indices to points on the plane, by one formula in float64 for all kernels.

A pixel's point depends only on its global index. Indices may be NumPy arrays or torch tensors:
only +, - and × are used, so both give the same float64 values.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import SceneError
from tilecppn.scene.sections import LARGEST, Canvas, View


class Lattices(NamedTuple):
    """Lattices of points, all of one shape, at the pixels `origins`: int64 (n, 2) of (row, column).

    Each consists of the pixels (row + i·stride, col + j·stride), 0 ≤ i < rows, 0 ≤ j < cols.
    Origins may lie outside the canvas. `origins` is contiguous.
    """

    origins: NDArray[np.int64]
    rows: int
    cols: int
    stride: int

    @classmethod
    def one(cls, row: int, col: int, rows: int, cols: int, stride: int = 1) -> "Lattices":
        """Return a single lattice."""
        return cls(np.array([[row, col]], np.int64), rows, cols, stride)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (n, rows, cols)."""
        return len(self.origins), self.rows, self.cols

    def indices(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the rows (n, rows, 1) and columns (n, 1, cols) of all points."""
        down = self.stride * np.arange(self.rows, dtype=np.float64)
        across = self.stride * np.arange(self.cols, dtype=np.float64)
        row, col = (self.origins[:, i].astype(np.float64)[:, None, None] for i in (0, 1))
        return row + down[None, :, None], col + across[None, None, :]


@dataclass(frozen=True)
class Grid:
    """The view laid over the canvas, which maps each pixel to a point of the plane.

    Steps are in plane units per pixel. y points down (x, if they are swapped).
    """

    center: tuple[float, float]
    step: tuple[float, float]  # (to the right, down)
    middle: tuple[float, float]  # (col, row) index of the centre
    cosine: float
    sine: float
    swap: bool = False  # x runs down and y to the right

    @classmethod
    def of(cls, view: View, canvas: Canvas) -> "Grid":
        """Lay a view over a canvas: x = cx + (j + ½ - W/2)·step, y likewise.

        step = 2·scale / min(W, H). With "endpoints" the divisor is N - 1, so that the first and
        last pixel lie on ±scale; with "stretch" each axis has its own N. Raises SceneError if
        float64 cannot tell neighbouring pixels apart, or float32 cannot hold a layer's sums.
        """
        sides = canvas.whole
        # A single pixel has no step; it lies on the centre.
        counts = [max(n - 1, 1) if view.grid == "endpoints" else n for n in sides]
        if view.aspect == "preserve":
            # An axis of one pixel has no endpoints to set the step with, unless both are like that.
            several = [c for c, n in zip(counts, sides, strict=True) if n > 1] or counts
            nearest = min(several if view.grid == "endpoints" else counts)
            counts = [nearest, nearest]
        step = (2.0 * view.scale / counts[0], 2.0 * view.scale / counts[1])
        grid = cls(
            center=view.center,
            step=step,
            middle=((sides[0] - 1) / 2, (sides[1] - 1) / 2),
            cosine=cosine(math.fmod(view.rotation, 360.0)),
            sine=cosine(math.fmod(view.rotation, 360.0) - 90.0),
            swap=view.swap,
        )
        reach = grid.reach
        if not reach <= LARGEST:
            raise SceneError(
                f"view.scale = {view.scale:g}: the canvas would reach beyond {LARGEST:g} "
                f"at view.center = {list(view.center)}; use a smaller scale",
                keys=["view.scale", "view.center"],
                value=view.scale,
            )
        if min(step) < max(2.0 * math.ulp(reach), 1e-300):
            raise SceneError(
                f"view.scale = {view.scale:g}: neighbouring pixels would lie on the same point "
                f"at view.center = {list(view.center)}; use a larger scale or a smaller canvas",
                keys=["view.scale", "view.center"],
                value=view.scale,
            )
        return grid

    def finer(self, n: int) -> "Grid":
        """Return the grid of n × n samples per pixel, spread evenly around the pixel's point."""
        middle = tuple(n * m + (n - 1) / 2 for m in self.middle)
        return replace(
            self, step=(self.step[0] / n, self.step[1] / n), middle=(middle[0], middle[1])
        )

    @property
    def reach(self) -> float:
        """An upper bound of |x| and |y| on the canvas, in plane units."""
        half = math.hypot(*(s * (m + 0.5) for s, m in zip(self.step, self.middle, strict=True)))
        return max(abs(c) for c in self.center) + half

    def points(self, rows: Any, cols: Any) -> tuple[Any, Any]:
        """Return the plane points x and y of float64 pixel indices, rows (n, 1) and cols (1, m).

        Without rotation, the coordinate along the columns has the shape (1, m) and the other
        (n, 1); otherwise both are (n, m). Rotation turns (x - cx, y - cy), so that the picture
        turns counter-clockwise; `swap` comes last.
        """
        return self.place(
            (cols - self.middle[0]) * self.step[0], (rows - self.middle[1]) * self.step[1]
        )

    def place(self, u: Any, v: Any) -> tuple[Any, Any]:
        """Return x and y of points relative to the canvas' centre, u to the right and v down."""
        if self.sine == 0.0:
            u, v = u * self.cosine, v * self.cosine
        else:
            u, v = u * self.cosine - v * self.sine, u * self.sine + v * self.cosine
        if self.swap:
            u, v = v, u
        return u + self.center[0], v + self.center[1]


def cosine(degrees: float) -> float:
    """Return the cosine of an angle in degrees, exact at multiples of 90."""
    turned = math.fmod(abs(degrees), 360.0)
    exact = {0.0: 1.0, 90.0: 0.0, 180.0: -1.0, 270.0: 0.0}
    return exact.get(turned, math.cos(math.radians(turned)))
