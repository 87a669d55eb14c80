"""The network is the function of the original, written out here in another way."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.network import CPPN
from tilecppn.cppn.presets import PRESETS
from tilecppn.cppn.seeding import MAX_SEED, Distribution
from tilecppn.cppn.structure import INPUTS, MAX_DEPTH, MAX_WIDTH, MAX_Z_DIM, Structure, shapes
from tilecppn.errors import SceneError, TilecppnError

LAWS = settings(max_examples=40)

PLAIN: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x)),
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "relu": lambda x: x if x > 0 else 0.0,
    "leaky-relu": lambda x: x if x > 0 else 0.2 * x,
    "sin": math.sin,
    "cos": math.cos,
    "gaussian": lambda x: math.exp(-(x**2)),
    "abs": abs,
    "square": lambda x: x**2,
    "identity": lambda x: x,
    "half-sine": lambda x: 0.5 * math.sin(x) + 0.5,
    "sqrt-tanh": lambda x: math.sqrt(1 - abs(math.tanh(x))),
    "sigmoid-sin": lambda x: 1 / (1 + math.exp(-math.sin(x))),
}
X = [0.0, -0.0, 1e-300, *(s * k / 8 for k in range(1, 400) for s in (1, -1)), 600.0, -600.0]

SMOOTH = [name for name, preset in PRESETS.items() if preset.detail is None]


def test_every_activation_has_a_plain_formula_here() -> None:
    assert set(PLAIN) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_its_formula(name: str) -> None:
    got = ACTIVATIONS[name].function(np.array(X))
    expected = np.array([PLAIN[name](x) for x in X])
    if name == "sqrt-tanh":
        # The root is steep at 0: compare what stands under it.
        got, expected = got**2, expected**2
    assert np.all(np.abs(got - expected) <= 4e-16 * np.maximum(1.0, np.abs(expected)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_stays_finite_far_out(name: str) -> None:
    assert np.isfinite(ACTIVATIONS[name].function(np.array([-1e100, 1e100]))).all()


@pytest.mark.parametrize("name", PRESETS)
def test_output_of_the_presets_lies_between_0_and_1(name: str) -> None:
    cppn = CPPN.from_preset(name, seed=1)
    rng = np.random.default_rng(0)
    colour = cppn(rng.normal(0, 10, 500), rng.normal(0, 10, 500), cppn.seeded_latent(0))
    assert colour.min() >= 0.0
    assert colour.max() <= 1.0
    # sigmoid(sin) lies in 0.27 … 0.73, and the untrained generator has gentle weights.
    assert colour.max() - colour.min() > (0.1 if name in ("guibas", "hardmaru-gan-vae") else 0.5)


def transcribed(cppn: CPPN, x: float, y: float, z: list[float]) -> list[float]:
    """One point, in plain loops."""
    s = cppn.structure
    x0, y0 = s.origin
    values = {"x": [x], "y": [y], "r": [math.hypot(x - x0, y - y0)], "one": [1.0]}
    values["z"] = [s.latent_scale * v for v in z]
    h = [v for name in ("x", "y", "r", "z", "one") if name in s.inputs for v in values[name]]
    for i, ((w, b), name) in enumerate(zip(cppn.layers, [*s.activations, s.output], strict=True)):
        rows, biases = w.astype(float).tolist(), b.astype(float).tolist()
        new = [
            PLAIN[name](math.fsum(p * q for p, q in zip(row, h, strict=True)) + c)
            for row, c in zip(rows, biases, strict=True)
        ]
        if s.residual and 0 < i < len(s.activations):
            new = [p + q for p, q in zip(h, new, strict=True)]
        h = new
    return h


@pytest.mark.parametrize("seed", [0, 1, 42])
@pytest.mark.parametrize("preset", SMOOTH)
def test_network_agrees_with_a_plain_transcription(preset: str, seed: int) -> None:
    cppn = CPPN.from_preset(preset, seed=seed)
    z = cppn.seeded_latent(seed)
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-10, 10, (2, 40))
    x[0] = y[0] = 0.0
    expected = np.array([transcribed(cppn, a, b, z.tolist()) for a, b in zip(x, y, strict=True)])
    got = cppn(x, y, z)
    if cppn.structure.output == "sqrt-tanh":
        got, expected = got**2, expected**2  # the root is steep at 0
    # Ten layers of flux without dampening let the last bits grow.
    assert np.abs(got - expected).max() <= (1e-9 if preset == "flux" else 1e-12)


@LAWS
@given(
    names=st.lists(st.sampled_from(sorted(ACTIVATIONS)), min_size=1, max_size=4),
    channels=st.sampled_from([1, 3]),
    z_dim=st.integers(0, 12),
    width=st.integers(1, 20),
    seed=st.integers(0, MAX_SEED),
    inputs=st.sets(st.sampled_from(INPUTS), min_size=1),
    residual=st.booleans(),
    origin=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
)
def test_any_structure_agrees_with_a_plain_transcription(
    names: list[str],
    channels: int,
    z_dim: int,
    width: int,
    seed: int,
    inputs: set[str],
    residual: bool,
    origin: tuple[float, float],
) -> None:
    drawn = CPPN.from_preset(
        "hardmaru",
        seed=seed,
        channels=channels,
        z_dim=z_dim if "z" in inputs else None,
        width=width,
        activations=names,
        inputs=sorted(inputs),
        residual=residual,
    )
    # Gentle weights: squares of squares would leave no digits to compare.
    cppn = CPPN(
        replace(drawn.structure, origin=origin), [(0.1 * w, 0.1 * b) for w, b in drawn.layers]
    )
    z = cppn.seeded_latent(seed)
    for x, y in ((0.0, 0.0), (3.5, -1.25), (-0.75, 8.0)):
        expected = np.array(transcribed(cppn, x, y, z.tolist()))
        assert np.allclose(cppn(x, y, z), expected, rtol=1e-12, atol=1e-12)


def parameters(cppn: CPPN) -> int:
    return sum(w.size + b.size for w, b in cppn.layers)


def test_presets_have_the_parameters_of_the_originals() -> None:
    assert parameters(CPPN.from_preset("hardmaru", z_dim=8, width=32, channels=1)) == 3_585
    assert parameters(CPPN.from_preset("hardmaru-gan-vae")) == 54_273


@pytest.mark.parametrize("preset", SMOOTH)
def test_what_is_shaped_as_a_preset_has_its_width_and_activations(preset: str) -> None:
    drawn = CPPN.from_preset(preset, seed=5)
    trained = CPPN(drawn.structure, [(0.5 * w, 0.5 * b) for w, b in drawn.layers])
    assert drawn.is_preset_shaped
    assert trained.is_preset_shaped
    wider = CPPN.from_preset(preset, width=drawn.width + 1)
    other = CPPN.from_preset(preset, activations=("square",))
    assert not wider.is_preset_shaped
    assert not other.is_preset_shaped


def test_multiply_adds_leave_the_latent_and_the_constant_out() -> None:
    cppn = CPPN.from_preset("hardmaru", width=32, channels=3)
    assert cppn.multiply_adds == 3 * 32 + 3 * 32 * 32 + 32 * 3
    fewer = CPPN.from_preset("hardmaru", width=32, channels=3, inputs=["x", "z", "one"])
    assert fewer.multiply_adds == 32 + 3 * 32 * 32 + 32 * 3


def test_inputs_stand_in_their_own_order_however_they_are_named() -> None:
    cppn = CPPN.from_preset("hardmaru", inputs=["one", "z", "y"], z_dim=2, width=3)
    assert cppn.structure.inputs == ("y", "z", "one")
    assert cppn.layers[0][0].shape == (3, 4)
    assert CPPN.from_preset("hardmaru", inputs=["r"]).structure.z_dim == 0


def test_first_layer_has_zeros_for_coordinates_that_are_no_inputs() -> None:
    cppn = CPPN.from_preset("hardmaru", inputs=["y", "z", "one"], z_dim=2, width=3)
    weight, bias = cppn.first_layer([0.5, -1.0])
    w, b = (a.astype(float) for a in cppn.layers[0])
    assert not weight[:, [0, 2]].any()
    assert np.array_equal(weight[:, 1], w[:, 0])
    assert np.allclose(bias, b + 5.0 * w[:, 1] - 10.0 * w[:, 2] + w[:, 3], rtol=0, atol=1e-13)


def test_layers_have_the_shapes_of_the_contract() -> None:
    cppn = CPPN.from_preset("hardmaru", z_dim=5, width=7, depth=3, channels=1)
    assert [w.shape for w, _ in cppn.layers] == [(7, 8), (7, 7), (7, 7), (1, 7)]
    assert [b.shape for _, b in cppn.layers] == [(7,), (7,), (7,), (1,)]
    assert shapes(cppn.structure, 7) == [w.shape for w, _ in cppn.layers]
    assert (cppn.width, cppn.channels) == (7, 1)


def test_layers_are_float32_and_cannot_be_written() -> None:
    for weight, bias in CPPN.from_preset("hardmaru").layers:
        for array in (weight, bias):
            assert array.dtype == np.float32
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0.0


def test_a_network_keeps_its_own_copy_of_the_weights() -> None:
    drawn = CPPN.from_preset("hardmaru", width=4, depth=1)
    mine = [(w.copy(), b.copy()) for w, b in drawn.layers]
    cppn = CPPN(drawn.structure, mine)
    mine[0][0][:] = 0.0
    assert cppn == drawn


def test_x_and_y_broadcast() -> None:
    cppn = CPPN.from_preset("hardmaru", channels=3)
    z = cppn.seeded_latent(0)
    x, y = np.linspace(-1, 1, 5)[None, :], np.linspace(-2, 2, 4)[:, None]
    colour = cppn(x, y, z)
    assert colour.shape == (4, 5, 3)
    assert colour.dtype == np.float64
    assert np.allclose(colour[2, 3], cppn(x[0, 3], y[2, 0], z), rtol=0, atol=1e-14)
    assert cppn(0.5, 0.5, z).shape == (3,)
    assert cppn(np.float32(0.5), [0.5, 1], z.tolist()).dtype == np.float64


def test_radius_is_taken_on_the_plane() -> None:
    """A network that passes r through shows sqrt(x² + y²)."""
    weight = np.array([[0.0, 0.0, 1.0]], np.float32)
    one, zero = np.ones((1, 1), np.float32), np.zeros(1, np.float32)
    structure = Structure(
        "mine", ("identity",), "identity", 1, 0, 10.0, Distribution("uniform", -1.0, 1.0)
    )
    cppn = CPPN(structure, [(weight, zero), (one, zero)])
    assert cppn(3.0, -4.0).tolist() == [5.0]


def test_inputs_stand_in_the_order_x_y_r_z() -> None:
    structure = Structure(
        "mine", ("identity",), "identity", 1, 2, 10.0, Distribution("uniform", -1.0, 1.0)
    )
    one, zero = np.ones((1, 1), np.float32), np.zeros(1, np.float32)
    for i, expected in enumerate([3.0, 4.0, 5.0, 10 * 0.25, 10 * -0.5]):
        weight = np.zeros((1, 5), np.float32)
        weight[0, i] = 1.0
        cppn = CPPN(structure, [(weight, zero), (one, zero)])
        assert cppn(3.0, 4.0, [0.25, -0.5]).tolist() == [expected]


def test_first_layer_takes_the_latent_into_the_bias() -> None:
    cppn = CPPN.from_preset("hardmaru", z_dim=3, width=6)
    z = np.array([0.5, -0.25, 1.0])
    weight, bias = cppn.first_layer(z)
    assert weight.shape == (6, 3)
    assert bias.shape == (6,)
    full = cppn.layers[0][0].astype(float) @ [2.0, 1.0, math.sqrt(5.0), 5.0, -2.5, 10.0]
    expected = full + cppn.layers[0][1]
    got = weight @ [2.0, 1.0, math.sqrt(5.0)] + bias
    assert np.allclose(got, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("preset", SMOOTH)
def test_depth_repeats_the_presets_pattern(preset: str) -> None:
    pattern = PRESETS[preset].activations
    for depth in (1, 2, 3, 7, 40):
        cppn = CPPN.from_preset(preset, depth=depth, width=2)
        expected = tuple((pattern * depth)[:depth])
        assert cppn.structure.activations == expected
        assert len(cppn.layers) == depth + 1


def test_activations_set_the_depth() -> None:
    cppn = CPPN.from_preset("hardmaru", activations=["sin", "gaussian", "abs"], width=2)
    assert cppn.structure.activations == ("sin", "gaussian", "abs")
    assert len(cppn.layers) == 4
    assert cppn == CPPN.from_preset(
        "hardmaru", activations=("sin", "gaussian", "abs"), depth=3, width=2
    )


def test_presets_are_those_of_the_sources() -> None:
    hidden = {name: preset.activations for name, preset in PRESETS.items()}
    assert hidden["hardmaru"] == ("tanh",) * 4
    assert hidden["hardmaru-softplus"] == ("tanh", "softplus") * 2
    assert hidden["hardmaru-sine"] == ("tanh", "softplus") * 2
    assert hidden["hardmaru-sqrt"] == ("tanh",) * 3
    assert PRESETS["hardmaru"].output == PRESETS["hardmaru-softplus"].output == "sigmoid"
    assert PRESETS["hardmaru-sine"].output == "half-sine"
    assert PRESETS["hardmaru-sqrt"].output == "sqrt-tanh"
    assert hidden["hardmaru-residual"] == ("tanh",) * 4
    assert PRESETS["hardmaru-residual"].residual
    for name in hidden:
        preset = PRESETS[name]
        assert preset.description
        if name.startswith("hardmaru") and name != "hardmaru-gan-vae":
            assert (preset.width, preset.z_dim, preset.latent_scale) == (32, 8, 10.0)
            assert preset.weights == preset.biases == ("normal", 0.0, 1.0)
            assert preset.latent == ("uniform", -1.0, 1.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "hardmary"}, 'did you mean "hardmaru'),
        ({"name": "qqq"}, "known: hardmaru"),
        ({"channels": 0}, "channels = 0: must be 1 or 3"),
        ({"channels": 2}, "1 or 3"),
        ({"channels": 4}, "channels = 4"),
        ({"z_dim": -1}, "z_dim = -1"),
        ({"z_dim": MAX_Z_DIM + 1}, f"to {MAX_Z_DIM}"),
        ({"width": 0}, "width = 0"),
        ({"width": MAX_WIDTH + 1}, f"to {MAX_WIDTH}"),
        ({"depth": 0}, "depth = 0"),
        ({"depth": MAX_DEPTH + 1}, f"to {MAX_DEPTH}"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": MAX_SEED + 1}, f"to {MAX_SEED}"),
        ({"activations": []}, "number of activations = 0"),
        ({"activations": ["tanh"] * (MAX_DEPTH + 1)}, "number of activations"),
        ({"activations": ["tanh", "tan"]}, 'did you mean "tanh"?'),
        ({"activations": ["tanh", "sin"], "depth": 3}, "depth = 3"),
        ({"seed": 2.5}, "seed = 2.5"),
        ({"seed": math.nan}, "seed = nan"),
        ({"depth": 2.5}, "depth = 2.5"),
        ({"width": "8"}, "width = 8"),
        ({"inputs": []}, "inputs = []"),
        ({"inputs": ["x", "x"]}, "once"),
        ({"inputs": ["x", "radius"]}, 'unknown input "radius"'),
        ({"inputs": ["x", "y"], "z_dim": 3}, 'inputs without "z"'),
    ],
)
def test_what_no_network_can_have_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SceneError) as caught:
        CPPN.from_preset(**{"name": "hardmaru", **change})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, TilecppnError)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("z", [[], [0.0] * 7, [0.0] * 9, [[0.0] * 8], 0.0])
def test_latent_of_another_length_is_refused(z: Any) -> None:
    cppn = CPPN.from_preset("hardmaru", z_dim=8, width=2)
    with pytest.raises(SceneError, match="must have 8 values"):
        cppn(0.0, 0.0, z)
    with pytest.raises(SceneError, match="must have 8 values"):
        cppn.first_layer(z)


def test_a_network_without_latent_needs_none() -> None:
    cppn = CPPN.from_preset("hardmaru", z_dim=0)
    assert cppn.seeded_latent(3).shape == (0,)
    assert np.array_equal(cppn(1.0, 2.0), cppn(1.0, 2.0, []))


def bits(weights: NDArray[np.float32]) -> NDArray[np.uint32]:
    return weights.view(np.uint32)


def test_equal_networks_are_equal_and_one_bit_makes_them_differ() -> None:
    one, same = (CPPN.from_preset("hardmaru", seed=4, width=3) for _ in range(2))
    assert one == same
    assert hash(one) == hash(same)
    assert one.sha256 == same.sha256
    layers = [(w.copy(), b.copy()) for w, b in one.layers]
    bits(layers[1][0])[2, 1] ^= 1
    other = CPPN(one.structure, layers)
    assert one != other
    assert one.sha256 != other.sha256
    assert one != "a CPPN"


def test_repr_is_one_line_that_tells_networks_apart() -> None:
    texts = {repr(CPPN.from_preset("hardmaru", seed=s, width=2)) for s in range(3)}
    assert len(texts) == 3
    assert all("\n" not in text and "hardmaru" in text for text in texts)
