"""The reference kernel: float64 NumPy, short enough to be obviously right."""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels.base import PIXELS_REVISION, Arithmetic, EvaluationContext
from tilecppn.kernels.fineness import FinenessMap
from tilecppn.scene.view import Lattices

REVISION = 2
CHUNK = 1 << 14  # points at a time, so that memory does not grow with the lattice


class ReferenceKernel:
    """Evaluates a network by `ResolvedNetwork.colour`, in float64."""

    batch = 1
    arithmetic = Arithmetic("reference", "exact", "cpu", REVISION + PIXELS_REVISION)

    def __init__(self, context: EvaluationContext) -> None:
        self.context = context
        self.arithmetic = self.arithmetic._replace(revision=REVISION + context.revision)
        self.noise = context.noise(np.float64)
        local = context.network.local
        self.fineness = None if local is None else FinenessMap(local, context, self._followed)

    def evaluate(self, lattices: Lattices) -> NDArray[np.float64]:
        """See `Kernel.evaluate`."""
        return self._run(lattices, None)

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `Kernel.trace`."""
        sums = np.empty((self.context.network.units, *lattices.shape))
        return self._run(lattices, sums), sums

    def _run(self, lattices: Lattices, sums: NDArray[np.float64] | None) -> NDArray[np.float64]:
        network = self.context.network
        rows, cols = lattices.indices()
        out = np.empty((network.channels, *lattices.shape))
        fineness = np.zeros(lattices.shape, np.float32)
        if self.fineness is not None:
            self.fineness.fill(lattices, fineness.ravel())
        strip = max(1, CHUNK // lattices.cols)
        for n in range(len(rows)):
            for top in range(0, lattices.rows, strip):
                part = np.s_[:, n, top : top + strip]
                points = self.context.points(rows[n, top : top + strip], cols[n])
                totals: list[NDArray[np.float64]] = []
                colours = network.colour(*points, totals, fineness[part[1:]])
                out[part] = np.moveaxis(colours, -1, 0)
                if sums is not None:
                    sums[part] = np.moveaxis(np.concatenate(totals, axis=-1), -1, 0)
        return out

    def _followed(self, lattices: Lattices) -> list[NDArray[np.float64]]:
        """Return the values (units, n, 2, 2) of the layers that show the local fineness."""
        network = self.context.network
        assert network.local is not None
        points = self.context.points(*lattices.indices())
        hidden = islice(network.hidden(*points), network.local.layer, network.local.end)
        return [np.moveaxis(values, -1, 0) for _, values in hidden]
