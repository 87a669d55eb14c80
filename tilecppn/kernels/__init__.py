"""Kernels: evaluate a CPPN with one latent on a lattice of points of the plane.

A kernel is one file with one class; the table below names them. A kernel belongs to one thread.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import CPPN
from tilecppn.errors import Refused
from tilecppn.naming import suggestion
from tilecppn.scene import Scene
from tilecppn.view import Grid, Lattice


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
