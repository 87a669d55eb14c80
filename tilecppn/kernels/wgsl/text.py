"""Building blocks of shader source: literals, and functions with their dependencies."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np


class Piece(NamedTuple):
    """A function's source, and the names of the functions that it calls."""

    source: str
    needs: tuple[str, ...] = ()


def number(value: float) -> str:
    """Return a float32 as an exact literal of both languages."""
    text = repr(float(f"{np.float32(value):.9g}"))
    return text if "e" in text or "." in text else f"{text}.0"


def vector(values: Iterable[float]) -> str:
    """Return a vector literal of two to four numbers."""
    numbers = [number(value) for value in values]
    return f"vec{len(numbers)}f({', '.join(numbers)})"


def short_parts(value: float, *bits: int) -> list[float]:
    """Split a number into parts of so many bits, whose products with small integers are exact.

    The last part is the remainder, so that `x - n·value` is precise without fused multiply-adds.
    """
    parts, rest = [], value
    for count in bits:
        unit = 2.0 ** (np.floor(np.log2(abs(rest))) + 1 - count)
        parts.append(float(np.trunc(rest / unit) * unit))
        rest -= parts[-1]
    return [*parts, rest]


def horner(x: str, coefficients: Iterable[float]) -> str:
    """Return the expression of a polynomial in the variable `x`, highest power first."""
    first, *others = [number(c) for c in coefficients]
    total = first
    for i, c in enumerate(others):
        total = f"{x} * {first} + {c}" if i == 0 else f"({total}) * {x} + {c}"
    return total


def with_needs(names: Iterable[str], library: Mapping[str, Piece]) -> list[str]:
    """Return the sources of the named pieces, each once, after the pieces that it needs."""
    found: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in found:
            for need in library[name].needs:
                add(need)
            found[name] = library[name].source

    for name in names:
        add(name)
    return list(found.values())
