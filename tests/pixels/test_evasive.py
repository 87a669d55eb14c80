"""Networks made to fool reconstruction: ridges, spots, waves and kinks between the nodes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.pixels import hard
from tests.pixels.reconstructing import (
    Agreement,
    agreement,
    drawn,
    evaluated,
    evaluations,
    random_windows,
)
from tilecppn.cppn import CPPN
from tilecppn.scene.scene import Scene

# uint8's tolerance, and colours before they are rounded.
UNROUNDED: dict[str, Any] = {"dtype": "float32", "tolerance": 0.1 * 65535 / 255}


# Made to fool it


class Error(NamedTuple):
    """Of colours, in steps of 8 bits. The mean is the share of pixels that come out 1 off."""

    worst: float
    mean: float


def error(cppn: CPPN) -> Error:
    """What uint8's tolerance lets pass, before it is rounded: pixels at a tie tell nothing."""
    scene = hard.canvas(cppn, **UNROUNDED)
    exact = evaluated(scene)
    assert exact.max() > exact.min()  # there is something to miss
    off = 255.0 * np.abs(drawn(scene).astype(np.float64) - exact)
    return Error(float(off.max()), float(off.mean()))


def assert_seen(cppn: CPPN) -> None:
    found = error(cppn)
    assert found.worst <= 0.5  # so at most 1 off
    assert found.mean <= 0.001  # so 99.9 % equal


PLACES = np.linspace(120.0, 136.0, 9).tolist()  # node to node: on one, and between two


DEGREES = [0.0, 90.0, 45.0, 135.0, 30.0, 3.0, 80.0, 60.0, 45.0]


WIDTHS = [1.0, 2.0, 3.0, 5.0]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("ridge", hard.RIDGES)
def test_thin_ridges_are_seen(ridge: str, width: float) -> None:
    for i, place in enumerate(PLACES):
        degrees = [0.0, 90.0, 45.0, 7.0][i % 4]
        assert_seen(hard.RIDGES[ridge](hard.line(degrees, place + 0.13), width))


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [0.0, 90.0, 45.0, 135.0, 30.0, 3.0, 107.0])
@pytest.mark.parametrize("width", [*WIDTHS, 8.0, 12.0])
@pytest.mark.parametrize("ridge", hard.RIDGES)
def test_thin_ridges_are_seen_at_every_place_and_slant(
    ridge: str, width: float, degrees: float
) -> None:
    for place in np.arange(120.0, 136.0, 0.37):
        assert_seen(hard.RIDGES[ridge](hard.line(degrees, place), width))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("spot", hard.SPOTS)
def test_spots_and_rings_are_seen(spot: str, width: float) -> None:
    for place in [(128.0, 128.0), (136.0, 136.0), (128.2, 136.0), (131.3, 140.9), (64.0, 64.0)]:
        assert_seen(hard.SPOTS[spot](place, width))


@pytest.mark.slow
@pytest.mark.parametrize("width", [*WIDTHS, 8.0, 12.0])
@pytest.mark.parametrize("spot", hard.SPOTS)
def test_spots_and_rings_are_seen_at_every_place(spot: str, width: float) -> None:
    for place in np.random.default_rng(0).uniform(120.0, 136.0, (60, 2)).tolist():
        assert_seen(hard.SPOTS[spot]((place[0], place[1]), width))


PERIODS = [2.0, 4.0, 8.0, 16.0, 32.0, 33.3]


PHASES = [0.1, 1.0, 2.0, 4.0]


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("activation", ["sin", "cos", "half-sine", "sigmoid-sin"])
def test_waves_that_repeat_with_the_lattice_are_seen(activation: str, period: float) -> None:
    for phase, degrees in zip(PHASES, (0.0, 90.0, 45.0, 20.0), strict=True):
        assert_seen(hard.waves(period, degrees, phase, activation))


