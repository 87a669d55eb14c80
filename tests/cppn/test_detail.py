"""Networks with detail: their layers, what a view makes of them, and their files."""

import math
from dataclasses import replace
from functools import cache
from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cppn.plain_detail import PlainNetwork
from tilecppn.cppn import CPPN, PRESETS
from tilecppn.cppn.detail import FADE, Amplitude, DetailModel, Sampling
from tilecppn.cppn.portable_math import exp2, log2, smoothstep
from tilecppn.errors import SceneError, WeightsError

plain_network = cache(PlainNetwork)
DETAILED = [name for name, preset in PRESETS.items() if preset.detail is not None]
PLACE = (0.21, -0.13)
VIEWS = {
    "thumbnail": Sampling(2.4 / 256, 1.2),
    "print": Sampling(2.4 / 32768, 1.2),
    "near": Sampling(2e-3 / 1024, 1e-3, PLACE),
    "deep": Sampling(2e-6 / 1024, 1e-6, PLACE),
}


def test_there_are_six_at_least_with_twelve_octaves() -> None:
    assert len(DETAILED) >= 6
    assert all(PRESETS[name].octaves >= 12 for name in DETAILED)
    assert all(p.octaves == 0 for name, p in PRESETS.items() if name not in DETAILED)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", DETAILED)
def test_the_values_are_those_of_the_plain_formulas(name: str, view: str) -> None:
    seed, sampling = 3, VIEWS[view]
    cppn = CPPN.from_preset(name, seed=seed)
    x, y = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 50)) * sampling.scale
    x, y = x + sampling.center[0], y + sampling.center[1]
    fineness = np.random.default_rng(1).uniform(-0.6, 0.8, 50)
    expected = plain_network(name, seed).values(x, y, *sampling[:3], fineness)
    network = cppn.resolve(cppn.seeded_latent(seed), sampling)
    got = network.colour(x, y, np.hypot(x, y), fineness=fineness)
    # A weight of pyre differs in its last digit in float32, and zooms make more of it.
    amplified = name == "pyre" and view in ("near", "deep")
    assert np.abs(got - expected).max() < (1e-1 if amplified else 1e-5)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", DETAILED)
def test_the_local_fineness_is_that_of_the_plain_formula(name: str, view: str) -> None:
    seed, sampling = 3, VIEWS[view]
    cppn = CPPN.from_preset(name, seed=seed)
    network = cppn.resolve(cppn.seeded_latent(seed), sampling)
    local = network.local
    assert local is not None
    x, y = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 50)) * sampling.scale
    x, y = x + sampling.center[0], y + sampling.center[1]
    expected = plain_network(name, seed).local_fineness(x, y, *sampling[:3])
    squares = [np.zeros(50) for _ in local.shares]
    half = 0.5 * sampling.step
    for sign in (1.0, -1.0):  # along the diagonals of a pixel
        ends = [
            list(network.hidden(x + end * half, y + end * sign * half, 0.0)) for end in (1.0, -1.0)
        ]
        followed = (hidden[local.layer : local.end] for hidden in ends)
        for square, (_, after), (_, before) in zip(squares, *followed, strict=True):
            square += 0.5 * np.square(after - before).mean(axis=-1)
    assert np.ptp(expected) > 0.3
    assert np.abs(local.of(squares) - expected).max() < (5e-3 if view != "deep" else 2e-2)


def test_places_fade_each_by_their_own_fineness() -> None:
    cppn = CPPN.from_preset("petal", seed=1)
    network = cppn.resolve(cppn.seeded_latent(1), VIEWS["print"])
    x, y, r = 0.3, -0.2, np.hypot(0.3, -0.2)
    calm, typical, busy, busiest = (
        network.colour(x, y, r, fineness=place) for place in (-0.6, 0.0, 0.5, 9.0)
    )
    assert len({tuple(colour) for colour in (calm, typical, busy, busiest)}) == 4
    kept = [layer for layer in network.layers if layer.fade is None]
    alone = replace(network, layers=tuple(kept)).colour(x, y, r)
    assert np.allclose(busiest, alone, rtol=0.0, atol=1e-15)
    starts = [layer.fade.start for layer in network.layers if layer.fade is not None]
    assert len(starts) > 4
    assert starts == sorted(starts, reverse=True)


def test_without_a_view_it_is_as_finely_drawn_as_it_has_layers() -> None:
    cppn = CPPN.from_preset("jupiter", seed=1)
    network = cppn.resolve(cppn.seeded_latent(0))
    assert len(network.layers) == len(cppn.layers) - 1
    assert all(layer.fade is None for layer in network.layers)
    assert cppn(0.1, 0.2, cppn.seeded_latent(0)).shape == (2,)


def _strengths(amplitudes: list[Amplitude], fineness: float) -> list[list[float]]:
    """Each layer's factors, faded."""
    fades = [1.0 if a.fade is None else smoothstep(a.fade - fineness) for a in amplitudes]
    return [[fade * f for f in a.factors] for fade, a in zip(fades, amplitudes, strict=True)]


