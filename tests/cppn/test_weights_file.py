"""The weights file: what is in it, that it comes back, and that nothing else is taken for one."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from tests.cppn.weights_files import BYTES, HEADER, JSON, LAWS, NET, complaint, record_of, refusal
from tilecppn.cppn.network import CPPN
from tilecppn.cppn.presets import PRESETS
from tilecppn.cppn.seeding import LATENT_STREAM, MAX_SEED, inverse_normal, uniforms
from tilecppn.errors import InvalidRequestError, WeightsError
from tilecppn.scene.scene import Scene

Tensors = dict[str, NDArray[Any]]


def edited(change: Callable[[Tensors], object] | None = None, **metadata: Any) -> bytes:
    """NET's file with other tensors, or other values in its metadata; None takes a key out."""
    tensors = load_tensors(BYTES)
    if change is not None:
        change(tensors)
    record = {k: v for k, v in {**record_of(BYTES), **metadata}.items() if v is not None}
    return save_tensors(tensors, metadata={"tilecppn": json.dumps(record)})


@LAWS
@given(
    preset=st.sampled_from(sorted(PRESETS)),
    seed=st.integers(0, MAX_SEED),
    channels=st.sampled_from([1, 3]),
    z_dim=st.integers(0, 9),
    width=st.integers(1, 12),
    depth=st.integers(1, 5),
)
def test_bytes_come_back_as_the_same_network(
    preset: str, seed: int, channels: int, z_dim: int, width: int, depth: int
) -> None:
    cppn = CPPN.from_preset(
        preset, seed=seed, channels=channels, z_dim=z_dim, width=width, depth=depth
    )
    again = CPPN.from_bytes(cppn.to_bytes(), "again")
    assert again == cppn
    assert again.to_bytes() == cppn.to_bytes()
    assert again.structure == cppn.structure
    z = cppn.seeded_latent(1)
    assert np.array_equal(again.seeded_latent(1), z)
    x = np.linspace(-9, 9, 7)
    assert np.array_equal(again(x, x[:, None], z), cppn(x, x[:, None], z))


@pytest.mark.parametrize("first_byte", range(0, 256, 8))
def test_header_of_any_length_is_read(first_byte: int) -> None:
    """A file begins with its header's length, so its first byte may be that of a pickle."""
    length = HEADER + (first_byte - HEADER) % 256
    header = BYTES[8 : 8 + HEADER].ljust(length)
    data = length.to_bytes(8, "little") + header + BYTES[8 + HEADER :]
    assert data[0] == first_byte
    assert CPPN.from_bytes(data, "padded.safetensors") == NET


@pytest.mark.parametrize("depth", [*range(1, 41), 200])
def test_network_of_any_depth_comes_back(depth: int) -> None:
    for width in (8, 32):
        cppn = CPPN.from_preset("hardmaru", width=width, depth=depth, z_dim=0)
        assert CPPN.from_bytes(cppn.to_bytes(), "deep.safetensors") == cppn


def test_saved_file_loads_and_saves_identically(tmp_path: Path) -> None:
    NET.save(tmp_path / "a.safetensors")
    again = CPPN.load(str(tmp_path / "a.safetensors"))
    again.save(str(tmp_path / "b.safetensors"))
    assert (tmp_path / "a.safetensors").read_bytes() == BYTES
    assert (tmp_path / "b.safetensors").read_bytes() == BYTES
    for (w1, b1), (w2, b2) in zip(NET.layers, again.layers, strict=True):
        assert np.array_equal(w1, w2)
        assert np.array_equal(b1, b2)


def test_file_is_as_the_contract_says(tmp_path: Path) -> None:
    """Read by the safetensors library alone."""
    path = tmp_path / "net.safetensors"
    NET.save(path)
    shapes = {
        "layers.0.weight": (6, 6),
        "layers.0.bias": (6,),
        "layers.1.weight": (6, 6),
        "layers.1.bias": (6,),
        "layers.2.weight": (3, 6),
        "layers.2.bias": (3,),
    }
    with safe_open(path, framework="np") as file:
        assert set(file.keys()) == set(shapes)
        for name, shape in shapes.items():
            tensor = file.get_tensor(name)
            assert tensor.shape == shape
            assert tensor.dtype == np.float32
            layer, kind = name.split(".")[1:]
            assert np.array_equal(tensor, NET.layers[int(layer)][kind == "bias"])
        metadata = file.metadata()
    assert list(metadata) == ["tilecppn"]
    assert json.loads(metadata["tilecppn"]) == {
        "format": 1,
        "preset": "hardmaru",
        "activations": ["tanh", "tanh"],
        "output": "sigmoid",
        "inputs": ["x", "y", "r", "z"],
        "z_dim": 3,
        "latent_scale": 10.0,
        "latent": ["uniform", -1.0, 1.0],
        "view": {},
        "channels": 3,
    }


