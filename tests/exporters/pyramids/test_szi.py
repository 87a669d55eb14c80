"""SZI: the tiles of a Deep Zoom export, in one file."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from tests.stores import noise_store, tree
from tilecppn import export


@pytest.mark.parametrize("overlap", [0, 1])
def test_it_holds_the_files_of_the_deep_zoom_export_as_they_are(
    overlap: int, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "in.zarr", 150, 97)
    export(store.path, tmp_path / "a.dzi", overlap=overlap)
    assert export(store.path, tmp_path / "a.szi", overlap=overlap, workers=2) == [
        tmp_path / "a.szi"
    ]
    beside = ("openseadragon.min.js", "openseadragon.LICENSE.txt", "card.jpg", "tilecppn.crc32c")
    expected = {
        f"a/a_files/{name}": data
        for name, data in tree(tmp_path / "a_files").items()
        if isinstance(data, bytes) and name not in beside
    }
    descriptor = (tmp_path / "a.dzi").read_text(encoding="utf-8").partition("<!--")[0]
    expected["a/a.dzi"] = descriptor.encode()
    manifest = json.loads(expected.pop("a/a_files/tilecppn.json"))
    with zipfile.ZipFile(tmp_path / "a.szi") as file:
        assert file.testzip() is None
        assert {entry.compress_type for entry in file.infolist()} == {zipfile.ZIP_STORED}
        found = {name: file.read(name) for name in file.namelist()}
        assert len(found) == len(file.namelist())
    inside = json.loads(found.pop("a/a_files/tilecppn.json"))
    assert inside["scene"] == manifest["scene"]
    assert found == expected


def test_a_name_that_is_not_utf_8_is_replaced_inside(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 70, 97)
    export(store.path, tmp_path / os.fsdecode(b"a\xff.szi"))
    with zipfile.ZipFile(tmp_path / os.fsdecode(b"a\xff.szi")) as file:
        assert "a�/a�.dzi" in file.namelist()


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 70, 97)
    export(store.path, tmp_path / "a.szi", workers=2)
    before = (tmp_path / "a.szi").read_bytes()
    export(store.path, tmp_path / "a.szi", workers=1, overwrite=True)
    assert (tmp_path / "a.szi").read_bytes() == before