@given(st.floats(-40.0, 3.0), st.floats(0.0, 12.0), st.floats(-0.6, 1.0))
def test_amplitudes_go_on_smoothly_as_a_view_goes_in(
    octaves: float, pixels: float, fineness: float
) -> None:
    readouts = DetailModel(CPPN.from_preset("tide").structure, 24)
    scale = 1.2 * 2.0**octaves
    before, after = (
        readouts.amplitudes(Sampling(2.0 * s / 2.0**pixels, s)) for s in (scale, scale * 2**0.01)
    )
    strengths = (_strengths(a, fineness) for a in (before, after))
    both = zip_longest(*strengths, fillvalue=[0.0, 0.0])
    assert max(abs(a - b) for one, other in both for a, b in zip(one, other, strict=True)) < 0.02
    assert abs(len(before) - len(after)) <= 1
    assert all(0.0 <= a <= 1.5 for amplitude in before for a in amplitude.factors)


@given(st.floats(-30.0, 3.0), st.floats(4.0, 16.0))
def test_the_followed_layers_go_over_into_the_next_smoothly(octaves: float, pixels: float) -> None:
    readouts = DetailModel(CPPN.from_preset("tide").structure, 24)
    scale = 1.2 * 2.0**octaves
    squares = {i: np.array([0.1 + 0.01 * (i % 7)]) for i in range(60)}
    found = []
    for s in (scale, scale * 2**0.01):
        local = readouts.local_fineness(Sampling(2.0 * s / 2.0**pixels, s))
        local = replace(local, whole=0.0, expected=0.0)
        found.append(local.of([squares[i] for i in range(local.layer, local.end)])[0])
    assert abs(found[0] - found[1]) < 0.02


def test_a_larger_canvas_reads_more_layers_and_changes_no_coarse_one() -> None:
    readouts = DetailModel(CPPN.from_preset("agate").structure, 24)
    small, large = (readouts.amplitudes(Sampling(2.4 / n, 1.2)) for n in (512, 65536))
    assert len(large) >= len(small) + 5
    assert all(one.factors == other.factors for one, other in zip(small, large, strict=False))
    whole = sum(amplitude.fade is None for amplitude in small)
    assert whole >= 3
    assert all(amplitude.fade is None for amplitude in large[: whole + 5])


@pytest.mark.parametrize("name", DETAILED)
def test_fineness_over_the_picture_is_that_of_the_plain_formula(name: str) -> None:
    cppn = CPPN.from_preset(name, seed=5)
    assert math.isclose(cppn.overall_fineness, plain_network(name, 5).overall(), abs_tol=1e-4)


def test_a_finer_network_fades_as_much_earlier_and_keeps_its_forms() -> None:
    readouts = DetailModel(CPPN.from_preset("agate").structure, 24)
    view, finer = Sampling(2.4 / 4096, 1.2), Sampling(2.4 / 2048, 1.2)
    plain, fine, other = (
        readouts.amplitudes(view, overall=overall)
        for view, overall in ((view, 0.0), (view, 1.0), (finer, 0.0))
    )
    assert len(fine) == len(other) == len(plain) - 1
    every = [[a.factors for a in amplitudes] for amplitudes in (plain, fine, other)]
    assert every[0][:-1] == every[1] == every[2]
    faded = [(a.fade, b.fade) for a, b in zip(fine, other, strict=True) if a.fade and b.fade]
    assert len(faded) > 5
    # Of places that are finer by the same octave.
    assert all(math.isclose(one - 1.0 / FADE, two, abs_tol=1e-9) for one, two in faded)
    deep = Sampling(1e-6 / 512, 1e-6)
    assert readouts.amplitudes(deep, overall=1.0) == readouts.amplitudes(deep)


@given(st.floats(1e-300, 1e300), st.floats(-900.0, 900.0))
def test_logarithm_and_power_are_right(x: float, y: float) -> None:
    assert math.isclose(log2(x), math.log2(x), rel_tol=1e-14, abs_tol=1e-15)
    assert math.isclose(exp2(y), 2.0**y, rel_tol=1e-14)


@pytest.mark.parametrize("name", DETAILED)
def test_a_weights_file_keeps_all_of_it(name: str) -> None:
    cppn = CPPN.from_preset(name, seed=7)
    again = CPPN.from_bytes(cppn.to_bytes())
    assert again == cppn
    view, z = VIEWS["deep"], cppn.seeded_latent(2)
    one, other = cppn.resolve(z, view), again.resolve(z, view)
    assert len(one.layers) > len(cppn.layers)  # layers beyond those that the file holds
    assert all(
        np.array_equal(a.weight, b.weight) for a, b in zip(one.layers, other.layers, strict=True)
    )


def test_a_given_depth_draws_no_further_layers() -> None:
    cppn = CPPN.from_preset("jupiter", seed=7, depth=9)
    assert len(cppn.resolve(cppn.seeded_latent(2), VIEWS["deep"]).layers) <= 9


def test_a_damaged_detail_is_refused() -> None:
    cppn = CPPN.from_preset("jupiter", depth=2)
    assert cppn.structure.detail is not None
    wrong = replace(cppn.structure, detail=replace(cppn.structure.detail, gain=0.5))
    with pytest.raises(WeightsError, match="gain"):
        CPPN.from_bytes(CPPN(wrong, cppn.layers, cppn.readouts).to_bytes())


@pytest.mark.parametrize(
    "change",
    [
        {"gain": 1.0},
        {"decay": 2.0},
        {"activations": ["relu"]},
        {"residual": True},
        {"inputs": ["z"]},
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SceneError):
        CPPN.from_preset("jupiter", **change)  # type: ignore[arg-type]
    with pytest.raises(SceneError):
        CPPN.from_preset("hardmaru", gain=2.0)
