"""RGB → YUV 4:2:0, beside the formulas of BT.709 in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.pixels.yuv import NARROWEST, Planes


def exact(rgb: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """Y', Cb and Cr of (3, height, width); colour at every second pixel, between two rows."""
    red, green, blue = rgb.astype(np.float64) / 255.0
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    result = [16.0 + 219.0 * luma]
    for part in ((blue - luma) / 1.8556, (red - luma) / 1.5748):
        rows = (part[::2] + part[1::2]) / 2.0
        padded = np.pad(rows, ((0, 0), (1, 1)), "edge")
        smooth = (padded[:, :-2] + 2.0 * padded[:, 1:-1] + padded[:, 2:]) / 4.0
        result.append(128.0 + 224.0 * smooth[:, ::2])
    return result


def split(data: NDArray[np.uint8], width: int, height: int) -> list[NDArray[np.uint8]]:
    luma = data[: width * height].reshape(height, width)
    return [luma, *data[width * height :].reshape(2, height // 2, width // 2)]


@settings(max_examples=30)
@given(
    st.integers(NARROWEST // 2, 60),
    st.integers(1, 9),
    st.integers(0, 8),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_planes_are_those_of_bt709(
    half: int, pairs: int, cut: int, interleaved: bool, seed: int
) -> None:
    width, height, cut = 2 * half, 2 * pairs, 2 * min(cut, pairs)
    rgb = np.random.default_rng(seed).integers(0, 256, (3, height, width), np.uint8)
    given_ = np.ascontiguousarray(rgb.transpose(1, 2, 0)).transpose(2, 0, 1) if interleaved else rgb
    planes = Planes(width, height)
    for part in (given_[:, :cut], given_[:, cut:]):
        if part.size:
            planes.add(part)
    for found, wanted in zip(split(planes.data, width, height), exact(rgb), strict=True):
        assert np.abs(found - wanted).max() <= 0.56  # half a step, and coefficients of 13 bits


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_has_no_colour_and_the_range_of_video(channels: int) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (channels, 2, 1))
    planes = Planes(256, 2)
    planes.add(ramp)
    luma, blue, red = split(planes.data, 256, 2)
    assert (luma[0, 0], luma[0, 255]) == (16, 235)
    assert np.array_equal(luma[0], np.rint(16 + np.arange(256) * 219 / 255))
    assert (blue == 128).all()
    assert (red == 128).all()
