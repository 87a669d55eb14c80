"""Colours as stored values: rounded to nearest, halves to even; nothing odd gets through."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.pixels.quantise import quantise, to_uint8, to_uint16
from tilecppn.scene.sections import FULL, Output

LAWS = settings(max_examples=200)

FLOATS = [np.float32, np.float64]


def stored(colour: NDArray[Any], output: Output) -> list[float]:
    out = np.full(colour.shape, 77, output.dtype)
    quantise(colour.copy(), output, out)
    values: list[float] = out.tolist()
    return values


@pytest.mark.parametrize("dtype", FULL)
@pytest.mark.parametrize("floats", FLOATS)
def test_every_stored_value_comes_back_from_its_own_colour(floats: type, dtype: str) -> None:
    values = np.arange(FULL[dtype] + 1)
    assert stored((values / FULL[dtype]).astype(floats), Output(dtype=dtype)) == values.tolist()


@LAWS
@given(st.floats(0, 1))
@example(0.5)  # 127.5 and 32767.5: to even
@example(math.nextafter(0.5, 0))
@example(math.nextafter(0.5, 1))
@example(math.nextafter(1.0, 0))
@example(5e-324)
def test_float64_is_rounded_as_python_rounds(value: float) -> None:
    for dtype, full in FULL.items():
        assert stored(np.array([value]), Output(dtype=dtype)) == [round(value * full)]
        # The product itself rounds first, by half a unit in its last place at most.
        exact = Fraction(value) * full
        got = int(stored(np.array([value]), Output(dtype=dtype))[0])
        assert abs(exact - got) <= Fraction(1, 2) + Fraction(math.ulp(float(full)))


@LAWS
@given(st.floats(0, 1, width=32))
@example(0.5)
def test_float32_is_rounded_to_nearest(value: float) -> None:
    for dtype, full in FULL.items():
        exact = Fraction(value) * full
        got = int(stored(np.array([value], np.float32), Output(dtype=dtype))[0])
        assert abs(exact - got) <= Fraction(1, 2) + Fraction(float(np.spacing(np.float32(full))))


@pytest.mark.parametrize("floats", FLOATS)
def test_halves_go_to_even(floats: type) -> None:
    half: NDArray[Any] = np.array([0.5], floats)
    assert stored(half, Output(dtype="uint8")) == [128]
    assert stored(half, Output(dtype="uint16")) == [32768]
    # 85/510 of 255 is 42.5 and 87/510 is 43.5; as near as floats come, they go to a neighbour.
    for k in range(1, 510, 2):
        assert stored(np.array([k / 510], floats), Output())[0] in (k // 2, k // 2 + 1)


ODD = [math.nan, -math.nan, math.inf, -math.inf, -0.0, -1e-300, -1.0, 1.0 + 1e-9, 2.0, 1e30, -1e30]


@pytest.mark.parametrize("floats", FLOATS)
@pytest.mark.parametrize("dtype", FULL)
def test_colours_out_of_range_are_clipped_and_nan_is_black(floats: type, dtype: str) -> None:
    full = FULL[dtype]
    expected = [0, 0, full, 0, 0, 0, 0, full, full, full, 0]
    assert stored(np.array(ODD, floats), Output(dtype=dtype)) == expected


@pytest.mark.parametrize("floats", FLOATS)
@pytest.mark.parametrize("dtype", FULL)
def test_inverted_colours_out_of_range_are_clipped_and_nan_is_black(
    floats: type, dtype: str
) -> None:
    full = FULL[dtype]
    expected = [0, 0, 0, full, full, full, full, 0, 0, 0, full]
    assert stored(np.array(ODD, floats), Output(dtype=dtype, invert=True)) == expected


def test_float32_is_stored_as_it_is() -> None:
    values = np.array([*ODD[2:], 0.1, 1 / 3], np.float32)
    assert stored(values, Output(dtype="float32")) == values.tolist()
    nan = np.array([math.nan], np.float32)
    assert math.isnan(stored(nan, Output(dtype="float32"))[0])
    double = np.array([0.1, 1 / 3, 1e-40])
    assert stored(double, Output(dtype="float32")) == double.astype(np.float32).tolist()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("floats", FLOATS)
def test_invert_stores_one_minus_the_colour(floats: type, dtype: str) -> None:
    colour: NDArray[Any] = np.random.default_rng(0).random(1000).astype(floats)
    got = stored(colour, Output(dtype=dtype, invert=True))
    assert got == stored((1 - colour).astype(floats), Output(dtype=dtype))
    assert stored(np.array([0.0, 1.0], floats), Output(dtype="uint8", invert=True)) == [255, 0]


@LAWS
@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=20))
def test_brighter_colours_are_never_stored_darker(values: list[float]) -> None:
    values.sort()
    for dtype in FULL:
        assert (got := stored(np.array(values), Output(dtype=dtype))) == sorted(got)


def test_only_the_place_given_is_written() -> None:
    out = np.zeros((3, 8, 9), np.uint8)
    quantise(np.ones((3, 2, 4)), Output(), out[:, 3:5, 2:6])
    expected = np.zeros((3, 8, 9), np.uint8)
    expected[:, 3:5, 2:6] = 255
    assert np.array_equal(out, expected)


# Stored values as 8 or 16 bits


def test_8_bits_stay_as_they_are() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_uint8(pixels), pixels)


def test_16_bits_become_the_nearest_8() -> None:
    pixels = np.arange(65536, dtype=np.uint16)
    got = to_uint8(pixels)
    assert got.dtype == np.uint8
    # 65535 = 255 · 257, so no value lies halfway.
    assert got.tolist() == [round(Fraction(v, 257)) for v in range(65536)]


def test_floats_become_8_and_16_bits_as_if_they_were_rendered_so() -> None:
    pixels = np.array([*ODD, *np.linspace(0, 1, 999)], np.float32)
    for convert, dtype in ((to_uint8, "uint8"), (to_uint16, "uint16")):
        before = pixels.copy()
        got = convert(pixels)
        assert got.dtype == dtype
        assert got.tolist() == stored(pixels, Output(dtype=dtype))
        assert np.array_equal(pixels, before, equal_nan=True)  # a store's pixels are not ours
