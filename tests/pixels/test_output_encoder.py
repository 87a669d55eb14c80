"""Colour → stored value and nodes → pixels, against plain NumPy in float64; the noise of dither."""

from fractions import Fraction
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.pixels.output_encoder import (
    LANES,
    RAW_COLOURS,
    OutputEncoder,
    compiled,
    cubic,
    encode_into,
)
from tilecppn.plan import BLOCK

LAWS = settings(max_examples=60)

FULL = {"uint8": 255, "uint16": 65535}
FLOATS = [np.float32, np.float64]
ODD = [np.nan, -np.nan, np.inf, -np.inf, -0.0, -1e-30, -1.0, 1.0 + 1e-6, 2.0, 1e30, -1e30]
STORED = [0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0]  # of the odd ones, in units of the full value


def finished(
    colours: NDArray[Any], encoder: OutputEncoder, row: int = 0, col: int = 0
) -> NDArray[Any]:
    """Colours (channels, height, width) as pixels; whatever lies around them is not touched."""
    channels, height, width = colours.shape
    out = np.full((channels, height + 2, width + 4), 77, encoder.dtype)
    encode_into(encoder, colours[:, None], row, col, out[:, 1:-1, 2:-2])
    around = out.copy()
    around[:, 1:-1, 2:-2] = 77
    assert np.all(around == 77)
    return out[:, 1:-1, 2:-2]


def noise(channels: int, height: int, width: int, row: int = 0, col: int = 0) -> NDArray[Any]:
    """The same hash in NumPy."""

    def mixed(word: NDArray[Any]) -> NDArray[Any]:
        word = (word ^ (word >> 16)) * np.uint32(0x7FEB352D)
        word = (word ^ (word >> 15)) * np.uint32(0x846CA68B)
        return np.asarray(word ^ (word >> 16))

    c = np.arange(channels, dtype=np.uint32)[:, None, None]
    i = (np.arange(height, dtype=np.uint32) + np.uint32(row))[:, None]
    j = np.arange(width, dtype=np.uint32) + np.uint32(col)
    words = mixed(j + mixed(i + mixed(c)))
    return (words >> 8) * 2.0**-24 + (2.0**-25 - 0.5)


# Quantisation


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("dtype", FULL)
@pytest.mark.parametrize("floats", FLOATS)
def test_colours_are_clipped_scaled_and_rounded_half_to_even(
    floats: type, dtype: str, invert: bool
) -> None:
    rng = np.random.default_rng(0)
    colours: NDArray[Any] = rng.uniform(-0.2, 1.2, (3, 37, 53)).astype(floats)
    colours[0, 0] = np.arange(53) / 128  # exact halves of some steps
    plain: NDArray[Any] = np.clip(1 - colours if invert else colours, 0, 1)
    expected = np.rint(plain * floats(FULL[dtype]))
    got = finished(colours, OutputEncoder(dtype, invert, dither=False))
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("dtype", FULL)
@pytest.mark.parametrize("floats", FLOATS)
def test_every_stored_value_comes_back_from_its_own_colour(floats: type, dtype: str) -> None:
    values = np.arange(FULL[dtype] + 1)
    colours: NDArray[Any] = (values / FULL[dtype]).astype(floats)[None, None]
    assert np.array_equal(finished(colours, OutputEncoder(dtype, False, False))[0, 0], values)


@pytest.mark.parametrize("dither", [False, True])
@pytest.mark.parametrize("dtype", FULL)
@pytest.mark.parametrize("floats", FLOATS)
def test_colours_out_of_range_are_clipped_and_nan_is_black(
    floats: type, dtype: str, dither: bool
) -> None:
    colours: NDArray[Any] = np.array(ODD, floats)[None, None]
    got = finished(colours, OutputEncoder(dtype, False, dither))
    inverted = finished(colours, OutputEncoder(dtype, True, dither))
    full = FULL[dtype]
    assert got.ravel().tolist() == [full * v for v in STORED]
    assert inverted.ravel().tolist() == [0, 0, *(full * (1 - v) for v in STORED[2:])]


