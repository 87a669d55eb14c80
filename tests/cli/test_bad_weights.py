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


# One of each kind; tests/cppn has the others.
WEIGHTS: dict[str, tuple[bytes, str]] = {
    "cut in its tensors": (network().to_bytes()[:-1], "not a whole safetensors file"),
    "pickle": (pickle.dumps({"layers": [1.0]}), "pickle"),
    "another program's": (save({"layers.0.weight": np.ones((2, 2))}), "no metadata"),
    "of a later format": (edited(format=2), "format 2"),
    "metadata that is no mapping": (
        save(load(network().to_bytes()), metadata={"tilecppn": "[]"}),
        "metadata",
    ),
    "view with a bad value": (edited(view={"scale": -1}), "scale"),
    "NaN in a tensor": (
        with_tensor("layers.0.bias", np.full(4, np.nan, np.float32)),
        "layers.0.bias holds NaN",
    ),
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
