"""The base class of GPU kernels, whose one program gives stored values, colours and sums."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels.base import COLOURS, EvaluationContext, Storage
from tilecppn.scene.view import Lattices

BATCH = 1 << 20  # points at a time
QUICK = 1 << 15  # multiply-adds per point up to which a GPU evaluates all pixels
LOOSE = 4.0  # times float32's error, to allow for a GPU's sums, divisions and roots


class GPUKernel(ABC):
    """A `StoringKernel` whose methods all call `_run`."""

    batch = BATCH

    def __init__(self, context: EvaluationContext) -> None:
        self.context = context
        self.prefer_full_evaluation = context.network.multiply_adds <= QUICK

    def evaluate(self, lattices: Lattices) -> NDArray[np.float32]:
        """See `Kernel.evaluate`."""
        return self.store(lattices, COLOURS)

    def store(self, lattices: Lattices, storage: Storage) -> NDArray[Any]:
        """See `StoringKernel.store`.

        Equal to the bit to encoding the colours of `evaluate` on the host.
        """
        return self._run(lattices, storage, traced=False)[0]

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Kernel.trace`."""
        return self._run(lattices, COLOURS, traced=True)

    @abstractmethod
    def _run(
        self, lattices: Lattices, storage: Storage, traced: bool
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Return stored values (channels, n, rows, cols), and sums (units, …) if `traced`."""
