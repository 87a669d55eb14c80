"""Kernels: evaluate a CPPN with one latent on a lattice of points of the plane.

A kernel is one file with one class; the table below names them. A kernel belongs to one thread.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import ACTIVATIONS, CPPN
from tilecppn.errors import Refused
from tilecppn.naming import suggestion
from tilecppn.scene import Scene
from tilecppn.view import Grid, Lattice

STEEP = 1e5  # measured: see docs/architecture.md


class Arithmetic(NamedTuple):
    """What decides the bytes of a picture beside its scene; one store holds one arithmetic."""

    kernel: str
    precision: str
    device: str  # "cpu", or the model of the CUDA device
    revision: int  # raised whenever the bytes change


class Field(NamedTuple):
    """A picture as a kernel sees it: the function, its latent, and the grid of points."""

    cppn: CPPN
    z: NDArray[np.float64]
    grid: Grid

    @classmethod
    def of(cls, scene: Scene) -> "Field":
        return cls(scene.cppn, scene.z, scene.grid)

    @property
    def plain(self) -> bool:
        """Whether x and y are `grid.points` as they are, and r their distance from the origin."""
        return True

    def points(self, rows: Any, cols: Any) -> tuple[Any, Any, Any]:
        """The network's x, y and r at float64 pixel indices: rows (n, 1) and cols (1, m).

        NumPy arrays or torch tensors, in float64; shapes broadcast to (n, m), and r has it.
        """
        x, y = self.grid.points(rows, cols)
        x0, y0 = self.cppn.structure.origin
        dx, dy = x - x0, y - y0
        square = dx * dx + dy * dy
        return x, y, np.sqrt(square) if isinstance(square, np.ndarray) else square.sqrt()

    @property
    def needs_float64(self) -> bool:
        """Whether float32 would show: in the coordinates, the layers or the output function.

        float32 keeps 24 bits: at the canvas' farthest point a coordinate is off by up to
        reach · 2^-24 plane units, which may be 1/16 of a pixel at most. Each layer magnifies the
        rounding of the one before by about the norm of its units' weights, and activations
        dampen it; above STEEP in all, as for `flux`, more than 0.1 % of the 8-bit values would
        be off, by more than 1 where there are many more layers. A periodic output does not
        saturate, so it shows the rounding of sums far from zero (up to 0.2 % of the 8-bit values
        of `hardmaru-sine` would be 1 off).
        """
        coarse = self.grid.reach * 2.0**-24 > min(self.grid.step) / 16.0
        norms = [
            math.sqrt(np.square(w, dtype=np.float64).sum() / len(w))
            for w, _ in self.cppn.layers[1:]
        ]
        periodic = ACTIVATIONS[self.cppn.structure.output].periodic
        return coarse or math.prod(norms) > STEEP or periodic


class Kernel(Protocol):
    """One evaluator of one field."""

    @property
    def arithmetic(self) -> Arithmetic: ...

    @property
    def batch(self) -> int:
        """Points that are evaluated at a time; a call with fewer takes as long."""
        ...

    def evaluate(self, lattice: Lattice) -> NDArray[np.floating]:
        """Colours (channels, rows, cols) of a lattice, float32 or float64.

        A point's value depends on its pixel index alone: not on the lattice it is part of.
        The array may be overwritten by the next call.
        """
        ...


def _reference(field: Field) -> Kernel:
    from tilecppn.kernels.reference import ReferenceKernel

    return ReferenceKernel(field)


def _torch(field: Field) -> Kernel:
    from tilecppn.kernels.torch import TorchKernel

    return TorchKernel(field)


KERNELS: dict[str, Callable[[Field], Kernel]] = {"reference": _reference, "torch": _torch}


def resolve(name: str) -> str:
    """The kernel that `auto` means, or the name itself. Raises Refused for an unknown one."""
    if name == "auto":
        return "torch"
    if name not in KERNELS:
        raise Refused(f'unknown kernel "{name}"; {suggestion(["auto", *KERNELS], name)}')
    return name


def create(name: str, field: Field) -> Kernel:
    """A kernel by name, or by `auto`."""
    return KERNELS[resolve(name)](field)
