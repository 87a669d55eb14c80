"""Machine code for networks with detail: NumPy takes longer for many small arrays, and holds the
interpreter's lock meanwhile.

Imported when there is such a network, since importing LLVM takes 30 ms.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tilecppn.codegen import Array, ArrayOf, Module, Value, machine_code
from tilecppn.codegen.activations import FUNCTIONS, cos, sin
from tilecppn.codegen.values import F64, I64

LANES = 8  # numbers at a time

# The slopes of the activations that such networks can have, from the argument and the value.
SLOPES: dict[str, Callable[[Value, Value], Value]] = {
    "sin": lambda x, value: cos(x),
    "cos": lambda x, value: -sin(x),
    "gaussian": lambda x, value: x * value * -2.0,
    "tanh": lambda x, value: 1.0 - value * value,
}


def activate(
    names: Sequence[str], sums: NDArray[np.float64], jacobian: NDArray[np.float64]
) -> None:
    """Turn sums (units, n) and their derivatives (units, 2, n) into those of activations.

    names: the activations, which the units take in turn.
    """
    for first, name in enumerate(names):
        _activations()[name](sums, jacobian, first, len(names), *sums.shape)


def orthogonalise(matrices: NDArray[np.float64]) -> None:
    """Orthonormalise the rows of matrices (…, n, n): modified Gram-Schmidt, every sum in order.

    A product of many random matrices collapses everything into one direction; a product of
    orthogonal ones does not. Every operation is IEEE's, rounded once.
    """
    side = matrices.shape[-1]
    _orthogonalise()["orthogonalise"](matrices, matrices.size // side**2, side)


@machine_code
def _activations() -> Module:
    module = Module()
    for name, slope in SLOPES.items():
        f = module.function(
            name, sums=ArrayOf(F64), jacobian=ArrayOf(F64), first=I64, step=I64, units=I64, n=I64
        )
        n = f["n"]
        whole = n >> (LANES.bit_length() - 1) << (LANES.bit_length() - 1)
        with f.loop(f["units"], start=f["first"], step=f["step"]) as unit:
            sums, jacobian = f.array("sums").at(unit * n), f.array("jacobian").at(unit * n * 2)
            for lanes, first, end in ((LANES, 0, whole), (1, whole, n)):
                with f.loop(end, start=first, step=lanes) as j:
                    x = sums.load(j, lanes)
                    value = FUNCTIONS[name](x)
                    own = slope(x, value)
                    sums.store(value, j)
                    for place in (j, j + n):
                        jacobian.store(jacobian.load(place, lanes) * own, place)
        f.end()
    return module


@machine_code
def _orthogonalise() -> Module:
    module = Module()
    f = module.function("orthogonalise", matrices=ArrayOf(F64), count=I64, side=I64)
    side, total = f["side"], f.variable(f.number(F64, 0.0))

    def dot(one: Array, other: Array) -> Value:
        total.set(one.load() * other.load())
        with f.loop(side, start=1) as k:
            total.set(total.value + one.load(k) * other.load(k))
        return total.value

    with f.loop(f["count"]) as matrix:
        rows = f.array("matrices").at(matrix * side * side)
        with f.loop(side) as i:
            row = rows.at(i * side)
            length = dot(row, row).sqrt()
            with f.loop(side) as k:
                row.store(row.load(k) / length, k)
            with f.loop(side, start=i + 1) as j:
                other = rows.at(j * side)
                along = dot(other, row)
                with f.loop(side) as k:
                    other.store(other.load(k) - along * row.load(k), k)
    f.end()
    return module
