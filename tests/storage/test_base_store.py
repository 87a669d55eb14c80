"""What is at the path of a store, and what is left alone."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from tests.storage.helpers import leftovers
from tests.stores import ARITHMETIC, NETWORK, edit_attribute, plain_scene, tree
from tilecppn.cppn import CPPN
from tilecppn.errors import StoreError
from tilecppn.plan import Window
from tilecppn.run.render import render
from tilecppn.scene.scene import EMBEDDED
from tilecppn.storage.base_store import is_store
from tilecppn.storage.store import Store

# What is at a path


def test_a_store_is_recognised(store: Store) -> None:
    assert is_store(store.path)


def test_nothing_and_an_empty_folder_are_no_store(tmp_path: Path) -> None:
    assert not is_store(tmp_path / "missing")
    assert not is_store(tmp_path)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "photo.png").write_bytes(b"mine")


def _other_zarr(path: Path) -> None:
    group = zarr.create_group(path, attributes={"tilecppn": "no mapping"})
    group.create_array("0", shape=(4, 4), dtype="uint8")[:] = 7


def _other_json(path: Path) -> None:
    path.mkdir()
    (path / "zarr.json").write_text("[]")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "file": lambda path: path.write_bytes(b"mine"),
    "folder": _folder,
    "other zarr": _other_zarr,
    "other json": _other_json,
    "link": lambda path: path.symlink_to("a.zarr"),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_others_made_is_refused_and_stays(
    kind: str, overwrite: bool, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "b.zarr"
    FOREIGN[kind](path)
    before = tree(tmp_path)
    with pytest.raises(StoreError, match=r"b\.zarr"):
        is_store(path)
    with pytest.raises(StoreError, match=r"b\.zarr"):
        render(store.scene, path, executor="local", workers=1, overwrite=overwrite)
    making = Store.create(path, store.scene, ARITHMETIC, overwrite=overwrite)
    with pytest.raises(StoreError, match=r"b\.zarr"), making:
        raise AssertionError
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", ["file", "folder", "other zarr", "other json", "missing"])
def test_opening_what_is_no_store_is_refused(kind: str, tmp_path: Path) -> None:
    if kind in FOREIGN:
        FOREIGN[kind](tmp_path / "b.zarr")
    before = tree(tmp_path)
    with pytest.raises(StoreError, match=r"b\.zarr"):
        Store(tmp_path / "b.zarr")
    assert tree(tmp_path) == before


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no scene": lambda attributes: attributes.pop("scene"),
    "scene is a number": lambda attributes: attributes.update(scene=5),
    "scene is wrong": lambda attributes: attributes.update(scene="[canvas]\nwidth = 0\n"),
    "scene is not TOML": lambda attributes: attributes.update(scene="not TOML"),
    "no arithmetic": lambda attributes: attributes.pop("arithmetic"),
    "arithmetic is a list": lambda attributes: attributes.update(arithmetic=["torch"]),
    "arithmetic is short": lambda attributes: attributes["arithmetic"].pop("device"),
    "arithmetic is long": lambda attributes: attributes["arithmetic"].update(more=1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_damaged_metadata_is_named(change: str, store: Store) -> None:
    edit_attribute(store.path, CHANGES[change])
    with pytest.raises(StoreError, match=r"a\.zarr: its metadata is damaged"):
        Store(store.path)


@pytest.mark.parametrize("data", [None, b"", b"garbage"])
def test_a_damaged_network_is_named(tmp_path: Path, data: bytes | None) -> None:
    net = CPPN.from_preset("hardmaru", seed=1, width=2, depth=1)
    scene = plain_scene(9, 9, tile=64, shard=64).replace(cppn=net)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC) as store:
        pass
    for copy in (NETWORK, "weights/c/0"):
        (store.path / copy).unlink()
        if data is not None:
            (store.path / copy).write_bytes(data)
    with pytest.raises(StoreError, match=rf"a\.zarr: its metadata is damaged.*{EMBEDDED}"):
        Store(store.path)


@pytest.mark.parametrize("data", [None, b"", b"null", b"{}", b"[]", b'{"zarr_format": 3}'])
def test_damaged_metadata_of_a_level_costs_no_pixels(store: Store, data: bytes | None) -> None:
    pixels = store.read(1, Window(0, 0, 10, 10))
    (store.path / "1" / "zarr.json").unlink()
    if data is not None:
        (store.path / "1" / "zarr.json").write_bytes(data)
    assert Store(store.path).invalid_metadata() == ["1/zarr.json"]
    assert np.array_equal(Store(store.path).read(1, Window(0, 0, 10, 10)), pixels)


# Foreign files in a store of ours


def test_a_store_holds_nothing_foreign(store: Store) -> None:
    leftovers(store.path)
    store.check_safe_to_overwrite()


@pytest.mark.parametrize(
    "name", ["notes.txt", "photos/1.png", "2019/1.png", "0/notes.txt", "0/c/0/0/notes.txt"]
)
def test_a_store_with_a_foreign_file_is_not_overwritten(store: Store, name: str) -> None:
    path = store.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine")
    before = tree(store.path.parent)
    with pytest.raises(StoreError, match="nothing was deleted"):
        store.check_safe_to_overwrite()
    with pytest.raises(StoreError, match="nothing was deleted"):
        render(store.scene, store.path, executor="local", workers=1, overwrite=True)
    assert tree(store.path.parent) == before


def test_a_level_that_is_a_link_is_foreign(store: Store, tmp_path: Path) -> None:
    shutil.move(store.path / "2", tmp_path / "elsewhere")
    (store.path / "2").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="holds 2,"):
        store.check_safe_to_overwrite()
