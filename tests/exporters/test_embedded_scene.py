"""A picture gives back its scene."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tilecppn import export
from tilecppn.cppn import CPPN
from tilecppn.errors import SceneError
from tilecppn.exporters.embedded_scene import READERS, embedded_scene
from tilecppn.exporters.export import EXPORTERS, LAYOUTS
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


@pytest.mark.parametrize("suffix", EXPORTERS)
def test_every_file_gives_back_its_scene_and_larger(
    suffix: str, small_store: Store, tmp_path: Path
) -> None:
    export(small_store.path, tmp_path / f"a{suffix}", level=1)
    assert embedded_scene(tmp_path / f"a{suffix}") == small_store.scene
    larger = embedded_scene(tmp_path / f"a{suffix}", ["canvas.width=4096"])
    assert larger == small_store.scene.replace(canvas={"width": 4096})
    assert set(READERS) == {*EXPORTERS, ".html"}


@pytest.mark.parametrize("layout", sorted({*LAYOUTS} - {"store"}))  # a page: the store has it
def test_every_folder_gives_back_its_scene(layout: str, small_store: Store, tmp_path: Path) -> None:
    export(small_store.path, tmp_path / "a", layout=layout)
    assert embedded_scene(tmp_path / "a") == small_store.scene


def trained(tmp_path: Path) -> Store:
    CPPN.from_preset("hardmaru", seed=1, width=4, depth=1, z_dim=2).save(
        tmp_path / "net.safetensors"
    )
    (tmp_path / "a.toml").write_text(
        '[cppn]\nweights = "net.safetensors"\n[canvas]\nwidth = 40\nheight = 30\n'
    )
    scene = Scene.load(tmp_path / "a.toml")
    return render(scene, tmp_path / "a.zarr", executor="local")


def test_a_store_has_its_network_and_a_picture_asks_for_it(tmp_path: Path) -> None:
    store = trained(tmp_path)
    (tmp_path / "net.safetensors").rename(tmp_path / "other.safetensors")
    assert embedded_scene(store.path) == store.scene
    larger = embedded_scene(store.path, ["canvas.width=80"])
    assert larger.fingerprint == store.scene.replace(canvas={"width": 80}).fingerprint
    export(store.path, tmp_path / "a.png")
    with pytest.raises(SceneError, match=r"network is a weights file.* or cppn.weights="):
        embedded_scene(tmp_path / "a.png")
    again = embedded_scene(tmp_path / "a.png", [f"cppn.weights={tmp_path / 'other.safetensors'}"])
    assert again.fingerprint == store.scene.fingerprint


@pytest.mark.parametrize("suffix", READERS)
def test_what_holds_no_scene_is_refused_in_one_line(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(SceneError, match="does not exist"):
        embedded_scene(path)
    path.write_bytes(b"mine")
    with pytest.raises(SceneError, match="holds no scene; give a scene file"):
        embedded_scene(path)
    if suffix in (".png", ".tif", ".jpg", ".webp", ".avif"):
        Image.fromarray(np.zeros((5, 5), np.uint8)).save(path)
        with pytest.raises(SceneError, match="holds no scene"):
            embedded_scene(path)
