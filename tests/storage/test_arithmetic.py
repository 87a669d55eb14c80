"""A store of another arithmetic says who began it, and how to go on."""

import json
from pathlib import Path

import pytest

from tests.conftest import SMALL_NET
from tilecppn.errors import StoreError
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_a_store_of_an_older_version_names_it(tmp_path: Path) -> None:
    scene = Scene.of(cppn=SMALL_NET, canvas={"width": 20, "height": 20})
    path = tmp_path / "a.zarr"
    arithmetic = render(scene, path, executor="local").arithmetic
    Store(path).check_arithmetic(arithmetic)
    record = json.loads((path / "zarr.json").read_bytes())
    ours = record["attributes"]["tilecppn"]
    ours["version"] = "0.0.9"
    ours["arithmetic"]["revision"] = 1
    (path / "zarr.json").write_text(json.dumps(record))
    with pytest.raises(StoreError) as caught:
        Store(path).check_arithmetic(arithmetic)
    message = str(caught.value)
    assert "revision: 1 there" in message
    assert "pip install tilecppn==0.0.9" in message
