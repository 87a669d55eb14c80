"""The base class of GPU kernels, whose one program gives stored values, colours and sums."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels.base import RAW_COLOURS, EvaluationContext, PixelFormat
from tilecppn.scene.view import Lattices

BATCH = 1 << 20  # points at a time
QUICK = 1 << 15  # multiply-adds per point up to which a GPU evaluates all pixels
NOISE_FACTOR = 4.0  # times float32's error, to allow for a GPU's sums, divisions and roots


class GPUKernel(ABC):
    """An `EncodingKernel` whose methods all call `_run`."""

    batch = BATCH

    def __init__(self, context: EvaluationContext) -> None:
        self.context = context
        self.prefer_full_evaluation = context.network.multiply_adds <= QUICK

    def evaluate(self, lattices: Lattices) -> NDArray[np.float32]:
        """See `Kernel.evaluate`."""
        return self.encode(lattices, RAW_COLOURS)

    def encode(self, lattices: Lattices, pixel_format: PixelFormat) -> NDArray[Any]:
        """See `EncodingKernel.encode`.

        Equal to the bit to encoding the colours of `evaluate` on the host.
        """
        return self._run(lattices, pixel_format, traced=False)[0]

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Kernel.trace`."""
        return self._run(lattices, RAW_COLOURS, traced=True)

    @abstractmethod
    def _run(
        self, lattices: Lattices, pixel_format: PixelFormat, traced: bool
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Return stored values (channels, n, rows, cols), and sums (units, …) if `traced`."""
