"""Machine code for networks with detail: NumPy takes longer for many small arrays, and holds the
interpreter's lock meanwhile.

Imported when there is such a network, since importing LLVM takes 30 ms.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tilecppn.codegen import Array, ArrayOf, Function, Module, Value, machine_code
from tilecppn.codegen.activations import FUNCTIONS, cos, sin
from tilecppn.codegen.values import F64, I64, I128
from tilecppn.cppn import seeding

LANES = 8  # numbers at a time
BLOCK = 4  # random numbers that Philox makes at a time

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


def normals(seed: int, streams: Sequence[int], sizes: Sequence[int]) -> NDArray[np.float64]:
    """Return `seeding.inverse_normal` of `seeding.uniforms` of several streams, one after another.

    Same bits, since every operation is the same IEEE one. sizes: the numbers of each stream.
    """
    drawn, first = np.empty(sum(sizes) + BLOCK - 1), 0
    for stream, size in zip(streams, sizes, strict=True):
        _normals()["uniforms"](drawn, first, size, seed, stream)
        first += size
    return inverse_normal(drawn[:first])


def inverse_normal(uniforms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the same as `seeding.inverse_normal`."""
    result = np.empty_like(uniforms)
    _normals()["inverse_normal"](uniforms, result, len(uniforms))
    return result


def _all(f: Function, count: Value) -> Iterator[tuple[Value, int]]:
    """Loop over `count` numbers: yield an index and how many, LANES, then one by one at the end."""
    shift = LANES.bit_length() - 1
    whole = count >> shift << shift
    for lanes, first, end in ((LANES, 0, whole), (1, whole, count)):
        with f.loop(end, start=first, step=lanes) as i:
            yield i, lanes


@machine_code
def _normals() -> Module:
    module = Module()
    f = module.function("uniforms", out=ArrayOf(F64), first=I64, count=I64, seed=I64, stream=I64)
    with f.loop(f["count"], step=BLOCK) as i:  # the last block may reach into the next stream's
        words = _philox(f["seed"], f["stream"], (i >> (BLOCK.bit_length() - 1)) + 1)
        for k, word in enumerate(words):
            f.array("out").store(((word >> 11).to(F64) + 0.5) * 2.0**-53, f["first"] + i + k)
    f.end()
    f = module.function("inverse_normal", uniforms=ArrayOf(F64), result=ArrayOf(F64), n=I64)
    n, uniforms, result = f["n"], f.array("uniforms"), f.array("result")
    for i, lanes in _all(f, n):
        q = uniforms.load(i, lanes) - 0.5
        r = 0.180625 - q * q
        result.store(q * _ratio(r, seeding.CENTRE_TOP, seeding.CENTRE_BOTTOM), i)
    with f.loop(n) as i:
        u = uniforms.load(i)
        q = u - 0.5
        with f.when(q.abs() > 0.425):
            below = q < 0.0
            r = (-_logarithm(below.where(u, 1.0 - u))).sqrt()
            near = _ratio(r - 1.6, seeding.MIDDLE_TOP, seeding.MIDDLE_BOTTOM)
            far = _ratio(r - 5.0, seeding.FAR_TOP, seeding.FAR_BOTTOM)
            size = (r <= 5.0).where(near, far)
            result.store(below.where(-size, size), i)
    f.end()
    return module


def _philox(seed: Value, stream: Value, block: Value) -> list[Value]:
    """Return four words of Philox 4x64-10 with the key (seed, stream)."""
    zero = block.like(0)
    words, key = [block, zero, zero, zero], [seed, stream]
    for _ in range(10):
        products = [
            words[at].unsigned(I128) * factor
            for at, factor in ((0, 0xD2E7470EE14C6C93), (2, 0xCA5A826395121157))
        ]
        (high, low), (high2, low2) = (((p >> 64).to(I64), p.to(I64)) for p in products)
        words = [high2 ^ words[1] ^ key[0], low2, high ^ words[3] ^ key[1], low]
        key = [key[0] + 0x9E3779B97F4A7C15, key[1] + 0xBB67AE8584CAA73B]
    return words


def _ratio(x: Value, top: Sequence[float], bottom: Sequence[float]) -> Value:
    """Return the quotient of two polynomials, highest power first, as `seeding` does.

    Without the fused multiply-adds of `codegen.activations.polynomial`, which round otherwise.
    """

    def polynomial(coefficients: Sequence[float]) -> Value:
        total = x * coefficients[0] + coefficients[1]
        for c in coefficients[2:]:
            total = total * x + c
        return total

    return polynomial(top) / polynomial(bottom)


def _logarithm(x: Value) -> Value:
    """Return `portable_math.logarithm`."""
    bits = x.bits()
    m = (bits & ((1 << 52) - 1) | (1022 << 52)).float_of_bits()  # from 1/2 to 1
    small = m < math.sqrt(0.5)
    e = (bits >> 52) - 1022 - small.unsigned(I64)
    m = small.where(m * 2.0, m)
    s = (m - 1.0) / (m + 1.0)
    s2 = s * s
    series = s2.like(1.0 / 21.0)
    for k in range(19, 0, -2):
        series = series * s2 + 1.0 / k
    return e.to(F64) * math.log(2.0) + s * series * 2.0


@machine_code
def _activations() -> Module:
    module = Module()
    for name, slope in SLOPES.items():
        f = module.function(
            name, sums=ArrayOf(F64), jacobian=ArrayOf(F64), first=I64, step=I64, units=I64, n=I64
        )
        n = f["n"]
        with f.loop(f["units"], start=f["first"], step=f["step"]) as unit:
            sums, jacobian = f.array("sums").at(unit * n), f.array("jacobian").at(unit * n * 2)
            for j, lanes in _all(f, n):
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
