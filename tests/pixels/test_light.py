"""Levels by means of light: against the curves of the profiles, in plain arithmetic."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.pixels.downsample import mean2x2
from tilecppn.pixels.light import Light, power
from tilecppn.pixels.resample import resampled
from tilecppn.plan import Window
from tilecppn.scene.profiles import PROFILES

FULL = {"uint8": 255, "uint16": 65535}
dtypes = st.sampled_from(sorted(FULL))
profiles = st.sampled_from(sorted(PROFILES))


def light(value: float, profile: str) -> float:
    """The light of a stored value from 0 to 1 (IEC 61966-2-1; Adobe RGB (1998))."""
    if profile == "adobe-rgb":
        return float(value ** (563 / 256))
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def block(four: list[int], dtype: str) -> NDArray[Any]:
    return np.array(four, dtype).reshape(1, 2, 2)


@given(dtypes, profiles, st.lists(st.integers(0, 65535), min_size=4, max_size=4))
@example("uint8", "srgb", [187, 0, 0, 0])
@example("uint16", "adobe-rgb", [0, 0, 0, 1])
@example("uint16", "srgb", [65535] * 4)
def test_the_mean_is_the_stored_value_nearest_to_the_mean_light(
    dtype: str, profile: str, four: list[int]
) -> None:
    full = FULL[dtype]
    four = [value % (full + 1) for value in four]
    mean = sum(light(v / full, profile) for v in four) / 4
    found = int(mean2x2(block(four, dtype), profile=profile)[0, 0, 0])
    assert min(four) <= found <= max(four)
    assert light(max(found - 0.5, 0) / full, profile) <= mean + 1e-12
    assert found == full or mean <= light((found + 0.5) / full, profile) + 1e-12


def test_a_bright_point_stays_as_bright_as_it_is() -> None:
    point = block([187, 0, 0, 0], "uint8")
    assert mean2x2(point)[0, 0, 0] == 47
    assert mean2x2(point, profile="srgb")[0, 0, 0] == 99  # light of 0.4969, a quarter of it


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("dtype", FULL)
def test_every_value_is_its_own_mean(dtype: str, profile: str) -> None:
    values = np.arange(FULL[dtype] + 1).astype(dtype)
    picture = np.repeat(np.repeat(values[None, None], 2, axis=1), 2, axis=2)
    assert np.array_equal(mean2x2(picture, profile=profile)[0, 0], values)
    table = Light.of(profile, values.dtype)
    assert np.array_equal(table.stored(table.values.astype(np.float32)), values)
    assert (np.diff(table.bounds) > 0).all()


@given(dtypes, profiles, st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_edges_count_twice_and_parts_are_those_of_the_whole(
    dtype: str, profile: str, height: int, width: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, FULL[dtype], (3, height, width), dtype)
    even = np.pad(pixels, ((0, 0), (0, height % 2), (0, width % 2)), "edge")
    whole = mean2x2(pixels, profile=profile)
    assert np.array_equal(whole, mean2x2(even, profile=profile))
    part = mean2x2(pixels[:, height // 4 * 2 :, width // 4 * 2 :], profile=profile)
    assert np.array_equal(part, whole[:, height // 4 :, width // 4 :])


@given(st.floats(0, 1), st.sampled_from([2.4, 563 / 256, 1.0, 0.5]))
def test_powers_are_those_of_python(base: float, exponent: float) -> None:
    expected = pytest.approx(base**exponent, rel=1e-13, abs=1e-300)
    assert power(np.array([base]), exponent)[0] == expected


@pytest.mark.parametrize("dtype", FULL)
def test_a_smaller_export_keeps_the_light_too(dtype: str) -> None:
    """Of black and white lines, whose light is a half."""
    lines = np.zeros((1, 120, 120), dtype)
    lines[:, ::2] = FULL[dtype]

    def read(window: Window) -> NDArray[Any]:
        return lines[:, window.top : window.bottom, window.left : window.right]

    out = resampled(read, (120, 120), (40, 40), Window(0, 0, 40, 40), "srgb")
    assert out.dtype == lines.dtype
    middle = out[0, 5:-5, 5:-5].astype(float) / FULL[dtype]
    assert abs(light(float(middle.mean()), "srgb") - 0.5) < 0.02
