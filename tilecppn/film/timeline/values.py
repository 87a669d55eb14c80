"""A scene's value as a row of numbers that can be interpolated, and back."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import CPPN
from tilecppn.scene.palettes import eight_bits, is_colour

Array = NDArray[np.float64]


class Kind(NamedTuple):
    """`encode` gives a row (n,); values whose rows differ in length cannot be mixed."""

    fits: Callable[[Any], bool]
    encode: Callable[[Any], Array]
    decode: Callable[[Array, Any], Any]  # the row, and a value of the kind to take the rest from


def _is_colours(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and bool(value)
        and all(isinstance(v, str) and is_colour(v) for v in value)
    )


def _colours(row: Array, like: Any) -> tuple[str, ...]:
    whole = np.clip(np.rint(row), 0, 255).astype(int).reshape(-1, 3).tolist()
    return tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in whole)


def _network(row: Array, like: CPPN) -> CPPN:
    layers, start = [], 0
    for weight, bias in like.layers:
        parts = []
        for array in (weight, bias):
            parts.append(row[start : start + array.size].reshape(array.shape))
            start += array.size
        layers.append((parts[0], parts[1]))
    return CPPN(like.structure, layers)


KINDS = (
    Kind(
        lambda value: type(value) is float,
        lambda value: np.array([value]),
        lambda row, like: float(row[0]),
    ),
    Kind(
        lambda value: isinstance(value, tuple) and all(type(v) is float for v in value),
        lambda value: np.array(value, np.float64),
        lambda row, like: tuple(row.tolist()),
    ),
    Kind(
        _is_colours,
        lambda value: np.array([eight_bits(v) for v in value], np.float64).ravel(),
        _colours,
    ),
    Kind(
        lambda value: isinstance(value, CPPN),
        lambda value: np.concatenate([a.ravel() for layer in value.layers for a in layer]).astype(
            np.float64
        ),
        _network,
    ),
)


def kind_of(value: Any) -> Kind | None:
    """The first kind that fits; None for names, switches and whole numbers, which only hold."""
    return next((kind for kind in KINDS if kind.fits(value)), None)
