"""Networks with detail: their layers, what a view makes of them, and their files."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cppn.plain_detail import PlainNetwork
from tilecppn.cppn import CPPN, PRESETS
from tilecppn.cppn.detail import FADE, LIMIT, DetailModel, Sampling
from tilecppn.cppn.portable_math import exp2, log2, orthogonal
from tilecppn.errors import SceneError, WeightsError

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
    expected = PlainNetwork(name, seed).values(x, y, *sampling[:3])
    got = cppn.resolve(cppn.seeded_latent(seed), sampling).colour(x, y, np.hypot(x, y))
    # Rounding to float32 of weights that differ in their last digit, and what zooms make of it.
    assert np.abs(got - expected).max() < (1e-5 if view in ("thumbnail", "print") else 2e-2)


def test_without_a_view_it_is_as_finely_drawn_as_it_has_layers() -> None:
    cppn = CPPN.from_preset("jupiter", seed=1)
    assert len(cppn.resolve(cppn.seeded_latent(0)).layers) == len(cppn.layers) - 1
    assert cppn(0.1, 0.2, cppn.seeded_latent(0)).shape == (2,)


@given(st.floats(-40.0, 3.0), st.floats(0.0, 12.0))
def test_amplitudes_go_on_smoothly_as_a_view_goes_in(octaves: float, pixels: float) -> None:
    readouts = DetailModel(CPPN.from_preset("tide").structure, 24)
    scale = 1.2 * 2.0**octaves
    before, after = (
        readouts.amplitudes(Sampling(2.0 * s / 2.0**pixels, s)) for s in (scale, scale * 2**0.01)
    )
    both = zip([*before, (0.0, 0.0)], [*after, (0.0, 0.0)], strict=False)
    assert max(abs(a - b) for one, other in both for a, b in zip(one, other, strict=True)) < 0.02
    assert abs(len(before) - len(after)) <= 1
    assert all(0.0 <= a <= 1.5 for amplitude in before for a in amplitude)


def test_a_larger_canvas_reads_more_layers_and_changes_no_coarse_one() -> None:
    readouts = DetailModel(CPPN.from_preset("agate").structure, 24)
    small, large = (readouts.amplitudes(Sampling(2.4 / n, 1.2)) for n in (512, 65536))
    assert len(large) >= len(small) + 5
    first, finest = readouts.expected(0).frequency, math.log2(LIMIT * math.pi * 512 / 2.4)
    octaves = [readouts.expected(i).octave + math.log2(first) for i in range(len(small))]
    whole = sum(octave < finest - FADE for octave in octaves)
    assert whole >= 4
    assert small[:whole] == large[:whole]


@pytest.mark.parametrize("name", DETAILED)
def test_fineness_over_the_picture_is_that_of_the_plain_formula(name: str) -> None:
    cppn = CPPN.from_preset(name, seed=5)
    assert math.isclose(cppn.overall_fineness, PlainNetwork(name, 5).overall(), abs_tol=1e-4)


def test_a_finer_network_fades_as_much_earlier_and_keeps_its_forms() -> None:
    readouts = DetailModel(CPPN.from_preset("agate").structure, 24)
    view, finer = Sampling(2.4 / 4096, 1.2), Sampling(2.4 / 2048, 1.2)
    plain, fine = readouts.amplitudes(view), readouts.amplitudes(view, overall=1.0)
    assert np.allclose(fine, readouts.amplitudes(finer), rtol=1e-9)
    assert fine[:4] == plain[:4]
    deep = Sampling(1e-6 / 512, 1e-6)
    assert readouts.amplitudes(deep, overall=1.0) == readouts.amplitudes(deep)


@given(st.floats(1e-300, 1e300), st.floats(-900.0, 900.0))
def test_logarithm_and_power_are_right(x: float, y: float) -> None:
    assert math.isclose(log2(x), math.log2(x), rel_tol=1e-14, abs_tol=1e-15)
    assert math.isclose(exp2(y), 2.0**y, rel_tol=1e-14)


def test_orthogonal_rows_are_orthonormal() -> None:
    rows = orthogonal(np.random.default_rng(1).normal(size=(24, 24)))
    assert np.abs(rows @ rows.T - np.eye(24)).max() < 1e-12


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
