"""Stored pixels of every kernel against the oracle, and float64 where float32 is too coarse."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.kernels.comparing import LAWS, compared
from tests.kernels.contexts import context_of, gentle, oracle, scaled
from tilecppn.cppn import CPPN, PRESETS
from tilecppn.errors import SceneError
from tilecppn.kernels import KERNELS, EvaluationContext, create
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import MAX_SIDE
from tilecppn.scene.view import Lattices

FAST = [name for name in KERNELS if name != "reference"]


SIZES = [(1024, 1024), (1_000_000, 1_000_000), (1_000_000, 1000)]
SEEDS = {"llvm": (0, 1, 5, 19, 20), "torch": (0, 5), "wgpu": (0,)}


EVERY = [(name, seed, size) for name, seeds in SEEDS.items() for seed in seeds for size in SIZES]
# Those with detail are compared in test_detail, too.
BY_DETAIL = [
    name if preset.detail is None else pytest.param(name, marks=pytest.mark.slow)
    for name, preset in PRESETS.items()
]
QUICK = [("llvm", 0, SIZES[0]), ("llvm", 5, SIZES[1]), ("torch", 0, SIZES[1])]


@pytest.mark.parametrize(
    ("name", "seed", "size"),
    [case if case in QUICK else pytest.param(*case, marks=pytest.mark.slow) for case in EVERY],
    ids=str,
)
@pytest.mark.parametrize("preset", BY_DETAIL)
def test_8_bits_are_at_most_1_off_and_999_in_1000_equal(
    preset: str, name: str, seed: int, size: tuple[int, int]
) -> None:
    scene = Scene.of(
        cppn={"preset": preset, "seed": seed},
        latent={"seed": seed},
        canvas={"width": size[0], "height": size[1]},
    )
    few = (name, seed, size) in QUICK  # the oracle takes most of the time
    most, equal = compared(name, scene, seed, windows=2 if few else 6)
    assert most <= 1
    assert equal >= 0.999


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("seed", [0, 1, 42])
@pytest.mark.parametrize("name", FAST)
def test_16_bits_of_tame_weights_are_at_most_1_off_and_97_in_100_equal(
    name: str, seed: int, size: tuple[int, int]
) -> None:
    tame = scaled(CPPN.from_preset("hardmaru", seed=seed), 0.1)  # weights N(0, 0.1)
    scene = Scene.of(
        canvas={"width": size[0], "height": size[1]}, output={"dtype": "uint16"}
    ).replace(cppn=tame)
    most, equal = compared(name, scene, seed, windows=2)
    assert most <= 1
    assert equal >= 0.97


# float64 where float32 is too coarse


@pytest.mark.parametrize(
    ("view", "side", "fine"),
    [
        ({}, 1024, False),
        ({}, 1_000_000, False),
        ({}, MAX_SIDE, True),
        ({"center": [5.0, 3.0], "scale": 1e-6}, 4096, True),
        ({"center": [0.0, 0.0], "scale": 1e-6}, 4096, False),  # around 0 float32 is as fine
    ],
)
def test_float64_is_taken_where_float32_is_too_coarse(
    view: dict[str, Any], side: int, fine: bool
) -> None:
    picture = context_of(gentle(width=2, depth=1), side, **{"scale": 10.0, **view})
    assert picture.needs_float64 == fine
    for name in FAST:
        dtype = create(name, picture).evaluate(Lattices.one(0, 0, 1, 1)).dtype
        assert dtype == (np.float64 if fine else np.float32)


@LAWS
@given(st.floats(-20, 20), st.floats(-8, 2), st.integers(1, MAX_SIDE))
def test_float64_is_taken_from_a_sixteenth_of_a_pixel_on(
    center: float, scale: float, side: int
) -> None:
    """Where the nearest float32 of a corner may lie that far from it, and not long before."""
    try:
        picture = context_of(gentle(width=2, depth=1), side, 10.0**scale, center=[center, 0.0])
    except SceneError:  # not even float64 tells its pixels apart
        assume(False)
    step = min(picture.grid.step)
    x, y = picture.grid.points(np.array([[0.0], [side - 1.0]]), np.array([[0.0, side - 1.0]]))
    corner = max(np.abs(x).max(), np.abs(y).max())
    coarse = corner * 2.0**-24  # half a unit in the last place, at most
    if coarse > step / 16:
        assert picture.needs_float64
    if 2 * coarse + step * 2.0**-24 < step / 16:
        assert not picture.needs_float64


@pytest.mark.parametrize(
    ("network", "fine"),
    [
        ({}, False),
        ({"width": 64, "depth": 8}, False),
        ({"depth": 16}, True),
        ({"activations": ["sin"] * 4}, True),
        ({"preset": "flux"}, True),
        ({"preset": "hardmaru-gan-vae"}, False),
        ({"preset": "hardmaru-sine"}, True),
        ({"preset": "guibas"}, False),
    ],
)
def test_float64_is_taken_where_layers_or_output_magnify_the_rounding(
    network: dict[str, Any], fine: bool
) -> None:
    assert EvaluationContext.of(Scene.of(cppn=network)).needs_float64 == fine


@pytest.mark.parametrize("network", [{"depth": 16}, {"preset": "flux", "depth": 20}])
@pytest.mark.parametrize("name", FAST)
def test_8_bits_of_deep_networks_are_equal(name: str, network: dict[str, Any]) -> None:
    assert compared(name, Scene.of(cppn=network), 1, windows=2) == (0, 1.0)


@pytest.mark.parametrize("name", FAST)
def test_deep_zoom_agrees_with_the_oracle(name: str) -> None:
    picture = context_of(gentle(seed=1, width=12), side=4096, center=[5.0, 3.0], scale=1e-9)
    kernel = create(name, picture)
    lattice = Lattices.one(0, 0, 20, 20, 200)
    values = kernel.evaluate(lattice)[:, 0].copy()
    assert np.abs(values - oracle(picture, lattice)).max() < 1e-13
    assert len(np.unique(values)) > 1000  # neither flat nor in steps