@LAWS
@given(st.floats(0, 1, width=32))
def test_float32_is_rounded_to_nearest(value: float) -> None:
    for dtype, full in FULL.items():
        got = int(
            finished(np.array([[[value]]], np.float32), OutputEncoder(dtype, False, False)).item()
        )
        near = Fraction(1, 2) + Fraction(float(np.spacing(np.float32(full))))
        assert abs(Fraction(value) * full - got) <= near


def test_float32_is_stored_as_it_is_or_inverted() -> None:
    colours: NDArray[Any] = np.array([*ODD[1:], 0.1, 1 / 3], np.float32)[None, None]
    for dither in (False, True):
        got = finished(colours, OutputEncoder("float32", False, dither))
        assert got.tobytes() == colours.tobytes()
        inverted = finished(colours, OutputEncoder("float32", True, dither))
        assert np.array_equal(inverted, 1 - colours, equal_nan=True)
    double = np.array([[[0.1, 1 / 3, 1e-40]]])
    assert np.array_equal(finished(double, RAW_COLOURS), double.astype(np.float32))


# From nodes


def interpolated(nodes: NDArray[np.float64], stride: int, count: int) -> NDArray[np.float64]:
    """Pixels (count, count) from the second node on, by Lagrange's formula, in loops of its own."""
    at = np.arange(count) / stride
    weights = np.zeros((count, len(nodes)))
    for pixel, place in enumerate(at):
        first = int(place)
        for m in range(4):
            others = [first - 1 + k for k in range(4) if k != m]
            own = first - 1 + m
            basis = np.prod([(place - o) / (own - o) for o in others])
            weights[pixel, first + m] = basis
    return np.asarray(weights @ nodes @ weights.T)


def expanded(nodes: NDArray[np.float32], stride: int, encoder: OutputEncoder) -> NDArray[Any]:
    """One block whose nodes are all of these in its last channel, at row 640 and column 1280."""
    side = BLOCK // stride + 3
    assert nodes.shape == (side, side)
    planes = np.zeros((3, side * side + BLOCK * LANES), np.float32)
    planes[2, : side * side] = nodes.ravel()
    out = np.full((3, BLOCK + 2, BLOCK + 2), 77, encoder.dtype)
    compiled(encoder, np.dtype("float32"))[f"expand_{stride}"](
        planes, 3, planes.shape[1], side, np.array([[1, 1, 0]], np.int64), 1, cubic(stride),
        639, 1279, out, out[0].size, BLOCK + 2,
    )  # fmt: skip
    around = out.copy()
    around[:, 1:-1, 1:-1] = 77
    assert np.all(around == 77)
    return out[2, 1:-1, 1:-1]


STRIDES = [16, 8, 4, 2]


@pytest.mark.parametrize("stride", STRIDES)
def test_pixels_between_nodes_are_the_cubics(stride: int) -> None:
    side = BLOCK // stride + 3
    nodes = np.random.default_rng(stride).random((side, side)).astype(np.float32)
    expected = interpolated(nodes.astype(np.float64), stride, BLOCK)
    got = expanded(nodes, stride, RAW_COLOURS)
    assert np.abs(got - expected).max() < 1e-6
    assert np.array_equal(got[::stride, ::stride], nodes[1:-2, 1:-2])  # nodes as they are


@pytest.mark.parametrize("stride", STRIDES)
def test_cubics_are_exact_for_cubic_pictures(stride: int) -> None:
    side = BLOCK // stride + 3
    u = (np.arange(side) - 1) * stride / BLOCK
    x = np.arange(BLOCK) / BLOCK
    for a, b in product(range(4), range(4)):
        nodes = np.outer(u**a, u**b).astype(np.float32)
        assert np.abs(expanded(nodes, stride, RAW_COLOURS) - np.outer(x**a, x**b)).max() < 1e-6


@pytest.mark.parametrize(
    "encoder", [OutputEncoder(*f) for f in product(FULL, [False, True], [False, True])]
)
@pytest.mark.parametrize("stride", STRIDES)
def test_expanded_pixels_are_the_finished_colours(stride: int, encoder: OutputEncoder) -> None:
    """To the bit: interpolation does not depend on what is stored."""
    side = BLOCK // stride + 3
    nodes = np.random.default_rng(1).uniform(-0.3, 1.3, (side, side)).astype(np.float32)
    colours = expanded(nodes, stride, RAW_COLOURS)
    three = np.broadcast_to(colours, (3, BLOCK, BLOCK)).copy()
    assert np.array_equal(expanded(nodes, stride, encoder), finished(three, encoder, 640, 1280)[2])


