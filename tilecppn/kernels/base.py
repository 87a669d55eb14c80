"""The interface of a kernel, its input, and the identity of its arithmetic.

A kernel evaluates a CPPN with one latent on lattices of points; it belongs to one thread.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Workspace
from tilecppn.cppn import CPPN
from tilecppn.cppn.detail import Sampling
from tilecppn.cppn.resolved import ResolvedNetwork
from tilecppn.kernels.float32_error import POINTS, ROUNDING, ErrorAnalysis
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import FULL
from tilecppn.scene.symmetry import Fold
from tilecppn.scene.view import Grid, Lattices

# Revisions that every kernel adds to its own: of pixels/, of the amplitudes of networks with
# detail, of deep zooms, drawn by differences from their centre, and of pictures within a tolerance
# of a step of 8 bits or more.
PIXELS_REVISION, AMPLITUDES_REVISION, DIFFERENCES_REVISION, LOOSE_REVISION = 1, 3, 1, 1
# The fraction of 8-bit values that may be off by 1 in float32: see `needs_float64`, and
# docs/decisions/0006. With detail errors spread evenly.
COMMON, PROMISED, DETAILED = 0.0035, 0.00015, 0.0004
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


class Arithmetic(NamedTuple):
    """The identity of a kernel's numbers, which decides the bytes of a scene's picture.

    A store holds a single arithmetic.
    """

    kernel: str
    precision: str
    device: str  # "cpu", or the model of the CUDA device
    revision: int  # of the kernel and the context: raised whenever bytes change


@dataclass(frozen=True, eq=False)
class EvaluationContext:
    """The picture that a kernel evaluates: the CPPN, its latent, and the grid of points."""

    cppn: CPPN
    z: NDArray[np.float64]
    grid: Grid
    fold: Fold | None = None
    gain: float = 1.0  # largest slope of the picture's colours over the network's
    precision: str = "exact"  # or "fast": see `output.precision`
    scale: float | None = None  # of the view; None: the network's own, and detail does not fade
    measured: tuple[float, float] | None = None  # see `Sampling`; None: the centre
    share: float | None = None  # of 8-bit values that may be off by 1; None: the default
    loose: bool = False  # see `Output.loose`

    @classmethod
    def of(cls, scene: Scene) -> "EvaluationContext":
        """Return the context of a scene's samples: `supersample` per pixel along each axis."""
        grid = scene.grid.finer(scene.output.supersample)
        output = scene.output
        return cls(
            scene.cppn,
            scene.z,
            grid,
            Fold.of(scene.view),
            output.gain(scene.cppn.channels),
            output.precision,
            scene.view.scale,
            loose=output.loose,
        )

    @cached_property
    def network(self) -> ResolvedNetwork:
        """The network for this view, which does not depend on a tile or a worker."""
        if self.scale is None:
            return self.cppn.resolve(self.z)
        return self.cppn.resolve(
            self.z,
            Sampling(max(self.grid.step), self.scale, self.grid.center, self.measured),
            folded_plane=self.fold is not None,
        )

    @cached_property
    def plane(self) -> Grid:
        """The grid of the network's x and y; in a deep zoom, of differences from the centre."""
        return replace(self.grid, center=(0.0, 0.0)) if self.network.differences else self.grid

    @property
    def revision(self) -> int:
        """The revision that every kernel adds to its own."""
        amplitudes = 0 if self.cppn.structure.detail is None else AMPLITUDES_REVISION
        differences = DIFFERENCES_REVISION if self.network.differences else 0
        loose = LOOSE_REVISION if self.loose else 0
        return PIXELS_REVISION + amplitudes + differences + loose

    @property
    def plain(self) -> bool:
        """Whether the network's x and y are `plane.points`, and r their distance from the origin.

        False for a folded plane, and in a deep zoom if r is an input.
        """
        deep_r = self.network.differences > 0 and "r" in self.cppn.structure.inputs
        return self.fold is None and not deep_r

    def points(self, rows: Any, cols: Any) -> tuple[Any, Any, Any]:
        """Return the network's x, y and r at float64 pixel indices: rows (n, 1) and cols (1, m).

        NumPy arrays or torch tensors, in float64; shapes broadcast to (n, m), the shape of r. In a
        deep zoom they are differences from those of the view's centre.
        """
        if self.network.differences:
            x, y = self.plane.points(rows, cols)
            return x, y, self._radius_difference(x, y)
        x0, y0 = self.cppn.structure.origin
        with np.errstate(over="ignore"):  # beyond 1e154 the radius is infinite
            if self.fold is None:
                x, y = self.grid.points(rows, cols)
                square = (x - x0) * (x - x0) + (y - y0) * (y - y0)
            else:
                x, y, height = self.fold.points(self.grid, rows, cols)
                square = (x - x0) * (x - x0) + (y - y0) * (y - y0) + height
        return x, y, np.sqrt(square) if isinstance(square, np.ndarray) else square.sqrt()

    def _radius_difference(self, x: Any, y: Any) -> Any:
        """Return r minus the centre's r, without cancellation."""
        cx, cy = (c - o for c, o in zip(self.grid.center, self.cppn.structure.origin, strict=True))
        square = (cx + x) * (cx + x) + (cy + y) * (cy + y)
        radius = np.sqrt(square) if isinstance(square, np.ndarray) else square.sqrt()
        if cx == cy == 0.0:
            return radius
        return (x * (2.0 * cx + x) + y * (2.0 * cy + y)) / (radius + math.sqrt(cx * cx + cy * cy))

    def inputs(self, lattices: Lattices) -> tuple[NDArray[np.float64], ...]:
        """Return x, y and r (n, rows, cols) of lattices' points."""
        points = self.points(*lattices.indices())
        return tuple(np.broadcast_arrays(*points))

    @cached_property
    def sample_points(self) -> NDArray[np.float64]:
        """x, y, r (3, POINTS) at `sample_pixels`; fewer if `share` allows more errors."""
        count = POINTS if self.share is None else POINTS // 4
        return np.stack(np.broadcast_arrays(*self.points(*self.sample_pixels(count))))

    def sample_pixels(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return rows and columns of `count` points spread over the canvas: a Fibonacci lattice."""
        k = np.arange(count) + 0.5
        across, down = self.grid.middle
        return k / count * 2.0 * down, np.asarray((k * GOLDEN % 1.0) * 2.0 * across, np.float64)

    @cached_property
    def _error_analysis(self) -> ErrorAnalysis:
        return ErrorAnalysis(self.network, self.sample_points)

    @cached_property
    def float32_error(self) -> float:
        """The mean error of the network's colours in float32."""
        return self._error_analysis.mean_error()

    @cached_property
    def single_from(self) -> int:
        """The first hidden layer for which float32 suffices; those before it need float64.

        A plain network uses one precision for all layers. The late layers of a network with detail
        vary fast, and their errors are hardly amplified.
        """
        layers = len(self.network.layers)
        if self.cppn.structure.detail is None:
            return layers if self.needs_float64 else 0
        low, high = max(1 if self._coarse_coordinates else 0, self.network.differences), layers
        if FULL["uint8"] * self.gain * self._shift_error <= (self.share or 0.0):
            return low  # as the analysis would find in a few milliseconds
        middle = low  # usually suffices if `share` allows more errors
        while low < high:
            error = self._error_analysis.mean_error(middle)
            if FULL["uint8"] * self.gain * error <= (self.share or DETAILED):
                high = middle
            else:
                low = middle + 1
            middle = (low + high) // 2
        return low

    @property
    def _coarse_coordinates(self) -> bool:
        """Whether float32 would shift points by more than 1/16 of a pixel.

        It has 24 bits: at the canvas' farthest point the error of a coordinate is up to
        reach · 2^-24 plane units.
        """
        return self.grid.reach * 2.0**-24 > min(self.grid.step) / 16.0

    @property
    def _shift_error(self) -> float:
        """The error of a network's colours with detail if float32 rounds coordinates alone.

        They change by about the contrast across a pixel. The error analysis finds a sixteenth of
        this in the median of such networks. In a zoom coordinates may be small, but not the biases
        that the first layer adds to them.
        """
        detail = self.cppn.structure.detail
        assert detail is not None
        reach = max(self.grid.reach, detail.scale)
        return ROUNDING * max(detail.contrast) * reach / min(self.grid.step)

    @property
    def needs_float64(self) -> bool:
        """Whether the errors of float32 in all layers would be visible.

        They are if coordinates are too coarse, or if more than COMMON of the 8-bit values are
        expected to be off by 1; more than PROMISED for a network of a preset's shape, since presets
        promise 99.9 % equal values in any window, also where errors gather.
        """
        if self.cppn.structure.detail is not None:
            return self.single_from > 0
        if self._coarse_coordinates:
            return True
        share = FULL["uint8"] * self.gain * self.float32_error
        return share > (self.share or (PROMISED if self.cppn.is_preset_shaped else COMMON))

    def noise(self, dtype: Any) -> float:
        """Return the mean error of colours evaluated in float32 or float64."""
        ratio = np.finfo(dtype).eps / np.finfo(np.float32).eps
        return self.gain * self.float32_error * float(ratio)

    def mixed_noise(self, single_from: int) -> float:
        """Return the mean error of colours whose layers before `single_from` are in float64."""
        if single_from >= len(self.network.layers):
            return self.noise(np.float64)
        return self.gain * self._error_analysis.mean_error(single_from)


class Kernel(Protocol):
    """Evaluates one picture."""

    @property
    def arithmetic(self) -> Arithmetic:
        """The identity of its numbers, which decides the bytes of its pictures."""

    @property
    def noise(self) -> float:
        """The mean rounding error of its colours."""

    @property
    def batch(self) -> int:
        """The number of points evaluated at a time; a call with fewer takes as long."""

    def evaluate(self, lattices: Lattices) -> NDArray[np.floating]:
        """Return the colours (channels, n, rows, cols) of n lattices, float32 or float64.

        A point's value depends only on its pixel index, not on the lattices. The array may be
        overwritten by the next call of this kernel or of one that shares its `Memory`.
        """

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return the colours of `evaluate`, and every unit's sum, (units, n, rows, cols).

        Sums are those before activation; units are numbered by layer, the outputs last.
        """


class PixelFormat(NamedTuple):
    """The form in which colours are stored; see `pixels.output_encoder.OutputEncoder`."""

    dtype: str  # uint8, uint16, float32
    invert: bool
    dither: bool


RAW_COLOURS = PixelFormat("float32", invert=False, dither=False)


@runtime_checkable
class EncodingKernel(Kernel, Protocol):
    """A kernel that can also encode pixels, so that only stored values are copied to the host."""

    @property
    def prefer_full_evaluation(self) -> bool:
        """Whether it encodes a pixel in less time than the host takes to interpolate one.

        If so, all pixels are evaluated, whatever the tolerance. Depends only on the context.
        """

    def encode(self, lattices: Lattices, pixel_format: PixelFormat) -> NDArray[Any]:
        """Return stored values (channels, n, rows, cols), of the colours of `evaluate`."""


class Memory:
    """Buffers that the kernels of one thread share, one after another: fresh pages cost time.

    A kernel's result is overwritten by the next call of any kernel that shares its memory.
    """

    def __init__(self) -> None:
        self.inputs, self.out, self.sums = Workspace(), Workspace(), Workspace()
        self.fineness = Workspace()
        self.whole = Workspace()  # colours that are evaluated window by window
