"""A store of another arithmetic says who began it, and how to go on."""

from pathlib import Path

import pytest

from tests.conftest import SMALL_NET
from tests.stores import edit_attribute
from tilecppn.errors import StoreError
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_a_store_of_an_older_version_names_it(tmp_path: Path) -> None:
    scene = Scene.of(cppn=SMALL_NET, canvas={"width": 20, "height": 20})
    path = tmp_path / "a.zarr"
    arithmetic = render(scene, path, executor="local").arithmetic
    Store(path).check_arithmetic(arithmetic)
    edit_attribute(path, lambda own: own.update(version="0.0.9"))
    edit_attribute(path, lambda own: own["arithmetic"].update(revision=1))
    with pytest.raises(StoreError) as caught:
        Store(path).check_arithmetic(arithmetic)
    message = str(caught.value)
    assert "revision: 1 there" in message
    assert "pip install tilecppn==0.0.9" in message
