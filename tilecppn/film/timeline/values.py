"""The types of values that can be interpolated, and their conversion to rows of numbers."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import CPPN
from tilecppn.scene import palettes
from tilecppn.scene.oklab import hexadecimal, oklab, srgb

Array = NDArray[np.float64]
MAX_STOPS = 256  # limit when palettes of different lengths are blended


class ValueType(NamedTuple):
    """How values of one type are converted to numbers and back."""

    fits: Callable[[Any], bool]
    # A track's values → a row (n,) each; rows of different lengths cannot be interpolated.
    encode: Callable[[Sequence[Any]], list[Array]]
    decode: Callable[[Array, Any], Any]  # the second argument provides what the row does not hold


def _is_colour(value: Any) -> bool:
    return isinstance(value, str) and palettes.is_colour(value)


def _is_palette(value: Any) -> bool:
    if isinstance(value, str):
        known = value.removesuffix("_r") in palettes.names()
        return known or palettes.seed_of(value) is not None
    return isinstance(value, tuple) and palettes.list_error(value) is None


def _palette_rows(values: Sequence[Any]) -> list[Array]:
    """Return L, a and b in OKLab for palettes with an equal number of stops.

    Palettes of different lengths are resampled to the common refinement of their stops, or to
    MAX_STOPS if that has more.
    """
    stops = [palettes.stops(value) for value in values]
    lengths = {len(s) for s in stops}
    common = min(math.lcm(*(n - 1 for n in lengths)) + 1, MAX_STOPS)
    count = common if len(lengths) > 1 else lengths.pop()
    return [oklab(_resampled(s, count)).ravel() for s in stops]


def _resampled(stops: Array, count: int) -> Array:
    """Return the colours (count, 3) of a palette (n, 3) at evenly spaced positions."""
    if len(stops) == count:
        return stops
    here, there = np.linspace(0, 1, len(stops)), np.linspace(0, 1, count)
    return np.stack([np.interp(there, here, channel) for channel in stops.T], axis=-1)


def _palette(row: Array, like: Any) -> tuple[str, ...]:
    return tuple(map(hexadecimal, srgb(row.reshape(-1, 3))))


def _weights(network: CPPN) -> Array:
    return np.concatenate([array.ravel() for array in _arrays(network)]).astype(np.float64)


def _network(row: Array, like: CPPN) -> CPPN:
    arrays, start = [], 0
    for array in _arrays(like):
        arrays.append(row[start : start + array.size].reshape(array.shape))
        start += array.size
    count = 2 * len(like.layers)
    layers = list(zip(arrays[:count:2], arrays[1:count:2], strict=True))
    return CPPN(like.structure, layers, arrays[count:])


def _arrays(cppn: CPPN) -> list[NDArray[np.float32]]:
    """Return all arrays of a network: weights and biases in turn, then readouts."""
    return [*(array for layer in cppn.layers for array in layer), *cppn.readouts]


PALETTE = ValueType(_is_palette, _palette_rows, _palette)
COLOUR = ValueType(
    _is_colour,
    lambda values: [oklab(np.array(palettes.eight_bits(value)) / 255.0) for value in values],
    lambda row, like: hexadecimal(srgb(row)),
)
VALUE_TYPES = (
    ValueType(
        lambda value: type(value) is float,
        lambda values: [np.array([value]) for value in values],
        lambda row, like: float(row[0]),
    ),
    ValueType(
        lambda value: isinstance(value, tuple) and all(type(v) is float for v in value),
        lambda values: [np.array(value, np.float64) for value in values],
        lambda row, like: tuple(row.tolist()),
    ),
    PALETTE,
    COLOUR,
    ValueType(
        lambda value: isinstance(value, CPPN),
        lambda values: [_weights(value) for value in values],
        _network,
    ),
)


def value_type(values: Sequence[Any]) -> ValueType | None:
    """Return the type that all values have; None for names, switches and integers.

    A name that never changes is not taken for a palette: `output.color` can be "hsv", too.
    """
    if isinstance(values[0], str) and len(set(values)) == 1:
        return None
    return next((t for t in VALUE_TYPES if all(map(t.fits, values))), None)
