"""The oracle as a kernel: float64 NumPy, short enough to be obviously right."""

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels import Arithmetic, Field
from tilecppn.view import Lattice

CHUNK = 1 << 14  # points at a time, so that memory does not grow with the lattice


class ReferenceKernel:
    batch = 1
    arithmetic = Arithmetic("reference", "exact", "cpu", 1)

    def __init__(self, field: Field) -> None:
        self.field = field

    def evaluate(self, lattice: Lattice) -> NDArray[np.float64]:
        cppn = self.field.cppn
        rows = lattice.row + lattice.stride * np.arange(lattice.rows, dtype=np.float64)
        cols = lattice.col + lattice.stride * np.arange(lattice.cols, dtype=np.float64)
        out = np.empty((cppn.channels, lattice.rows, lattice.cols))
        strip = max(1, CHUNK // lattice.cols)
        for top in range(0, lattice.rows, strip):
            x, y, r = self.field.points(rows[top : top + strip, None], cols[None, :])
            out[:, top : top + strip] = np.moveaxis(cppn.colour(x, y, r, self.field.z), -1, 0)
        return out
