"""The mean of 2×2 stored pixels, against Python's own rounding and plain loops."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.pixels.downsample import mean2x2

LAWS = settings(max_examples=80)


def blocks(*corners: NDArray[Any]) -> NDArray[Any]:
    """(1, 2, 2n): n blocks of 2×2, side by side, whose corners are the four arrays' values."""
    a, b, c, d = corners
    pixels = np.empty((1, 2, 2 * len(a)), a.dtype)
    pixels[0, 0, 0::2], pixels[0, 0, 1::2] = a, b
    pixels[0, 1, 0::2], pixels[0, 1, 1::2] = c, d
    return pixels


def quarters(total: int) -> list[int]:
    """Four values of about the same size whose sum is `total`."""
    return [(total + k) // 4 for k in range(4)]


@pytest.mark.parametrize(
    ("dtype", "full", "turn"),
    [*((np.uint8, 255, turn) for turn in range(4)), (np.uint16, 65535, 1)],
)
def test_every_sum_rounds_half_to_even(dtype: type, full: int, turn: int) -> None:
    sums = range(4 * full + 1)
    corners = np.array([quarters(s) for s in sums])
    assert corners.sum(axis=1).tolist() == list(sums)
    got = mean2x2(blocks(*np.roll(corners, turn, axis=1).T.astype(dtype)))
    assert got.dtype == dtype
    assert got.shape == (1, 1, len(sums))
    # A quarter of an integer is exact in float64, and Python rounds halves to even.
    assert got[0, 0].tolist() == [round(s / 4) for s in sums]


def test_pythons_rounding_of_quarters_is_that_of_fractions() -> None:
    assert all(round(s / 4) == round(Fraction(s, 4)) for s in range(1021))


def test_the_contracts_formula_is_rounding_half_to_even() -> None:
    for s in range(1021):
        assert (s + 1 + ((s >> 2) & 1)) >> 2 == round(Fraction(s, 4))


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 65535)])
def test_uneven_corners_do_not_overflow(dtype: type, full: int) -> None:
    bits = np.array([[(k >> b) & 1 for b in range(4)] for k in range(16)]) * full
    got = mean2x2(blocks(*bits.T.astype(dtype)))
    assert got[0, 0].tolist() == [round(Fraction(int(row.sum()), 4)) for row in bits]


def plain(pixels: NDArray[Any]) -> list[list[list[Any]]]:
    """In loops; the last row or column of an odd side counts twice."""
    channels, h, w = pixels.shape
    out = []
    for c in range(channels):
        rows = []
        for i in range(0, h, 2):
            row = []
            for j in range(0, w, 2):
                below, right = min(i + 1, h - 1), min(j + 1, w - 1)
                four = [pixels[c, y, x] for x in (j, right) for y in (i, below)]
                if pixels.dtype == np.float32:
                    # Rows first, then columns, each sum rounded to float32.
                    row.append(
                        float(((four[0] + four[1]) + (four[2] + four[3])) * np.float32(0.25))
                    )
                else:
                    row.append(round(Fraction(sum(map(int, four)), 4)))
            rows.append(row)
        out.append(rows)
    return out


def noise(shape: tuple[int, int, int], dtype: type, seed: int) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    if dtype is np.float32:
        return rng.normal(0.5, 0.5, shape).astype(np.float32)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


DTYPES: list[type] = [np.uint8, np.uint16, np.float32]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_size_agrees_with_plain_loops(dtype: type) -> None:
    @LAWS
    @given(st.integers(1, 3), st.integers(1, 13), st.integers(1, 13), st.integers(0, 2**32 - 1))
    @example(1, 1, 1, 0)
    @example(3, 1, 2, 0)
    @example(3, 2, 1, 0)
    @example(1, 13, 13, 0)
    def law(channels: int, h: int, w: int, seed: int) -> None:
        pixels = noise((channels, h, w), dtype, seed)
        before = pixels.copy()
        got = mean2x2(pixels)
        assert got.shape == (channels, -(-h // 2), -(-w // 2))
        assert got.dtype == dtype
        assert got.tolist() == plain(pixels)
        assert np.array_equal(pixels, before)

    law()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_part_from_even_rows_and_columns_is_the_part_of_the_whole(dtype: type) -> None:
    """So a shard's mean does not depend on where shards are cut."""
    pixels = noise((3, 101, 77), dtype, 0)
    whole = mean2x2(pixels)
    for top, left, bottom, right in ((0, 0, 64, 64), (64, 64, 101, 77), (2, 10, 30, 77)):
        part = mean2x2(pixels[:, top:bottom, left:right])
        assert np.array_equal(
            part, whole[:, top // 2 : -(-bottom // 2), left // 2 : -(-right // 2)]
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_flat_picture_stays_flat(dtype: type) -> None:
    for value in (0, 1, 254, 255):
        assert (mean2x2(np.full((3, 7, 9), value, dtype)) == value).all()


def test_float_pixels_that_are_no_numbers_stay_so() -> None:
    pixels = np.zeros((1, 2, 4), np.float32)
    pixels[0, 0, 0], pixels[0, 1, 3] = math.nan, math.inf
    got = mean2x2(pixels)[0, 0].tolist()
    assert math.isnan(got[0])
    assert got[1] == math.inf


VIEWS: list[Any] = [
    lambda p: p[:, 3:20, 5:38],
    lambda p: p[:, ::2],
    lambda p: p[:, ::-1],
    lambda p: p[::-1],
    lambda p: p[:, :, ::2],
    lambda p: p.swapaxes(1, 2),
    lambda p: p[:, 9:10, 9:10],
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("view", VIEWS)
def test_views_give_what_their_copies_give(view: Any, dtype: type) -> None:
    pixels = noise((3, 41, 51), dtype, 1)
    assert mean2x2(view(pixels)).tolist() == plain(np.ascontiguousarray(view(pixels)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("height", "width"), [(17, 32), (18, 33), (1, 1), (64, 70)])
def test_means_are_written_into_a_part_of_an_array_and_nowhere_else(
    height: int, width: int, dtype: type
) -> None:
    pixels = noise((3, height, width), dtype, 2)
    canvas = noise((3, 50, 60), dtype, 3)
    expected = canvas.copy()
    part = (slice(None), slice(7, 7 + (height + 1) // 2), slice(5, 5 + (width + 1) // 2))
    expected[part] = plain(pixels)
    got = mean2x2(pixels, lambda shape, dtype: canvas[part])
    assert np.shares_memory(got, canvas)
    assert np.array_equal(canvas, expected)
