"""What a kernel is given, what it must do, and what identifies its numbers.

A kernel evaluates a CPPN with one latent on lattices of points; it belongs to one thread.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import CPPN
from tilecppn.cppn.detail import Sampling
from tilecppn.cppn.resolved import ResolvedNetwork
from tilecppn.kernels.llvm.codegen import Workspace
from tilecppn.kernels.rounding import POINTS, Roundings
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import FULL
from tilecppn.scene.symmetry import Fold
from tilecppn.scene.view import Grid, Lattices

PIXELS = 1  # revision of what pixels/ makes of colours, which every kernel adds to its own
AMPLITUDES = 1  # likewise, of how strongly the layers of a network with detail count
DIFFERENCES = 1  # likewise, where a deep zoom is drawn by differences from its centre
COMMON, PROMISED = 0.0035, 0.00015  # see docs/architecture.md
DETAILED = 0.0004  # likewise, of a network with detail, whose errors spread evenly
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


class Arithmetic(NamedTuple):
    """What decides the bytes of a picture beside its scene; one store holds one arithmetic."""

    kernel: str
    precision: str
    device: str  # "cpu", or the model of the CUDA device
    revision: int  # the kernel's own and the field's: one is raised whenever the bytes change


@dataclass(frozen=True, eq=False)
class EvaluationContext:
    """A picture as a kernel sees it: the function, its latent, and the grid of points."""

    cppn: CPPN
    z: NDArray[np.float64]
    grid: Grid
    fold: Fold | None = None
    gain: float = 1.0  # how much steeper the picture's colours can be than the network's
    precision: str = "exact"  # or "fast": see `output.precision`
    scale: float | None = None  # the view's; None: the network's own, and no detail fades
    measured: tuple[float, float] | None = None  # where; None: at the centre. See `Sampling`
    share: float | None = None  # of 8-bit values that may come out 1 off; None: as few as promised

    @classmethod
    def of(cls, scene: Scene) -> "EvaluationContext":
        """Return the scene's samples: `supersample` a pixel along each axis."""
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
        )

    @cached_property
    def network(self) -> ResolvedNetwork:
        """What kernels evaluate. It follows from the view, and not from a tile or a worker."""
        if self.scale is None:
            return self.cppn.resolve(self.z)
        return self.cppn.resolve(
            self.z,
            Sampling(max(self.grid.step), self.scale, self.grid.center, self.measured),
            folded_plane=self.fold is not None,
        )

    @cached_property
    def plane(self) -> Grid:
        """The grid of the network's x and y: in a deep zoom, of differences from the centre."""
        return replace(self.grid, center=(0.0, 0.0)) if self.network.differences else self.grid

    @property
    def revision(self) -> int:
        """What every kernel adds to its own revision."""
        amplitudes = 0 if self.cppn.structure.detail is None else AMPLITUDES
        return PIXELS + amplitudes + (DIFFERENCES if self.network.differences else 0)

    @property
    def plain(self) -> bool:
        """Whether x and y are `plane.points` as they are, and r their distance from the origin,
        or no input.
        """
        deep_r = self.network.differences > 0 and "r" in self.cppn.structure.inputs
        return self.fold is None and not deep_r

    def points(self, rows: Any, cols: Any) -> tuple[Any, Any, Any]:
        """Return the network's x, y and r at float64 pixel indices: rows (n, 1) and cols (1, m).

        NumPy arrays or torch tensors, in float64; shapes broadcast to (n, m), and r has it. In a
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
        """How much further from the origin points are than the centre, without cancellation."""
        cx, cy = (c - o for c, o in zip(self.grid.center, self.cppn.structure.origin, strict=True))
        square = (cx + x) * (cx + x) + (cy + y) * (cy + y)
        radius = np.sqrt(square) if isinstance(square, np.ndarray) else square.sqrt()
        if cx == cy == 0.0:
            return radius
        return (x * (2.0 * cx + x) + y * (2.0 * cy + y)) / (radius + math.sqrt(cx * cx + cy * cy))

    def inputs(self, lattices: Lattices) -> tuple[NDArray[np.float64], ...]:
        """x, y and r (n, rows, cols) of lattices' points."""
        points = self.points(*lattices.indices())
        return tuple(np.broadcast_arrays(*points))

    @cached_property
    def some_points(self) -> NDArray[np.float64]:
        """x, y, r (3, POINTS) at `some_places`; a few of them where more errors are allowed."""
        count = POINTS if self.share is None else POINTS // 4
        return np.stack(np.broadcast_arrays(*self.points(*self.some_places(count))))

    def some_places(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rows and columns of so many places spread evenly over the canvas: a Fibonacci lattice."""
        k = np.arange(count) + 0.5
        across, down = self.grid.middle
        return k / count * 2.0 * down, np.asarray((k * GOLDEN % 1.0) * 2.0 * across, np.float64)

    @cached_property
    def _roundings(self) -> Roundings:
        return Roundings(self.network, self.some_points)

    @cached_property
    def rounding(self) -> float:
        """The mean error of the network's colours in float32."""
        return self._roundings.error()

    @cached_property
    def single_from(self) -> int:
        """The first hidden layer for which float32 serves; those before it need float64.

        A plain network is evaluated in the one or the other. The late layers of one with detail
        vary fast, and little is made of their errors.
        """
        layers = len(self.network.layers)
        if self.cppn.structure.detail is None:
            return layers if self.needs_float64 else 0
        low, high = max(1 if self._coarse_coordinates else 0, self.network.differences), layers
        middle = low  # which mostly serves where `share` allows more
        while low < high:
            error = self._roundings.error(middle)
            if FULL["uint8"] * self.gain * error <= (self.share or DETAILED):
                high = middle
            else:
                low = middle + 1
            middle = (low + high) // 2
        return low

    @property
    def _coarse_coordinates(self) -> bool:
        """Whether float32 would shift points by more than 1/16 of a pixel.

        It keeps 24 bits: at the canvas' farthest point a coordinate is off by up to
        reach · 2^-24 plane units.
        """
        return self.grid.reach * 2.0**-24 > min(self.grid.step) / 16.0

    @property
    def needs_float64(self) -> bool:
        """Whether float32 throughout would show: in the coordinates, or in the colours.

        Of the 8-bit values, at most COMMON may be expected to come out 1 off; at most PROMISED
        where the network has a preset's shape, since presets have 99.9 % equal in any window, also
        where errors gather.
        """
        if self.cppn.structure.detail is not None:
            return self.single_from > 0
        if self._coarse_coordinates:
            return True
        share = FULL["uint8"] * self.gain * self.rounding
        return share > (self.share or (PROMISED if self.cppn.is_preset_shaped else COMMON))

    def noise(self, dtype: Any) -> float:
        """Return the mean error of colours evaluated in float32 or float64."""
        ratio = np.finfo(dtype).eps / np.finfo(np.float32).eps
        return self.gain * self.rounding * float(ratio)

    def mixed_noise(self, single_from: int) -> float:
        """Return the mean error of colours whose layers before `single_from` are in float64."""
        if single_from >= len(self.network.layers):
            return self.noise(np.float64)
        return self.gain * self._roundings.error(single_from)


class Kernel(Protocol):
    """One evaluator of one field."""

    @property
    def arithmetic(self) -> Arithmetic:
        """What decides the bytes of its pictures."""

    @property
    def noise(self) -> float:
        """The mean error that rounding leaves in its colours."""
        ...

    @property
    def batch(self) -> int:
        """Points that are evaluated at a time; a call with fewer takes as long."""
        ...

    def evaluate(self, lattices: Lattices) -> NDArray[np.floating]:
        """Colours (channels, n, rows, cols) of n lattices, float32 or float64.

        A point's value depends on its pixel index alone: not on the lattices it is part of.
        The array may be overwritten by the next call, of this kernel or of one that shares its
        `Memory`.
        """
        ...

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """As `evaluate`, and every unit's sum before its activation, (units, n, rows, cols).

        Units are numbered layer after layer, the output's channels last.
        """
        ...


class Storage(NamedTuple):
    """How colours are stored: `dtype` and what `pixels.finish` does to them."""

    dtype: str  # uint8, uint16, float32
    invert: bool
    dither: bool


COLOURS = Storage("float32", invert=False, dither=False)  # as they are


@runtime_checkable
class StoringKernel(Kernel, Protocol):
    """A kernel that can also store what it evaluates, so that colours need not be fetched."""

    @property
    def prefer_full_evaluation(self) -> bool:
        """Whether it stores a pixel in less time than the host takes to interpolate one.

        Then all pixels are evaluated, whatever the tolerance. Follows from the field alone.
        """
        ...

    def store(self, lattices: Lattices, storage: Storage) -> NDArray[Any]:
        """Stored values (channels, n, rows, cols); else as `evaluate`."""
        ...


class Memory:
    """What the kernels of one thread work in, one after another: fresh pages cost time.

    What a kernel has returned is overwritten by the next call of any that shares its memory.
    """

    def __init__(self) -> None:
        self.inputs, self.out, self.sums = Workspace(), Workspace(), Workspace()
        self.whole = Workspace()  # colours that are made window by window
