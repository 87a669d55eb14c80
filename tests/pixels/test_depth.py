"""8 bits of more, by dither: no bands, no seams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilecppn.pixels.depth import dithered


def test_a_dark_gradient_has_no_bands() -> None:
    """Over 2,000 rows each of its levels comes out right on average, between 8-bit steps too."""
    gradient = np.arange(0, 2570, dtype=np.uint16)  # 10 steps of 8 bits
    pixels = np.broadcast_to(gradient, (1, 2000, gradient.size))
    means = dithered(pixels, 0, 0)[0].mean(axis=0)
    error = means - gradient / 257.0
    assert np.abs(error[129:]).max() < 0.06  # five standard deviations of 2,000 roundings
    assert abs(error[129:].mean()) < 2e-3
    smooth = np.convolve(means, np.ones(32) / 32, "valid")
    assert (np.diff(smooth[129::32]) > 0).all()


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_what_8_bits_hold_stays_nearly_always(dtype: str) -> None:
    steps = np.broadcast_to(np.arange(256), (3, 100, 256))
    pixels = (steps * 257).astype(dtype) if dtype == "uint16" else (steps / 255.0).astype(dtype)
    assert (dithered(pixels, 5, 7) == steps).mean() > 0.999


@given(st.integers(0, 2**33), st.integers(0, 2**33), st.integers(1, 69), st.integers(1, 89))
def test_pieces_are_those_of_the_whole(row: int, col: int, down: int, across: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (3, 70, 90), np.uint16)
    whole = dithered(pixels, row, col)
    part = dithered(pixels[:, down:, across:], row + down, col + across)
    assert np.array_equal(part, whole[:, down:, across:])


def test_float_beyond_the_range_is_clipped() -> None:
    pixels = np.array([[[-1.0, 2.0, np.nan, np.inf]]], np.float32)
    assert dithered(pixels, 0, 0)[0, 0, [0, 1, 3]].tolist() == [0, 255, 255]
