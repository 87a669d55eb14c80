"""Evaluates a network with detail at one point, with the precision that a deep zoom needs.

Each layer doubles frequencies, and errors with them: after forty layers float64 has no correct
digit left. Numbers here are fixed-point integers in units of 2^-bits. No maths library is used,
since their last digits differ from machine to machine.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.activations import components
from tilecppn.cppn.structure import Structure

Layer = tuple[NDArray[np.floating], NDArray[np.floating]]
GUARD = 128  # bits in addition to those for octaves
BITS_AN_OCTAVE = 4


class Center:
    """The sums and values of hidden layers at a point, computed on demand."""

    def __init__(
        self,
        structure: Structure,
        layer: Callable[[int], Layer],
        point: tuple[float, float],
        latent: NDArray[np.float64],
        octaves: float,
    ) -> None:
        """Prepare to evaluate at `point`.

        layer: returns the weight (out, in) and bias of a layer; layer 0 takes all inputs of the
        structure. latent: scaled. octaves: by which the finest layer is finer than the first.
        """
        self.structure, self.layer = structure, layer
        self.bits = GUARD + BITS_AN_OCTAVE * max(0, math.ceil(octaves))
        x, y = (fixed(v, self.bits) for v in point)
        dx, dy = (v - fixed(o, self.bits) for v, o in zip((x, y), structure.origin, strict=True))
        columns = {
            "x": [x],
            "y": [y],
            "r": [math.isqrt(dx * dx + dy * dy)],
            "z": [fixed(v, self.bits) for v in latent.tolist()],
            "one": [1 << self.bits],
        }
        self._inputs = [v for name in structure.inputs for v in columns[name]]
        self._sums: list[list[int]] = []
        self._values: list[list[int]] = []

    def sums(self, i: int) -> NDArray[np.float64]:
        """Return the sums (units,) of hidden layer `i` before activation, rounded once."""
        self._compute(i)
        return self._rounded(self._sums[i])

    def values(self, i: int) -> NDArray[np.float64]:
        """Return the values (units,) of hidden layer `i`, rounded once."""
        self._compute(i)
        return self._rounded(self._values[i])

    def _compute(self, last: int) -> None:
        while len(self._sums) <= last:
            i, bits = len(self._sums), self.bits
            weight, bias = self.layer(i)
            inputs = self._values[i - 1] if i else self._inputs
            biases = _all_fixed(bias, bits)
            rows = zip(_rows(weight, bits), biases, strict=True)
            sums = [
                start + (sum(w * h for w, h in zip(row, inputs, strict=True)) >> bits)
                for row, start in rows
            ]
            names = components(self.structure.activation(i))
            self._sums.append(sums)
            self._values.append(
                [FUNCTIONS[names[k % len(names)]](total, bits) for k, total in enumerate(sums)]
            )

    def _rounded(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        return np.array([number / (1 << self.bits) for number in numbers])


def fixed(number: float, bits: int) -> int:
    """Convert a float to fixed point, in units of 2^-bits."""
    mantissa, exponent = math.frexp(number)
    return _shifted(int(math.ldexp(mantissa, 53)), exponent - 53 + bits)


def _all_fixed(numbers: NDArray[np.floating], bits: int) -> list[int]:
    mantissas, exponents = np.frexp(numbers.astype(np.float64))
    whole = np.ldexp(mantissas, 53).astype(np.int64).tolist()
    shifts = (exponents - 53 + bits).tolist()
    return [_shifted(m, shift) for m, shift in zip(whole, shifts, strict=True)]


def _rows(weight: NDArray[np.floating], bits: int) -> Iterator[list[int]]:
    return (_all_fixed(row, bits) for row in weight)


def _shifted(number: int, by: int) -> int:
    return number << by if by >= 0 else number >> -by


def _terms(x: int, bits: int) -> list[int]:
    """Return x^n / n! for n = 0, 1, … until the terms vanish."""
    terms = [1 << bits]
    while abs(terms[-1]) > 1:
        terms.append((terms[-1] * x >> bits) // len(terms))
    return terms


def _halvings(x: int, bits: int) -> int:
    """Return how often to halve x until its series is short."""
    return max(0, x.bit_length() - bits + 8)


def exp(x: int, bits: int) -> int:
    """Return e^x for x ≤ 0."""
    halvings = _halvings(x, bits)
    total = sum(_terms(x >> halvings, bits))
    for _ in range(halvings):
        total = total * total >> bits
    return total


def cos_and_sin(x: int, bits: int) -> tuple[int, int]:
    """Return cos x and sin x, by the series of e^(ix)."""
    halvings = _halvings(x, bits)
    terms = _terms(x >> halvings, bits)
    cos = sum(terms[0::4]) - sum(terms[2::4])
    sin = sum(terms[1::4]) - sum(terms[3::4])
    for _ in range(halvings):
        cos, sin = (cos * cos - sin * sin) >> bits, (2 * cos * sin) >> bits
    return cos, sin


def _tanh(x: int, bits: int) -> int:
    one, e = 1 << bits, exp(-2 * abs(x), bits)
    value = ((one - e) << bits) // (one + e)
    return value if x >= 0 else -value


FUNCTIONS: dict[str, Callable[[int, int], int]] = {
    "sin": lambda x, bits: cos_and_sin(x, bits)[1],
    "cos": lambda x, bits: cos_and_sin(x, bits)[0],
    "gaussian": lambda x, bits: exp(-(x * x >> bits), bits),
    "tanh": _tanh,
}
