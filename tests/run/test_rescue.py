"""A store whose scene or weights are lost, and its scene given again."""

from pathlib import Path

import pytest

from tests.stores import NETWORK, tree
from tilecppn.cppn import CPPN
from tilecppn.errors import StoreError
from tilecppn.run.render import render
from tilecppn.run.rescue import rescue_store
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

SCENE = Scene.of(
    cppn={"width": 4, "depth": 1, "seed": 3},
    canvas={"width": 150, "height": 100},
    output={"tile": 64, "shard": 64},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    render(SCENE, tmp_path / "a.zarr", executor="local", workers=1)
    return tmp_path / "a.zarr"


def lose(path: Path, *names: str) -> None:
    for name in names:
        (path / name).write_bytes(b"lost")


def test_the_scene_given_again_restores_every_byte(path: Path) -> None:
    before = tree(path)
    lose(path, "zarr.json", "weights/group.json", "0/zarr.json", NETWORK, "weights/c/0")
    with pytest.raises(StoreError, match="--repair --scene"):
        rescue_store(path)
    rescue_store(path, SCENE)
    assert tree(path) == before
    assert Store(path).scene == SCENE


def test_the_network_of_a_seed_is_made_again(path: Path) -> None:
    before = tree(path)
    lose(path, NETWORK, "weights/c/0")
    with pytest.raises(StoreError):
        Store(path)
    rescue_store(path)
    assert tree(path) == before


def test_weights_of_a_file_are_asked_for(tmp_path: Path) -> None:
    scene = SCENE.replace(cppn=CPPN.from_preset("hardmaru", seed=1, width=4, depth=1))
    path = render(scene, tmp_path / "a.zarr", executor="local", workers=1).path
    before = tree(path)
    lose(path, NETWORK, "weights/c/0")
    with pytest.raises(StoreError, match="--scene"):
        rescue_store(path)
    rescue_store(path, scene)
    assert tree(path) == before


OTHERS = {
    "network": SCENE.replace(cppn={"seed": 4}),
    "view": SCENE.replace(view={"scale": 11.0}),
    "canvas": SCENE.replace(canvas={"width": 151}),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("lost", [["zarr.json", "weights/group.json"], [NETWORK, "weights/c/0"]])
def test_another_scene_is_refused(other: str, lost: list[str], path: Path) -> None:
    lose(path, *lost)
    before = tree(path)
    with pytest.raises(StoreError, match="not what this version draws"):
        rescue_store(path, OTHERS[other])
    assert tree(path) == before


def test_another_layout_is_no_other_picture(path: Path) -> None:
    """The store keeps its own, where it is left."""
    before, other = tree(path), SCENE.replace(output={"shard": 128})
    lose(path, NETWORK, "weights/c/0")
    rescue_store(path, other)
    assert tree(path) == before
    lose(path, "zarr.json", "weights/group.json")
    with pytest.raises(StoreError, match="not what this version draws"):
        rescue_store(path, other)


def test_damaged_shards_prove_nothing(path: Path) -> None:
    lose(path, "zarr.json", "weights/group.json")
    shards = sorted((path / "0" / "c" / "0").glob("*/*"), key=lambda file: file.stat().st_size)
    for file in shards[-2:]:
        file.write_bytes(bytes(file.stat().st_size))
    rescue_store(path, SCENE)
    assert Store(path).scene == SCENE


def test_without_a_shard_there_is_nothing_to_rescue(path: Path) -> None:
    lose(path, "zarr.json", "weights/group.json")
    for file in (path / "0" / "c" / "0").glob("*/*"):
        file.unlink()
    with pytest.raises(StoreError, match="render it anew"):
        rescue_store(path, SCENE)


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such store"):
        rescue_store(tmp_path / "a.zarr")