def test_file_names_what_is_not_plain() -> None:
    cppn = CPPN.from_preset("hardmaru", inputs=["x", "one"], residual=True)
    shifted = CPPN(replace(cppn.structure, origin=(1.5, -2.0)), cppn.layers)
    record = record_of(shifted.to_bytes())
    assert record["inputs"] == ["x", "one"]
    assert record["residual"] is True
    assert record["origin"] == [1.5, -2.0]
    assert CPPN.from_bytes(shifted.to_bytes(), "again") == shifted


def test_file_has_no_hash_of_its_tensors() -> None:
    """People edit them."""
    other = CPPN(NET.structure, [(2 * w, b) for w, b in NET.layers])
    assert record_of(other.to_bytes()) == record_of(BYTES)


def test_edited_tensors_load(tmp_path: Path) -> None:
    def louder(tensors: Tensors) -> None:
        tensors["layers.1.weight"] = tensors["layers.1.weight"] * 2
        tensors["layers.2.bias"] = np.zeros(3, np.float32)

    path = tmp_path / "edited.safetensors"
    path.write_bytes(edited(louder))
    cppn = CPPN.load(path)
    assert np.array_equal(cppn.layers[1][0], 2 * NET.layers[1][0])
    assert np.array_equal(cppn.layers[2][1], np.zeros(3))
    assert np.array_equal(cppn.layers[0][0], NET.layers[0][0])


@pytest.mark.parametrize("name", ["encoder.0.weight", "discriminator.conv.0.bias", "encoder."])
def test_tensors_of_a_training_are_left_alone(name: str) -> None:
    def trained(tensors: Tensors) -> None:
        tensors[name] = np.full((2, 2), np.nan, np.float32)

    assert CPPN.from_bytes(edited(trained), "trained") == NET


@pytest.mark.parametrize("name", ["other", "layers.3.weight", "encoders.0.weight", "my.encoder.w"])
def test_other_tensors_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "odd.safetensors"
    path.write_bytes(edited(lambda t: t.update({name: np.zeros(1, np.float32)})))
    assert name in refusal(path)


def replaced(name: str, value: NDArray[Any]) -> Callable[[Tensors], object]:
    return lambda tensors: tensors.update({name: value})


def one_bad(value: float) -> Callable[[Tensors], object]:
    def change(tensors: Tensors) -> None:
        tensors["layers.1.weight"] = tensors["layers.1.weight"].copy()
        tensors["layers.1.weight"][3, 2] = value

    return change


BAD_TENSORS: dict[str, tuple[Callable[[Tensors], object], str]] = {
    "first missing": (lambda t: t.pop("layers.0.weight"), "layers.0.weight is missing"),
    "bias missing": (lambda t: t.pop("layers.1.bias"), "layers.1.bias is missing"),
    "last missing": (lambda t: t.pop("layers.2.weight"), "layers.2.weight is missing"),
    "none": (lambda t: t.clear(), "layers.0.weight is missing"),
    "inputs": (replaced("layers.0.weight", np.ones((6, 7), np.float32)), "must be float32 (6, 6)"),
    "transposed": (
        replaced("layers.2.weight", np.ones((6, 3), np.float32)),
        "must be float32 (3, 6)",
    ),
    "flat": (replaced("layers.0.weight", np.ones(36, np.float32)), "not a matrix"),
    "empty": (replaced("layers.0.weight", np.ones((0, 6), np.float32)), "layers."),
    "bias matrix": (
        replaced("layers.0.bias", np.ones((6, 1), np.float32)),
        "must be float32 (6,)",
    ),
    "float64": (replaced("layers.1.bias", np.ones(6)), "is float64 (6,), must be float32"),
    "float16": (replaced("layers.1.bias", np.ones(6, np.float16)), "is float16"),
    "int32": (replaced("layers.1.bias", np.ones(6, np.int32)), "is int32"),
    "NaN": (one_bad(math.nan), "layers.1.weight holds NaN or infinity"),
    "infinity": (one_bad(-math.inf), "layers.1.weight holds NaN or infinity"),
}


@pytest.mark.parametrize("case", BAD_TENSORS)
def test_wrong_tensors_are_refused(tmp_path: Path, case: str) -> None:
    change, words = BAD_TENSORS[case]
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(edited(change))
    assert words in refusal(path)


def test_a_network_without_any_width_is_refused() -> None:
    def nothing(tensors: Tensors) -> None:
        for name, shape in {"0.weight": (0, 6), "1.weight": (0, 0), "2.weight": (3, 0)}.items():
            tensors[f"layers.{name}"] = np.zeros(shape, np.float32)
        tensors["layers.0.bias"] = tensors["layers.1.bias"] = np.zeros(0, np.float32)

    with pytest.raises(WeightsError, match=r"empty\.safetensors"):
        CPPN.from_bytes(edited(nothing), "empty.safetensors")


