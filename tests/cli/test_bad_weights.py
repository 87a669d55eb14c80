"""Bad weights files, for every command that takes a scene."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from tests.cli.conftest import Cli
from tests.cli.results import COMMANDS, assert_refused
from tests.stores import tree
from tilecppn.cppn import CPPN


def network() -> CPPN:
    return CPPN.from_preset("hardmaru", seed=1, width=4, depth=1)


def edited(**changes: Any) -> bytes:
    """A weights file whose metadata somebody has changed."""
    data = network().to_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    record = json.loads(header["__metadata__"]["tilecppn"])
    return save(load(data), metadata={"tilecppn": json.dumps({**record, **changes})})


def with_tensor(name: str, tensor: Any) -> bytes:
    data = network().to_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return save({**load(data), name: tensor}, metadata=header["__metadata__"])


WEIGHTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a whole safetensors file"),
    "cut in its length": (network().to_bytes()[:5], "not a whole safetensors file"),
    "cut in its header": (network().to_bytes()[:99], "not a whole safetensors file"),
    "cut in its tensors": (network().to_bytes()[:-1], "not a whole safetensors file"),
    "one byte too many": (network().to_bytes() + b"\0", "not a whole safetensors file"),
    "garbage": (b"\xff" * 1000, "not a whole safetensors file"),
    "text": (b"hello, I am a network", "not a whole safetensors file"),
    "pickle": (pickle.dumps({"layers": [1.0]}), "pickle"),
    "pickle in a zip, as torch.save makes": (b"PK\x03\x04" + b"\0" * 100, "pickle"),
    "another program's": (save({"layers.0.weight": np.ones((2, 2))}), "no metadata"),
    "of a later format": (edited(format=2), "format 2"),
    "without inputs": (edited(inputs=[]), "inputs"),
    "unknown activation": (edited(activations=["tanf"]), "tanf"),
    "activation that is a list": (edited(activations=[["tanh"]]), "activation"),
    "output that is a list": (edited(output=["tanh"]), "activation"),
    "infinite channels": (edited(channels=1e400), "metadata"),
    "channels without number": (edited(channels="many"), "metadata"),
    "latent without numbers": (edited(latent=[]), "metadata"),
    "NaN latent scale": (edited(latent_scale=float("nan")), "not allowed"),
    "view with an unknown key": (edited(view={"centre": [0, 0]}), "centre"),
    "view with a bad value": (edited(view={"scale": -1}), "scale"),
    "view that is no mapping": (edited(view=5), "metadata"),
    "metadata that is no mapping": (
        save(load(network().to_bytes()), metadata={"tilecppn": "[]"}),
        "metadata",
    ),
    "metadata nested without end": (
        save(load(network().to_bytes()), metadata={"tilecppn": "[" * 100_000}),
        "metadata",
    ),
    "tensor of another shape": (
        with_tensor("layers.0.weight", np.ones((4, 5), np.float32)),
        "layers.0.weight",
    ),
    "tensor of another type": (with_tensor("layers.0.bias", np.ones(4)), "layers.0.bias"),
    "NaN in a tensor": (
        with_tensor("layers.0.bias", np.full(4, np.nan, np.float32)),
        "layers.0.bias holds NaN",
    ),
    "unknown tensor": (with_tensor("layers.9.bias", np.ones(4, np.float32)), "layers.9.bias"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_bad_weights_file_is_refused_and_never_unpickled(
    name: str, cli: Cli, tmp_path: Path
) -> None:
    data, says = WEIGHTS[name]
    (tmp_path / "net.safetensors").write_bytes(data)
    (tmp_path / "bad.toml").write_text('[cppn]\nweights = "net.safetensors"\n')
    before = tree(tmp_path)
    for command, options in COMMANDS.items():
        assert_refused(cli(command, "bad.toml", *options), says)
    assert tree(tmp_path) == before


def test_weights_of_the_scene_and_a_structure_of_ones_own_do_not_mix(
    cli: Cli, tmp_path: Path
) -> None:
    network().save(tmp_path / "net.safetensors")
    for key, value in {"width": 9, "depth": 1, "z_dim": 1, "activations": ["tanh"]}.items():
        text = f'[cppn]\nweights = "net.safetensors"\n{key} = {json.dumps(value)}\n'
        (tmp_path / "a.toml").write_text(text)
        assert_refused(cli("plan", "a.toml"), f"cppn.{key}", "weights")
    (tmp_path / "a.toml").write_text('[cppn]\nweights = "net.safetensors"\nchannels = 1\n')
    assert_refused(cli("plan", "a.toml"), "cppn.channels = 1", "3 channels")