def test_weights_sum_to_1() -> None:
    for stride in STRIDES:
        assert np.allclose(cubic(stride).astype(np.float64).sum(axis=1), 1.0, rtol=0, atol=1e-7)
        assert cubic(stride)[0].tolist() == [0.0, 1.0, 0.0, 0.0]


# Noise

DITHERED = partial(OutputEncoder, invert=False, dither=True)


@pytest.mark.parametrize("dtype", FULL)
@pytest.mark.parametrize("place", [(0, 0), (5, 1), (2**31 - 40, 2**31 - 60), (2**32, 2**33 + 3)])
def test_dithered_pixels_are_rounded_after_the_noise_of_their_own_index(
    dtype: str, place: tuple[int, int]
) -> None:
    row, col = place
    colours = np.random.default_rng(0).random((3, 37, 53))
    added = noise(3, 37, 53, row % 2**32, col % 2**32)
    expected = np.rint(np.clip(colours * FULL[dtype] + added.astype(np.float64), 0, FULL[dtype]))
    assert np.array_equal(finished(colours, DITHERED(dtype), row, col), expected)
    part = finished(colours[:, 4:, 9:].copy(), DITHERED(dtype), row + 4, col + 9)
    assert np.array_equal(part, expected[:, 4:, 9:])


def test_exact_values_stay_exact() -> None:
    """So black stays black, white white, and dithering twice changes nothing."""
    colours = (np.arange(256) / 255).astype(np.float32)
    many = np.broadcast_to(colours, (3, 500, 256)).copy()
    assert np.array_equal(finished(many, DITHERED("uint8"))[2], np.tile(np.arange(256), (500, 1)))


@pytest.mark.parametrize("steps", [0.25, 0.5, 3.1, 100.75, 254.9])
def test_flat_areas_have_their_colour_in_the_mean(steps: float) -> None:
    flat = np.full((3, 512, 512), steps / 255)
    got = finished(flat, DITHERED("uint8"))
    assert set(np.unique(got)) == {int(steps), int(steps) + 1}
    # Of n pixels the mean is 4 deviations of sqrt(p (1 - p) / n) away at most.
    p = steps % 1
    off = 4 * np.sqrt(p * (1 - p) / 512**2)
    assert np.abs(got.mean(axis=(1, 2), dtype=np.float64) - steps).max() <= off


def test_noise_is_even_between_minus_and_plus_a_half() -> None:
    values = noise(3, 1024, 1024)
    assert np.abs(values).max() < 0.5
    assert abs(values.mean()) < 4 * np.sqrt(1 / 12 / values.size)
    counts, _ = np.histogram(values, 64, (-0.5, 0.5))
    even = values.size / 64
    assert np.abs(counts - even).max() < 5 * np.sqrt(even)


@pytest.mark.parametrize("place", [(0, 0), (123_456_789, 987_654_321)])
def test_noise_has_no_pattern(place: tuple[int, int]) -> None:
    """Neither neighbours nor channels tell of each other, nor is any frequency stronger."""
    side = 512
    values = noise(3, side, side, *place)
    limit = 5 / side  # 5 deviations of a correlation of side² pairs
    for channel in values:
        for down, right in [(0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (8, 0), (0, 64)]:
            moved = np.roll(channel, (down, right), (0, 1))
            assert abs(np.corrcoef(channel.ravel(), moved.ravel())[0, 1]) < limit
        power = np.abs(np.fft.fft2(channel - channel.mean())) ** 2 / (side**2 / 12)
        assert power.max() < 20  # exponential with mean 1: beyond 20 once in 2,000 pictures
        for axis in (0, 1):
            assert np.abs(channel.mean(axis=axis)).max() < 5 * np.sqrt(1 / 12 / side)
    for a, b in [(0, 1), (0, 2), (1, 2)]:
        for shift in (0, 1):
            moved = np.roll(values[b], shift, 1)
            assert abs(np.corrcoef(values[a].ravel(), moved.ravel())[0, 1]) < limit