BAD_METADATA: list[dict[str, Any]] = [
    {"format": 2},
    {"format": "1"},
    {"format": None},
    {"preset": None},
    {"inputs": ["x", "y", "z"]},
    {"inputs": ["y", "x", "r", "z"]},
    {"inputs": []},
    {"inputs": ["x", "y", "r"]},
    {"inputs": ["x", "y", "r", "z", "one"]},
    {"inputs": "xyrz"},
    {"residual": 1},
    {"residual": "no"},
    {"origin": [1.0]},
    {"origin": [1.0, math.nan]},
    {"origin": 3},
    {"activations": []},
    {"activations": ["tanh"]},
    {"activations": ["tanh", "tan"]},
    {"activations": "tanh"},
    {"activations": 2},
    {"activations": [["tanh"], ["tanh"]]},
    {"activations": [1, 2]},
    {"output": "sigmoids"},
    {"output": ["sigmoid"]},
    {"output": {}},
    {"output": 5},
    {"channels": 1},
    {"channels": 2},
    {"channels": "three"},
    {"channels": [3]},
    {"z_dim": -3},
    {"z_dim": 4},
    {"z_dim": 3.5},
    {"z_dim": math.nan},
    {"z_dim": math.inf},
    {"z_dim": [3]},
    {"latent_scale": math.nan},
    {"latent_scale": math.inf},
    {"latent_scale": "loud"},
    {"latent_scale": 10**400},
    {"latent": None},
    {"latent": []},
    {"latent": ["uniform", 0.0]},
    {"latent": ["cauchy", 0.0, 1.0]},
    {"latent": ["uniform", 0.0, math.inf]},
    {"latent": 5},
    {"view": 5},
    {"view": "far"},
    {"view": None},
]


@pytest.mark.parametrize("change", BAD_METADATA, ids=lambda c: json.dumps(c)[:40])
def test_wrong_metadata_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(edited(**change))
    refusal(path)


@pytest.mark.parametrize(
    "view", [{"scael": 3.0}, {"scale": -3.0}, {"scale": "far"}, {"center": [0.0]}, {"grid": None}]
)
def test_view_that_no_scene_can_have_is_refused_with_the_files_name(
    tmp_path: Path, view: dict[str, Any]
) -> None:
    (tmp_path / "wrong.safetensors").write_bytes(edited(view=view))
    with pytest.raises(InvalidRequestError) as caught:
        Scene.parse('[cppn]\nweights = "wrong.safetensors"\n', folder=tmp_path)
    assert "wrong.safetensors" in str(caught.value)
    assert next(iter(view)) in str(caught.value)


@settings(LAWS, max_examples=300)
@given(st.sampled_from(sorted(record_of(BYTES))), JSON)
def test_any_metadata_is_taken_or_refused_in_one_line(key: str, value: Any) -> None:
    text = complaint(edited(**{key: value}), "odd.safetensors")
    assert text is None or ("odd.safetensors" in text and "\n" not in text)


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"other": "{}"}, {"tilecppn": ""}, {"tilecppn": "no JSON"}, {"tilecppn": "[]"}]
    + [{"tilecppn": text} for text in ("null", "5", '"text"', "{}", "{", "[" * 100_000)],
    ids=lambda m: json.dumps(m)[:30],
)
def test_file_without_our_metadata_is_refused(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(save_tensors(load_tensors(BYTES), metadata=metadata))
    refusal(path)


def test_file_of_an_unknown_format_says_which_it_is(tmp_path: Path) -> None:
    path = tmp_path / "later.safetensors"
    path.write_bytes(edited(format=7))
    text = refusal(path)
    assert "format 7" in text
    assert "format 1" in text


def test_unknown_activation_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(edited(activations=["tanh", "wobble"]))
    assert "wobble" in refusal(path)


@LAWS
@given(st.integers(0, len(BYTES) - 1))
@example(0)
@example(1)
@example(7)
@example(8)
@example(9)
@example(8 + HEADER - 1)
@example(8 + HEADER)
@example(8 + HEADER + 1)
@example(len(BYTES) - 4)
@example(len(BYTES) - 1)
def test_truncated_file_is_refused(length: int) -> None:
    text = complaint(BYTES[:length], "cut.safetensors")
    assert text is not None
    assert "cut.safetensors" in text
    assert "\n" not in text


def test_views_and_latents_of_a_file_stand_where_a_scene_says_nothing() -> None:
    data = edited(view={"scale": 0.5, "grid": "endpoints"}, latent=["normal", 1.0, 2.0])
    scene = Scene.parse('[cppn]\nweights = "a.safetensors"\n[view]\nscale = 2.0\n', embedded=data)
    assert (scene.view.scale, scene.view.grid, scene.channels) == (2.0, "endpoints", 3)
    assert np.array_equal(scene.z, 1.0 + 2.0 * inverse_normal(uniforms(0, LATENT_STREAM, 3)))
