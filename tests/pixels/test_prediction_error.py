"""The compiled comparison of nodes with their prediction, against plain NumPy."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.pixels.prediction_error import HALO, prediction_error

LAWS = settings(max_examples=20)
Values = NDArray[np.floating]


@cache
def midpoints(count: int) -> Values:
    """The matrix that leads from a line to the points half-way between its neighbours.

    Each lies on the cubic through the nearest four.
    """
    found = np.zeros((count - 1, count))
    for k in range(count - 1):
        nodes = np.arange(4) + min(max(k - 1, 0), count - 4)
        for n in nodes.tolist():
            others = nodes[nodes != n]
            found[k, n] = np.prod((k + 0.5 - others) / (n - others))
    return found


def plain(block: Values) -> float:
    """The largest difference of one block of one channel, halo included."""
    even = block[::2, ::2].astype(np.float64)
    between = midpoints(len(even))
    predicted = np.full(block.shape, np.nan)
    predicted[::2, 1::2] = even @ between.T
    predicted[1::2, ::2] = between @ even
    predicted[1::2, 1::2] = between @ even @ between.T
    found = np.abs(block - predicted)[1:-1, 1:-1]
    found[[0, -1], :] *= 0.6
    found[:, [0, -1]] *= 0.6
    return float(np.nanmax(found))


@LAWS
@given(
    st.sampled_from([4, 8, 32]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["float32", "float64"]),
    st.integers(0, 2**32),
)
def test_it_is_that_of_plain_numpy(
    across: int, channels: int, count: int, down: int, right: int, dtype: str, seed: int
) -> None:
    shape = (channels, count, down * across + 1 + 2 * HALO, right * across + 1 + 2 * HALO)
    nodes = np.random.default_rng(seed).random(shape).astype(dtype)
    found = prediction_error(nodes, across)
    assert found.shape == (count, down, right)
    side = across + 1 + 2 * HALO
    for n, row, col in np.ndindex(found.shape):
        part = nodes[:, n, row * across :, col * across :][:, :side, :side]
        assert found[n, row, col] == pytest.approx(max(map(plain, part)), abs=1e-12)


def test_a_cubic_is_predicted_exactly() -> None:
    y, x = np.mgrid[0:13, 0:13] / 12.0
    nodes = (x**3 - 2.0 * x * y**2 + y**3 * x**3 + 0.5)[None]
    assert prediction_error(nodes, 8).max() < 1e-15


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(1, 1), (2, 4), (3, 6), (7, 7)])
def test_what_is_no_number_is_never_accepted(bad: float, place: tuple[int, int]) -> None:
    nodes = np.zeros((1, 9, 9))
    nodes[(0, *place)] = bad
    assert np.isinf(prediction_error(nodes, 4)).all()


def test_views_are_read_where_they_lie() -> None:
    whole: Any = np.random.default_rng(1).random((3, 9, 40))
    expected = prediction_error(np.ascontiguousarray(whole[:, :, 3:12]), 4)
    assert np.array_equal(prediction_error(whole[:, :, 3:12], 4), expected)
    broadcast = np.broadcast_to(whole[0, 0, :9, None], (1, 9, 9))
    assert np.array_equal(prediction_error(broadcast, 4), prediction_error(broadcast.copy(), 4))
