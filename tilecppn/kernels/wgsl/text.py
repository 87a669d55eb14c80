"""Pieces of shader source: numbers as literals, and functions with what they need."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np


class Piece(NamedTuple):
    """A function's source, and the names of those it calls; `Library` puts them first."""

    source: str
    needs: tuple[str, ...] = ()


def number(value: float) -> str:
    """Return a float32 as a literal of both languages, exact."""
    text = repr(float(f"{np.float32(value):.9g}"))
    return text if "e" in text or "." in text else f"{text}.0"


def vector(values: Iterable[float]) -> str:
    """Return a vector of two to four numbers."""
    numbers = [number(value) for value in values]
    return f"vec{len(numbers)}f({', '.join(numbers)})"


def short_parts(value: float, *bits: int) -> list[float]:
    """A number as a sum: parts of so many bits, whose products with small integers are exact.

    The last part is the rest, so that `x - n·value` is right without fused multiply-adds.
    """
    parts, rest = [], value
    for count in bits:
        unit = 2.0 ** (np.floor(np.log2(abs(rest))) + 1 - count)
        parts.append(float(np.trunc(rest / unit) * unit))
        rest -= parts[-1]
    return [*parts, rest]


def horner(x: str, coefficients: Iterable[float]) -> str:
    """Return a polynomial of the variable named `x`, highest power first."""
    first, *others = [number(c) for c in coefficients]
    total = first
    for i, c in enumerate(others):
        total = f"{x} * {first} + {c}" if i == 0 else f"({total}) * {x} + {c}"
    return total


def with_needs(names: Iterable[str], library: Mapping[str, Piece]) -> list[str]:
    """Return the sources of the pieces that are called `names`, each once, after those it needs."""
    found: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in found:
            for need in library[name].needs:
                add(need)
            found[name] = library[name].source

    for name in names:
        add(name)
    return list(found.values())
