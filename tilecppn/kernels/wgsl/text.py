"""Building blocks of shader source: literals, polynomials, and the functions that a text calls."""

import re
from collections.abc import Iterable, Mapping

import numpy as np


def number(value: float) -> str:
    """Return a float32 as an exact literal of both languages."""
    text = repr(float(f"{np.float32(value):.9g}"))
    return text if "e" in text or "." in text else f"{text}.0"


def vector(values: Iterable[float]) -> str:
    """Return a vector literal of two to four numbers."""
    numbers = [number(value) for value in values]
    return f"vec{len(numbers)}f({', '.join(numbers)})"


def horner(x: str, coefficients: Iterable[float]) -> str:
    """Return the expression of a polynomial in the variable `x`, highest power first."""
    first, *others = [number(c) for c in coefficients]
    total = first
    for i, c in enumerate(others):
        total = f"{x} * {first} + {c}" if i == 0 else f"({total}) * {x} + {c}"
    return total


def with_called(source: str, library: Mapping[str, str]) -> str:
    """Return a source after the functions of the library that it calls, each once."""
    found: dict[str, str] = {}

    def add(text: str) -> None:
        for name in re.findall(r"\b(\w+)\(", text):
            if name in library and name not in found and f"fn {name}(" not in text:
                add(library[name])
                found[name] = library[name]

    add(source)
    return "\n".join([*found.values(), source])
