"""Evaluates the layers that show a picture's local fineness, in float64 machine code."""

import math

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Workspace, aligned
from tilecppn.codegen import HOST, Target
from tilecppn.cppn.structure import COORDINATES
from tilecppn.kernels.base import EvaluationContext
from tilecppn.kernels.fineness import FinenessMap
from tilecppn.kernels.llvm.layers import Tiling, hidden_product
from tilecppn.kernels.llvm.points import points_of
from tilecppn.kernels.llvm.stage import NO_DOUBLE, NO_SINGLE, Stage
from tilecppn.scene.view import Lattices


def fineness_map(context: EvaluationContext, target: Target = HOST) -> FinenessMap | None:
    """Return the local fineness of a picture; None if no layer fades."""
    local = context.network.local
    return None if local is None else FinenessMap(local, context, FollowedLayers(context, target))


class FollowedLayers:
    """The hidden layers that show the local fineness. For one thread."""

    def __init__(self, context: EvaluationContext, target: Target) -> None:
        network, tiling = context.network, Tiling.of(target)
        assert network.local is not None
        first, end = network.local.layer + 1, network.local.end
        parts = [hidden_product(network, i) for i in range(end)]
        ranges = [parts[:first], *([part] for part in parts[first:])]
        self.context, self.points = context, points_of(np.dtype(np.float64), target)
        self.stages = [Stage.double(own, target, tiling) for own in ranges]
        largest = max(stage.network.scratch[0] for stage in self.stages)
        self.scratch = aligned((largest,), np.float64)
        self.memory = [Workspace() for _ in range(1 + len(self.stages))]

    def __call__(self, lattices: Lattices) -> list[NDArray[np.float64]]:
        """Return their values (units, n, rows, cols), overwritten by the next call."""
        points = math.prod(lattices.shape)
        whole = self.stages[0].network.padded(points)
        values = self.memory[0].array((len(COORDINATES), whole), np.float64)
        self.points.fill(self.context, lattices, values)
        found = []
        for stage, memory in zip(self.stages, self.memory[1:], strict=True):
            hidden = memory.array((stage.network.features, whole), np.float64)
            stage.run(values, NO_SINGLE, self.scratch, NO_DOUBLE, hidden)
            values = hidden
            found.append(values[:, :points].reshape(-1, *lattices.shape))
        return found