@pytest.mark.parametrize("width", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("period", PERIODS[1:])
def test_ridges_on_waves_are_seen(period: float, width: float) -> None:
    for phase, degrees in zip([0.0, *PHASES[1:]], (0.0, 90.0, 45.0, 20.0), strict=True):
        assert_seen(hard.ridges_on_waves(period, degrees, phase, width))


@pytest.mark.parametrize("period", [64.0, 100.0, 128.0, 256.0])
@pytest.mark.parametrize("make", [hard.waves, hard.faint_waves])
def test_waves_that_just_fit_the_tolerance_are_off_by_a_sixteenth_of_it(
    make: Callable[..., CPPN], period: float
) -> None:
    """The worst case of a smooth picture: each block has as large an error as is accepted."""
    for phase, degrees in zip(PHASES, (0.0, 90.0, 45.0, 20.0), strict=True):
        found = error(make(period, degrees, phase))
        assert found.worst <= 0.1
        assert found.mean <= 0.1 / 16


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "abs", "sqrt-tanh"])
def test_kinks_are_seen(activation: str) -> None:
    """Along a kink that is faint enough to be accepted the error is up to the tolerance."""
    stored = []
    for place, degrees in zip(PLACES, DEGREES, strict=True):
        for slope in (1 / 20, 1 / 100, 1 / 500):
            fold = hard.times(hard.line(degrees, place), slope)
            both: tuple[list[tuple[str, list[hard.Row]]], ...] = (
                [(activation, [fold]), ("sigmoid", [(1.0, -0.5)])],
                [("tanh", [fold]), (activation, [(1.0, 0.01)])],
            )
            for layers in both:
                network = hard.network(*layers)
                found = error(network)
                assert found.worst <= 0.1
                assert found.mean <= 0.0015
                scene = hard.canvas(network)
                stored.append(Agreement.of(drawn(scene), evaluated(scene)))
    assert max(one.worst for one in stored) <= 1
    assert np.mean([one.equal for one in stored]) >= 0.999


def test_folds_of_many_layers_are_seen() -> None:
    """A zigzag: |…||x| - a| - b| …, whose folds are made by earlier ones."""
    for degrees in (0.0, 45.0, 20.0):
        fold: list[tuple[str, list[hard.Row]]] = [
            ("abs", [hard.times(hard.line(degrees, 100.3), 1 / 64)])
        ]
        fold += [("abs", [(1.0, -(2.0**-k))]) for k in range(1, 5)]
        assert_seen(hard.network(*fold, ("identity", [(4.0, 0.0)])))


@pytest.mark.parametrize("place", [(128.0, 128.0), (136.0, 136.0), (120.3, 131.7), (0.0, 255.0)])
def test_the_tip_of_r_is_seen(place: tuple[float, float]) -> None:
    for slope in (1 / 4, 1 / 64, 1 / 1000):
        cone = ("tanh", [(slope, 0.0)]), ("identity", [(1.0, 0.0)])
        assert_seen(hard.network(*cone, inputs=("r",), origin=place))


@pytest.mark.parametrize("steepness", [0.5, 8.0, 1e3, 1e6])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_saturated_edges_are_seen(activation: str, steepness: float) -> None:
    for place, degrees in zip(PLACES, DEGREES, strict=True):
        edge = hard.times(hard.line(degrees, place + 0.21), steepness)
        assert_seen(hard.network((activation, [edge]), ("identity", [(0.7, 0.2)])))


@pytest.mark.parametrize("activation", ["tanh", "sin", "gaussian", "relu", "abs", "softplus"])
@pytest.mark.parametrize("seed", [0, 1])
def test_chaotic_deep_networks_are_seen(activation: str, seed: int) -> None:
    scene = Scene.of(
        cppn={"seed": seed, "width": 24, "activations": (activation,) * 8},
        canvas={"width": 4096, "height": 4096},
    )
    found = agreement(scene, random_windows(4096, 2, seed))
    assert found.worst <= 1
    assert found.equal >= 0.999


def test_colours_that_are_no_numbers_are_evaluated() -> None:
    """inf - inf right of a line, 0.5 left of it."""
    grown = [("square", [(1e30, 0.0)])] * 5
    cppn = hard.network(
        ("relu", [hard.line(0.0, 100.0)]),
        *grown,
        ("relu", [(1.0, 0.0), (1.0, 0.0)]),
        ("identity", [(1.0, -1.0, 0.5)]),
    )
    for dtype in ("uint8", "float32"):
        scene = hard.canvas(cppn, dtype=dtype)
        expected = evaluated(scene)
        assert np.isnan(expected[:, :, 102:]).all() or not expected[:, :, 102:].any()
        assert np.all(expected[:, :, :100] == (128 if dtype == "uint8" else 0.5))
        assert np.array_equal(drawn(scene), expected, equal_nan=True)


@pytest.mark.parametrize("colour", [0.0, 1.0, 0.31, -5.0, 7.0])
def test_constant_networks_are_flat_and_cost_the_least(colour: float) -> None:
    scene = hard.canvas(hard.network(("tanh", [(0.0, 0.0, 0.5)]), ("identity", [(0.0, colour)])))
    assert np.all(drawn(scene) == round(255 * min(max(colour, 0.0), 1.0)))
    assert evaluations(scene) == (256 // 16 + 5) ** 2 / 256**2
