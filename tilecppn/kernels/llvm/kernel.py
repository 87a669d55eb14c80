"""The CPU kernel: machine code for the very network at hand, made in this process through LLVM.

A point's bits depend on its pixel index and the scene alone: not on the lattice, the width of the
vectors, the number of threads or the model of the CPU, since every operation is IEEE's, rounded
once, in a fixed order (`network.py`, `elementary.py`). Coordinates are computed in float64 from
global indices and rounded once to the network's precision.
"""

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import CPPN
from tilecppn.cppn.structure import COORDINATES
from tilecppn.kernels.base import PIXELS, Arithmetic, EvaluationContext, Memory
from tilecppn.kernels.llvm.codegen import HOST, Target, aligned, thread_safe_cache
from tilecppn.kernels.llvm.network import Layer, Network, Tiling, packed
from tilecppn.kernels.llvm.points import Points
from tilecppn.scene.view import Lattices

REVISION = 2


class LLVMKernel:
    """Evaluates one field on one thread. It holds the GIL only between calls."""

    arithmetic = Arithmetic("llvm", "exact", "cpu", REVISION + PIXELS)

    def __init__(
        self,
        field: EvaluationContext,
        target: Target = HOST,
        dtype: str | None = None,
        tiling: Tiling | None = None,
        memory: Memory | None = None,
    ) -> None:
        """`dtype` other than the field's own, and `target` and `tiling` other than this machine's,
        are for tests and benchmarks.
        """
        if not target.fma:
            warnings.warn(
                "this CPU has no fused multiply-add; it is emulated, about 60 times slower",
                RuntimeWarning,
                stacklevel=2,
            )
        self.field = field
        self.dtype = np.dtype(dtype or ("float64" if field.needs_float64 else "float32"))
        self.noise = field.noise(self.dtype)
        self.layers = layers(field.cppn)
        self.network = _network(self.layers, self.dtype, target, tiling or Tiling.of(target))
        self.points = _points(self.dtype, target)
        self.weights = packed(field.cppn.layers_for(field.z), self.network.tiling, self.dtype)
        self.scratch = aligned((self.network.scratch,), self.dtype)
        self.memory = memory or Memory()

    @property
    def batch(self) -> int:
        """Points that the compiled function takes at a time."""
        return self.network.block

    def evaluate(self, lattices: Lattices) -> NDArray[np.floating]:
        """See `Kernel.evaluate`."""
        return self._run(lattices, traced=False)[0]

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """See `Kernel.trace`."""
        return self._run(lattices, traced=True)

    def _run(
        self, lattices: Lattices, traced: bool
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """As `trace`; without sums, (0, n, rows, cols), unless `traced`."""
        points = math.prod(lattices.shape)
        whole = -(-points // self.network.block) * self.network.block
        units = sum(layer.outputs for layer in self.layers) if traced else 0
        inputs = self.memory.inputs.array((len(COORDINATES), whole), self.dtype)
        out = self.memory.out.array((self.field.cppn.channels, whole), self.dtype)
        sums = self.memory.sums.array((units, whole), self.dtype)
        self.points.fill(self.field, lattices, inputs)
        self.network.call(inputs, whole, self.weights, self.scratch, out, sums, 1 if traced else 0)
        return _shaped(out, lattices), _shaped(sums, lattices)


def _shaped(values: NDArray[np.floating], lattices: Lattices) -> NDArray[np.floating]:
    """(values, n, rows, cols) of (values, points and what fills up the last block)."""
    points = math.prod(lattices.shape)
    return values[:, :points].reshape(len(values), *lattices.shape)


def layers(cppn: CPPN) -> tuple[Layer, ...]:
    """The shape of a network as its compiled function sees it."""
    names = (*cppn.structure.activations, cppn.structure.output)
    last = len(names) - 1
    result = []
    for i, ((weight, _), name) in enumerate(zip(cppn.layers, names, strict=True)):
        outputs, inputs = weight.shape
        residual = cppn.structure.residual and 0 < i < last
        result.append(Layer(inputs if i else len(COORDINATES), outputs, name, residual))
    return tuple(result)


@thread_safe_cache
def _network(
    layers: tuple[Layer, ...], dtype: np.dtype[Any], target: Target, tiling: Tiling
) -> Network:
    return Network(layers, dtype, target, tiling)


@thread_safe_cache
def _points(dtype: np.dtype[Any], target: Target) -> Points:
    return Points(dtype, target)
