"""Laws of easings, interpolations and tracks."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tilecppn.film.timeline.interpolation import EASINGS, INTERPOLATIONS, Segment, spline_slopes
from tilecppn.film.timeline.track import Track
from tilecppn.film.timeline.values import Array, value_type
from tilecppn.scene.oklab import oklab, srgb
from tilecppn.scene.palettes import stops

Palette = str | tuple[str, ...]

finite = st.floats(-100, 100)
positive = st.floats(1e-3, 1e3)
fractions = st.floats(0, 1)


def track(values: list[float], way: str = "linear", **options: object) -> Track:
    times = tuple(float(i) for i in range(len(values)))
    easings = ("linear",) * len(values)
    return Track(times, tuple(values), way, easings, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [n for n in EASINGS if n != "hold"])
@given(a=fractions, b=fractions)
def test_easings_grow_from_0_to_1(name: str, a: float, b: float) -> None:
    function = EASINGS[name]
    assert function(0.0) == 0.0
    assert function(1.0) == pytest.approx(1.0)
    low, high = sorted((a, b))
    assert function(low) <= function(high) + 1e-15


def test_the_sinusoid_is_the_originals() -> None:
    assert EASINGS["sinusoid"](1 / 3) == pytest.approx(0.5)


@pytest.mark.parametrize("way", INTERPOLATIONS)
@given(values=st.lists(positive, min_size=2, max_size=6))
def test_a_track_has_its_keyframes_own_values_at_their_times(way: str, values: list[float]) -> None:
    made = track(values, way)
    assert [made.at(t) for t in made.times] == values
    assert made.at(-3.0) == values[0]
    assert made.at(1e9) == values[-1]


@pytest.mark.parametrize("way", INTERPOLATIONS)
@given(values=st.lists(positive, min_size=2, max_size=6), t=st.floats(0, 5))
def test_a_closed_track_comes_again(way: str, values: list[float], t: float) -> None:
    period = float(len(values)) + 0.5
    made = track(values, way, period=period)
    assert made.at(t + period) == pytest.approx(made.at(t), rel=1e-6, abs=1e-6)
    assert made.at(period - 1e-9) == pytest.approx(values[0], rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("way", INTERPOLATIONS)
@given(
    a=st.lists(positive, min_size=3, max_size=3),
    b=st.lists(positive, min_size=3, max_size=3),
    slope=finite,
)
def test_a_segment_begins_exactly_at_its_start(
    way: str, a: list[float], b: list[float], slope: float
) -> None:
    start, end = np.array(a), np.array(b)
    segment = Segment(start, end, (start * slope, end * slope), 2.5)
    assert np.array_equal(INTERPOLATIONS[way].between(segment, 0.0), start)


@given(a=positive, b=positive, u=fractions)
def test_exponential_has_equal_ratios(a: float, b: float, u: float) -> None:
    made = track([a, b], "exponential")
    ratio = made.at(u * 0.5 + 0.25) / made.at(u * 0.5)
    assert ratio == pytest.approx((b / a) ** 0.25, rel=1e-9)


@given(a=st.lists(finite, min_size=3, max_size=3), b=st.lists(finite, min_size=3, max_size=3))
def test_spherical_keeps_to_the_plane_and_turns_evenly(a: list[float], b: list[float]) -> None:
    one, two = np.array(a), np.array(b)
    lengths = np.linalg.norm(one), np.linalg.norm(two)
    if min(lengths) < 1e-3:
        return
    one, two = one / lengths[0], two / lengths[1]
    angle = math.acos(max(-1.0, min(1.0, float(one @ two))))
    if not 0.01 < angle < math.pi - 0.01:
        return
    segment = Segment(one, two, (one * 0, two * 0), 1.0)
    points = [INTERPOLATIONS["spherical"].between(segment, u) for u in (0, 0.25, 0.5, 0.75, 1)]
    assert_allclose([np.linalg.norm(p) for p in points], 1.0, atol=1e-9)
    turns = [math.acos(min(1.0, float(p @ q))) for p, q in pairwise(points)]
    assert_allclose(turns, angle / 4, atol=1e-6)


@pytest.mark.parametrize("closed", [False, True])
@given(
    gaps=st.lists(st.floats(0.2, 5.0), min_size=2, max_size=7),
    values=st.lists(finite, min_size=8, max_size=8),
)
def test_the_spline_is_smooth_to_the_second_derivative(
    closed: bool, gaps: list[float], values: list[float]
) -> None:
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    v = np.array(values[: len(times)])[:, None]
    if closed:
        v[-1] = v[0]
    m = spline_slopes(times.tolist(), v, closed)
    h = np.diff(times)[:, None]
    chord = np.diff(v, axis=0) / h
    # Second derivatives of the cubic at the two ends of each piece, from values and slopes.
    left = (6 * chord - 4 * m[:-1] - 2 * m[1:]) / h
    right = (2 * m[:-1] + 4 * m[1:] - 6 * chord) / h
    scale = 1.0 + np.abs(v).max() / min(gaps) ** 2
    assert_allclose(right[:-1], left[1:], atol=1e-9 * scale)
    if closed:
        assert_allclose(m[0], m[-1], atol=1e-9 * scale)
        assert_allclose(right[-1], left[0], atol=1e-9 * scale)
    else:
        assert_allclose([left[0], right[-1]], 0.0, atol=1e-9 * scale)


def test_the_spline_of_a_line_is_the_line() -> None:
    made = Track((0.0, 1.0, 4.0), (1.0, 3.0, 9.0), "spline", ("linear",) * 3)
    assert [made.at(t) for t in (0.5, 2.0, 3.5)] == pytest.approx([2.0, 5.0, 8.0])


def test_a_turn_of_a_closed_spline_goes_on_evenly() -> None:
    made = Track((0.0, 10.0), (0.0, 360.0), "spline", ("linear",) * 2, period=10.0)
    assert [made.at(t) for t in (2.5, 5.0, 7.5)] == pytest.approx([90.0, 180.0, 270.0])


def test_hold_stays_and_then_jumps() -> None:
    made = Track((0.0, 1.0, 2.0), (1.0, 2.0, 3.0), "spline", ("hold", "linear", "linear"))
    assert made.at(0.999) == 1.0
    assert made.at(1.0) == 2.0


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        ((("#000000", "#ff0080"), ("#ffffff", "#ff0000")), ("#636363", "#ff0a55")),
        ((("#000", "#f08"), ("#ffffff", "#ff0000")), ("#636363", "#ff0c5a")),
        ((True, False), True),
        (("centers", "endpoints"), "centers"),
        ((3, 7), 3),
    ],
)
def test_colours_are_mixed_and_what_is_no_amount_is_held(
    values: tuple[object, object], middle: object
) -> None:
    made = Track((0.0, 1.0), values, "linear", ("linear",) * 2)
    assert made.at(0.5) == middle
    assert made.at(1.0) == values[1]


def test_lists_of_names_are_no_colours() -> None:
    assert value_type([("#12345", "tanh")]) is None


@pytest.mark.parametrize(
    ("palettes", "count"),
    [
        ((("#000", "#fff"), ("#f00", "#0f0", "#00f")), 3),
        ((("#000", "#fff", "#000"), ("#f00", "#0f0", "#00f", "#fff")), 7),
        (("viridis", "magma_r"), 256),
        ((("#000", "#fff"), "viridis"), 256),
        ((("#000",) * 300, ("#fff",) * 300), 300),
        ((("#000",) * 300, ("#fff",) * 299), 256),
    ],
)
def test_palettes_of_all_lengths_blend(palettes: tuple[Palette, Palette], count: int) -> None:
    """Halfway the colours are the means in OKLab, all along both palettes."""
    track = Track((0.0, 1.0), palettes, "linear", ("linear",) * 2)
    assert not track.steps
    middle = track.at(0.5)
    assert len(middle) == count
    places = np.linspace(0, 1, count)
    one, other, blend = (along(palette, places).T for palette in (*palettes, middle))
    mean = srgb((oklab(one) + oklab(other)) / 2)
    assert np.abs(blend - mean).max() < 0.51 / 255
    assert [track.at(0.0), track.at(1.0)] == list(palettes)


def along(palette: Palette, places: Array) -> Array:
    colours = stops(palette)
    here = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(places, here, channel) for channel in colours.T])


def test_a_name_that_stays_is_kept() -> None:
    for name in ("viridis", "hsv"):
        assert Track((0.0, 1.0), (name, name), "linear", ("linear",) * 2).at(0.5) == name
    jumps = Track((0.0, 1.0), ("hsv", "rgb"), "linear", ("linear",) * 2)
    assert jumps.steps
    assert jumps.at(0.5) == "hsv"
