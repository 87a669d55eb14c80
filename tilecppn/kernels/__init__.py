"""Kernels: evaluate a CPPN with one latent on lattices of points of the plane.

A kernel is one file with one class; the table below names them. A kernel belongs to one thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tilecppn import machine
from tilecppn.cppn import CPPN
from tilecppn.errors import Refused
from tilecppn.kernels.rounding import rounding_error
from tilecppn.naming import suggestion
from tilecppn.native import Workspace
from tilecppn.scene import Scene
from tilecppn.sections import FULL
from tilecppn.symmetry import Fold
from tilecppn.view import Grid, Lattices

PIXELS = 1  # revision of what pixels/ makes of colours, which every kernel adds to its own
COMMON, PROMISED = 0.0035, 0.00015  # see docs/architecture.md


class Arithmetic(NamedTuple):
    """What decides the bytes of a picture beside its scene; one store holds one arithmetic."""

    kernel: str
    precision: str
    device: str  # "cpu", or the model of the CUDA device
    revision: int  # the kernel's own and PIXELS: one is raised whenever the bytes change


@dataclass(frozen=True, eq=False)
class Field:
    """A picture as a kernel sees it: the function, its latent, and the grid of points."""

    cppn: CPPN
    z: NDArray[np.float64]
    grid: Grid
    fold: Fold | None = None
    gain: float = 1.0  # how much steeper the picture's colours can be than the network's
    precision: str = "exact"  # or "fast": see `output.precision`

    @classmethod
    def of(cls, scene: Scene) -> "Field":
        """The scene's samples: `supersample` a pixel along each axis."""
        grid = scene.grid.finer(scene.output.supersample)
        output = scene.output
        return cls(scene.cppn, scene.z, grid, Fold.of(scene.view), output.gain, output.precision)

    @property
    def plain(self) -> bool:
        """Whether x and y are `grid.points` as they are, and r their distance from the origin."""
        return self.fold is None

    def points(self, rows: Any, cols: Any) -> tuple[Any, Any, Any]:
        """The network's x, y and r at float64 pixel indices: rows (n, 1) and cols (1, m).

        NumPy arrays or torch tensors, in float64; shapes broadcast to (n, m), and r has it.
        """
        x0, y0 = self.cppn.structure.origin
        with np.errstate(over="ignore"):  # beyond 1e154 the radius is infinite
            if self.fold is None:
                x, y = self.grid.points(rows, cols)
                square = (x - x0) * (x - x0) + (y - y0) * (y - y0)
            else:
                x, y, height = self.fold.points(self.grid, rows, cols)
                square = (x - x0) * (x - x0) + (y - y0) * (y - y0) + height
        return x, y, np.sqrt(square) if isinstance(square, np.ndarray) else square.sqrt()

    def inputs(self, lattices: Lattices) -> tuple[NDArray[np.float64], ...]:
        """x, y and r (n, rows, cols) of lattices' points."""
        points = self.points(*lattices.indices())
        return tuple(np.broadcast_arrays(*points))

    @cached_property
    def rounding(self) -> float:
        """The mean error of the network's colours in float32."""
        return rounding_error(self)

    @property
    def needs_float64(self) -> bool:
        """Whether float32 would show: in the coordinates, or in the colours.

        float32 keeps 24 bits: at the canvas' farthest point a coordinate is off by up to
        reach · 2^-24 plane units, which may be 1/16 of a pixel at most. Of the 8-bit values, at
        most COMMON may be expected to come out 1 off; at most PROMISED where the network has a
        preset's shape, since presets have 99.9 % equal in any window, also where errors gather.
        """
        if self.grid.reach * 2.0**-24 > min(self.grid.step) / 16.0:
            return True
        share = FULL["uint8"] * self.gain * self.rounding
        return share > (PROMISED if self.cppn.is_preset_shaped else COMMON)

    def noise(self, dtype: Any) -> float:
        """The mean error of colours evaluated in float32 or float64."""
        ratio = np.finfo(dtype).eps / np.finfo(np.float32).eps
        return self.gain * self.rounding * float(ratio)


class Kernel(Protocol):
    """One evaluator of one field."""

    @property
    def arithmetic(self) -> Arithmetic: ...

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
    def outruns_host(self) -> bool:
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


def _reference(field: Field, memory: Memory | None) -> Kernel:
    from tilecppn.kernels.reference import ReferenceKernel

    return ReferenceKernel(field)


def _llvm(field: Field, memory: Memory | None) -> Kernel:
    from tilecppn.kernels.llvm import LLVMKernel

    return LLVMKernel(field, memory=memory)


def _torch(field: Field, memory: Memory | None) -> Kernel:
    from tilecppn.kernels.torch import TorchKernel

    return TorchKernel(field)


def _require_triton() -> None:
    try:
        from tilecppn.kernels.triton_functions import interpreted
    except ImportError as error:
        raise Refused(f'Triton is not installed ({error}): pip install "tilecppn[cuda]"') from error
    if interpreted():
        return
    if not machine.has_cuda():
        raise Refused(
            "the kernel triton needs a CUDA device of compute capability 8.0 or newer; "
            "use --kernel auto"
        )
    if fault := machine.triton_fault():
        raise Refused(fault)


def _triton(field: Field, memory: Memory | None) -> Kernel:
    from tilecppn.kernels.triton import TritonKernel, arithmetic, serves

    if serves(field):
        return TritonKernel(field)
    from tilecppn.kernels.torch import TorchKernel

    return TorchKernel(field, arithmetic=arithmetic(field))


KERNELS: dict[str, Callable[[Field, Memory | None], Kernel]] = {
    "reference": _reference,
    "llvm": _llvm,
    "torch": _torch,
    "triton": _triton,
}


def resolve(name: str) -> str:
    """The kernel that `auto` means, or the name itself. Raises Refused for an unknown one."""
    if name == "auto":
        if not machine.has_cuda():
            return "llvm"
        return "triton" if machine.triton_fault() is None else "torch"
    if name not in KERNELS:
        raise Refused(f'unknown kernel "{name}"; {suggestion(["auto", *KERNELS], name)}')
    return name


def require(name: str, precision: str) -> str:
    """As `resolve`; also raises Refused where this machine has no such kernel or precision."""
    name = resolve(name)
    if precision != "exact" and name != "triton":
        raise Refused(
            f'output.precision = "{precision}": only the kernel triton has it, on a CUDA '
            f"device, not {name}; use --set output.precision=exact"
        )
    if name == "triton":
        _require_triton()
    return name


def create(name: str, field: Field, memory: Memory | None = None) -> Kernel:
    """A kernel by name, or by `auto`. Raises Refused as `require` does.

    `memory` is for a thread that makes one kernel after another; None is for the kernel alone.
    """
    return KERNELS[require(name, field.precision)](field, memory)
