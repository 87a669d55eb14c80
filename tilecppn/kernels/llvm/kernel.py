"""The llvm kernel for CPUs: machine code for each network, generated in this process by LLVM.

A point's bits depend only on its pixel index and the scene, not on the lattice, the width of
vectors, the number of threads or the model of the CPU, since every operation is IEEE's, rounded
once, in a fixed order (`network.py`, `activations.py`). Coordinates are computed in float64 from
global indices and rounded once to the network's precision.
"""

import math
import warnings
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import aligned
from tilecppn.codegen import HOST, Target
from tilecppn.cppn.structure import COORDINATES
from tilecppn.kernels.base import PIXELS_REVISION, Arithmetic, EvaluationContext, Memory
from tilecppn.kernels.fineness import fineness_of
from tilecppn.kernels.llvm.followed import fineness_map
from tilecppn.kernels.llvm.layers import Tiling, packed, products
from tilecppn.kernels.llvm.nodes import (
    LATER,
    NodeLayers,
    PixelWindow,
    nodes_suffice,
    on_nodes,
    strips,
    windows,
)
from tilecppn.kernels.llvm.points import points_of
from tilecppn.kernels.llvm.stage import Stage, compiled_network
from tilecppn.scene.view import Lattices

REVISION = 3
NODES_REVISION = 2  # added for a network with detail, whose early layers are evaluated at nodes
DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)


def arithmetic_of(context: EvaluationContext) -> Arithmetic:
    """Return the arithmetic of the kernel for a picture, without creating it."""
    own = NODES_REVISION if context.cppn.structure.detail is not None else 0
    return LLVMKernel.arithmetic._replace(revision=REVISION + own + context.revision)


class LLVMKernel:
    """Evaluates one picture on one thread. Releases the GIL during compiled calls."""

    arithmetic = Arithmetic("llvm", "exact", "cpu", REVISION + PIXELS_REVISION)

    def __init__(
        self,
        context: EvaluationContext,
        target: Target = HOST,
        dtype: str | None = None,
        tiling: Tiling | None = None,
        memory: Memory | None = None,
    ) -> None:
        """Compile the network.

        dtype, of all layers, target and tiling: defaults except in tests and benchmarks.
        """
        if not target.fma:
            warnings.warn(
                "this CPU has no fused multiply-add; it is emulated, about 60 times slower",
                RuntimeWarning,
                stacklevel=2,
            )
        self.context = context
        network = context.network
        self.arithmetic = arithmetic_of(context)
        every = len(network.layers)
        single_from = context.single_from if dtype is None else every if dtype == "float64" else 0
        self.inputs_dtype = np.dtype("float64" if single_from > 0 else "float32")
        self.dtype = np.dtype("float64" if single_from == every else "float32")
        self._single_from = single_from
        parts = products(network)
        # Readouts of float64 layers are float64's as well.
        starts = [i for i, (layer, *_) in enumerate(parts) if not layer.readout] + [len(parts)]
        split = starts[single_from] if single_from else 0
        shape = tuple(layer for layer, *_ in parts)
        self.network = compiled_network(shape, split, target, tiling or Tiling.of(target))
        self.points = points_of(self.inputs_dtype, target)
        self.fineness = fineness_map(context, target)
        self.weights = [
            packed(parts[:split], self.network.tiling, DOUBLE),
            packed(parts[split:], self.network.tiling, SINGLE),
        ]
        sizes = zip(self.network.scratch, (DOUBLE, SINGLE), strict=True)
        self.scratch = [aligned((size,), real) for size, real in sizes]
        self.memory = memory or Memory()
        self.node_layers: NodeLayers | None = None
        if dtype is None and single_from < every and nodes_suffice(context, single_from):
            tiling = self.network.tiling
            late = Stage(compiled_network(shape[split:], 0, target, tiling), self.weights[1])
            start = starts[single_from - LATER]
            early, later = (
                Stage.double(part, target, tiling) for part in (parts[:start], parts[start:split])
            )
            self.node_layers = NodeLayers(
                context, early, later, late, self.points, self.fineness, target
            )

    @cached_property
    def noise(self) -> float:
        """See `Kernel.noise`."""
        if self._single_from in (0, len(self.context.network.layers)):
            return self.context.noise(self.dtype)
        return self.context.mixed_noise(self._single_from)

    @property
    def batch(self) -> int:
        """The number of points that the compiled function takes at a time."""
        return self.network.block

    def evaluate(self, lattices: Lattices) -> NDArray[np.floating]:
        """See `Kernel.evaluate`."""
        if self.node_layers is None or on_nodes(lattices):
            return self._run(lattices, traced=False)[0]
        out = self.memory.whole.array((self.context.network.channels, *lattices.shape), self.dtype)
        for strip in strips(windows(lattices)):
            for window, colours in self.node_layers.colours(strip):
                values = self._full(window) if colours is None else colours
                out[window.place] = values[:, :: lattices.stride, :: lattices.stride]
        return out

    def _full(self, window: PixelWindow) -> NDArray[np.floating]:
        """Return colours (channels, rows, cols) of pixels with every layer evaluated at each."""
        return self._run(Lattices.one(*window[1:]), traced=False)[0][:, 0]

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """See `Kernel.trace`."""
        colours, sums = self._run(lattices, traced=True)
        if self.node_layers is not None and not on_nodes(lattices):
            colours = self.evaluate(lattices)
        return colours, sums

    def _run(
        self, lattices: Lattices, traced: bool
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return colours and sums like `trace`; sums are (0, n, rows, cols) unless `traced`."""
        points = math.prod(lattices.shape)
        whole = self.network.padded(points)
        units = self.context.network.units if traced else 0
        inputs = self.memory.inputs.array((len(COORDINATES), whole), self.inputs_dtype)
        out = self.memory.out.array((self.context.network.channels, whole), self.dtype)
        sums = self.memory.sums.array((units, whole), self.dtype)
        self.points.fill(self.context, lattices, inputs)
        double, single = zip(self.weights, self.scratch, strict=True)
        fineness = fineness_of(self.fineness, lattices, self.memory.fineness, whole)
        self.network.call(inputs, whole, fineness, *double, *single, out, sums, 1 if traced else 0)
        return _shaped(out, lattices), _shaped(sums, lattices)


def _shaped(values: NDArray[np.floating], lattices: Lattices) -> NDArray[np.floating]:
    """Reshape (values, padded points) to (values, n, rows, cols)."""
    points = math.prod(lattices.shape)
    return values[:, :points].reshape(len(values), *lattices.shape)
