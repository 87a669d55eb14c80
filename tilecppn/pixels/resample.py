"""Resamples a picture to another size by a Lanczos filter with three lobes, window by window.

A pixel depends only on its index, so that pieces fit together: its sum always has the same terms
in the same order. The filter works on stored values or their light, like the levels of a store.
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
    """Return the pixels (channels, height, width) of a window of the picture at size `smaller`.

    read: reads the stored pixels of a window of the picture at its own `size`. profile: one of
    PROFILES, to filter the linear light of integers.
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
    """Return the source pixels of the pixels first … last on a side of `count`, and their weights.

    Both are (last - first, taps), for a source of `full` pixels; weights sum to 1, and are 0 for
    pixels beyond the edges.
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
    """Return weighted sums of lines (n, lines, length), selected by each row of `index`."""
    out = np.zeros((len(values), len(index), values.shape[2]), np.float32)
    for places, parts in zip(index.T, weights.T, strict=True):
        lines = values[:, places]
        lines *= parts[:, None]
        out += lines
    return out
