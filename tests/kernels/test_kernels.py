"""Every kernel against the oracle, and a point's bits against the lattice it is part of."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.kernels.comparing import CLOSE, LATTICE
from tests.kernels.contexts import context_of, difference, gentle, scaled
from tilecppn.cppn import ACTIVATIONS, CPPN, PRESETS
from tilecppn.cppn.structure import INPUTS
from tilecppn.errors import InvalidRequestError
from tilecppn.kernels import KERNELS, Arithmetic, create, resolve
from tilecppn.kernels.torch import ROWS
from tilecppn.scene.sections import MAX_SIDE
from tilecppn.scene.view import Lattices

# The table of kernels


def test_torch_kernel_has_a_row_for_every_activation() -> None:
    assert set(ROWS) == set(ACTIVATIONS)


def test_auto_is_one_of_the_kernels() -> None:
    assert resolve("auto") in KERNELS
    assert [resolve(name) for name in KERNELS] == list(KERNELS)


@pytest.mark.parametrize(
    ("name", "words"),
    [("torhc", 'did you mean "torch"?'), ("", "known: auto, "), ("zzz", "known:")],
)
def test_unknown_kernel_is_refused(name: str, words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        create(name, context_of(gentle(width=2)))
    assert "unknown kernel" in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# Revisions that stores have: with a lower one other bytes would be taken for the same.
LEAST = {"reference": 3, "llvm": 3, "torch": 4, "triton": 2, "wgpu": 2}


@pytest.mark.parametrize("name", KERNELS)
def test_arithmetic_names_the_kernel(name: str) -> None:
    arithmetic = create(name, context_of(gentle(width=2))).arithmetic
    assert isinstance(arithmetic, Arithmetic)
    assert arithmetic.kernel == name
    assert arithmetic.precision == "exact"
    assert arithmetic.revision >= LEAST[name]
    if not torch.cuda.is_available() and name != "wgpu":
        assert arithmetic.device == "cpu"


# Against the oracle


@pytest.mark.parametrize("place", ["hidden", "output"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_activation_agrees_with_the_oracle(name: str, activation: str, place: str) -> None:
    hidden = ["tanh", "tanh"] if place == "output" else [activation, "sin", activation]
    cppn = gentle(seed=4, width=16, activations=hidden)
    if place == "output":
        cppn = CPPN(replace(cppn.structure, output=activation), cppn.layers)
    picture = context_of(cppn)
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_residual_activation_agrees_with_the_oracle(name: str, activation: str) -> None:
    hidden = ["tanh", activation, activation]
    picture = context_of(gentle(seed=4, width=16, activations=hidden, residual=True))
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize(
    "inputs", [["x"], ["y", "z"], ["r", "one"], ["one"], ["z"], ["x", "y"], list(INPUTS)]
)
@pytest.mark.parametrize("name", KERNELS)
def test_every_choice_of_inputs_agrees_with_the_oracle(name: str, inputs: list[str]) -> None:
    cppn = gentle(seed=4, width=16, inputs=inputs)
    picture = context_of(CPPN(replace(cppn.structure, origin=(0.5, -1.5)), cppn.layers))
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("width", [1, 2, 3, 7, 16, 31, 32, 33, 64, 100, 300])
@pytest.mark.parametrize("name", KERNELS)
def test_every_width_agrees_with_the_oracle(name: str, width: int) -> None:
    picture = context_of(gentle(seed=1, width=width, depth=3))
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("depth", [1, 2, 3, 10, 40])
@pytest.mark.parametrize("name", KERNELS)
def test_every_depth_agrees_with_the_oracle(name: str, depth: int) -> None:
    picture = context_of(gentle(seed=1, width=12, depth=depth))
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("z_dim", [0, 1, 8, 100])
@pytest.mark.parametrize("name", KERNELS)
def test_every_latent_and_channel_count_agrees_with_the_oracle(
    name: str, z_dim: int, channels: int
) -> None:
    picture = context_of(gentle(seed=1, width=12, z_dim=z_dim, channels=channels))
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_preset_agrees_with_the_oracle(name: str, preset: str) -> None:
    picture = context_of(CPPN.from_preset(preset, seed=2), scale=10.0)
    # N(0, 1) weights: errors of the sums are steep in the colour.
    assert difference(create(name, picture), picture, LATTICE) < 2e-3


VIEWS: list[dict[str, Any]] = [
    {"rotation": 30.0},
    {"aspect": "stretch", "grid": "endpoints"},
    {"swap": True},
    {"swap": True, "rotation": 30.0},
    {"mirror": "xy"},
    {"radial": 7},
    {"repeat": "xy", "rotation": 30.0},
    {"repeat": "x", "mirror": "y", "aspect": "stretch"},
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_view_agrees_with_the_oracle(name: str, view: dict[str, Any]) -> None:
    picture = context_of(gentle(seed=1, width=12), 1000, 2.0, **view)
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize(
    "lattice",
    [
        Lattices.one(0, 0, 1, 1),
        Lattices.one(-50, -70, 5, 9, 11),  # the plane goes on outside of the canvas
        Lattices.one(999, 999, 3, 3, 1000),
        Lattices.one(0, 0, 1, 20_000),
        Lattices.one(0, 0, 20_000, 1),
        Lattices.one(2**31 - 9, 2**31 - 9, 2, 2, 4),
    ],
)
@pytest.mark.parametrize("name", KERNELS)
def test_every_lattice_agrees_with_the_oracle(name: str, lattice: Lattices) -> None:
    side = MAX_SIDE if lattice.origins.max() > 10**6 else 1000
    picture = context_of(gentle(seed=1, width=8, depth=2), side=side)
    assert difference(create(name, picture), picture, lattice) < CLOSE


BOUNDED = [
    a for a in ACTIVATIONS if abs(ACTIVATIONS[a].function(np.array([-99.0, 99.0]))).max() < 2
]


@pytest.mark.parametrize("activation", BOUNDED)
@pytest.mark.parametrize("name", KERNELS)
def test_bright_sums_do_not_overflow(name: str, activation: str) -> None:
    cppn = scaled(gentle(seed=1, width=4, activations=[activation]), 1e4)
    assert np.isfinite(create(name, context_of(cppn)).evaluate(LATTICE)).all()
