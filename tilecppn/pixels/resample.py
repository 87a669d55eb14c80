"""A picture at another size: Lanczos' filter with three lobes, window by window.

A pixel depends on its index alone, so that pieces fit together: its sum has always the same terms
in the same order. The filter works on stored values or their light, as the levels of a store do.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.pixels.light import Light
from tilecppn.plan import Window
from tilecppn.scene.sections import FULL

LOBES = 3
Read = Callable[[Window], NDArray[Any]]
Size = tuple[int, int]  # width, height


def resampled(
    read: Read, size: Size, smaller: Size, window: Window, profile: str | None = None
) -> NDArray[Any]:
    """Pixels (channels, height, width) of a window of the picture at the size `smaller`.

    read: gives the stored pixels of a window of the picture at its own `size`. profile: one of
    PROFILES, for integers whose light is to be filtered.
    """
    if size == smaller:
        return read(window)
    cols, across = _taps(window.left, window.right, smaller[0], size[0])
    rows, down = _taps(window.top, window.bottom, smaller[1], size[1])
    top, left = int(rows.min()), int(cols.min())
    pixels = read(Window(top, left, int(rows.max()) + 1, int(cols.max()) + 1))
    light = None if profile is None else Light.of(profile, pixels.dtype)
    values = pixels if light is None else light.values[pixels]
    lines = _summed(values.astype(np.float32), rows - top, down)
    out = _summed(np.ascontiguousarray(lines.swapaxes(1, 2)), cols - left, across).swapaxes(1, 2)
    if light is not None:
        return light.stored(out)
    full = FULL.get(pixels.dtype.name)
    return out if full is None else np.rint(np.clip(out, 0.0, full)).astype(pixels.dtype)


def _taps(
    first: int, last: int, count: int, full: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Which pixels of a side of `full` make each of first … last of `count`, and their weights.

    Both (last - first, taps); weights sum to 1, and are 0 of pixels beyond the edges.
    """
    ratio = full / count
    reach = LOBES * max(ratio, 1.0)
    middle = (np.arange(first, last) + 0.5) * ratio
    start = np.floor(middle - reach).astype(np.intp)
    index = start[:, None] + np.arange(math.ceil(2 * reach) + 1)
    place = (index + 0.5 - middle[:, None]) / max(ratio, 1.0)
    weights = np.sinc(place) * np.sinc(place / LOBES)
    weights *= (np.abs(place) < LOBES) & (index >= 0) & (index < full)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(index, 0, full - 1), weights.astype(np.float32)


def _summed(
    values: NDArray[np.float32], index: NDArray[np.intp], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Σ over the lines (n, lines, length) named by each row of `index`, times weights."""
    out = np.zeros((len(values), len(index), values.shape[2]), np.float32)
    for places, parts in zip(index.T, weights.T, strict=True):
        lines = values[:, places]
        lines *= parts[:, None]
        out += lines
    return out
