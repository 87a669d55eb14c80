"""MBTiles, read by SQLite as the specification says."""

import io
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.errors import RenderError
from tilecppn.exporters.pyramids import mbtiles
from tilecppn.exporters.verify import find_export_damage
from tilecppn.scene.scene import Scene


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA application_id").fetchall() == [(0x4D504258,)]
        return file.execute(query).fetchall()


@pytest.mark.parametrize("format", ["png", "jpg", "webp", "avif"])
@pytest.mark.parametrize("size", [(300, 200), (1, 700), (64, 64)])
def test_every_tile_is_that_of_xyz_counted_from_below(
    size: tuple[int, int], format: str, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "a.zarr", *size)
    export(store.path, tmp_path / "a.mbtiles", tile=64, format=format)
    export(store.path, tmp_path / "xyz", layout="xyz", tile=64, format=format)
    found = {
        f"{z}/{x}/{2**z - 1 - row}.{format}": data
        for z, x, row, data in rows(tmp_path / "a.mbtiles", "SELECT * FROM tiles")
    }
    expected = {
        path.relative_to(tmp_path / "xyz").as_posix(): path.read_bytes()
        for path in (tmp_path / "xyz").glob(f"*/*/*.{format}")
    }
    assert found == expected
    said = dict(rows(tmp_path / "a.mbtiles", "SELECT * FROM metadata"))
    assert said["format"] == {"avif": "image/avif"}.get(format, format)


def test_the_picture_the_scene_and_the_checksum(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 300, 200)
    path = tmp_path / "a b?#.mbtiles"
    assert export(store.path, path, tile=64, title="Storms") == [path]
    query = "WHERE zoom_level = 3 AND tile_column = 1 AND tile_row = 5"
    ((data,),) = rows(path, f"SELECT tile_data FROM tiles {query}")
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), level_pixels(store, 0)[128:192, 64:128])
    said = mbtiles.read_metadata(path)
    assert (said["name"], said["minzoom"], said["maxzoom"]) == ("Storms", "0", "3")
    west, south, east, north = map(float, said["bounds"].split(","))
    assert -180 == west < 0 < east < 31 < south < north < 86
    assert Scene.load(path).cppn == store.scene.cppn
    assert find_export_damage(path) == {}


def test_a_name_that_is_not_utf_8_is_replaced_inside(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"a\xff.mbtiles")
    export(noise_store(tmp_path / "a.zarr", 30, 20).path, path)
    assert mbtiles.read_metadata(path)["name"] == "a�"


def test_a_fault_of_sqlite_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = noise_store(tmp_path / "a.zarr", 300, 200)
    monkeypatch.setattr(mbtiles, "_INDEX", "CREATE nonsense")
    with pytest.raises(RenderError, match=r"a\.mbtiles: cannot be written: near"):
        export(store.path, tmp_path / "a.mbtiles")
    assert not (tmp_path / "a.mbtiles").exists()
