"""Pyramids: the number of tiles and their size, told before they are written."""

import os
import re
from pathlib import Path

import pytest

from tests.stores import noise_store
from tilecppn.errors import ExportError
from tilecppn.exporters import tile_estimate
from tilecppn.exporters.export import export_store
from tilecppn.exporters.one_pass import render_and_export
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.plan import ceil_div
from tilecppn.run.options import RunOptions
from tilecppn.storage.disk_storage import DiskStorage
from tilecppn.storage.objects import FreeSpace
from tilecppn.storage.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return noise_store(tmp_path_factory.mktemp("store") / "a.zarr", 400, 300, dtype="uint16")


def notes(store: Store, dest: Path, **options: object) -> list[str]:
    told: list[str] = []
    threads = Threads(1, note=told.append)
    export_store(store.path, dest, ExportOptions(**options), threads)  # type: ignore[arg-type]
    return told


@pytest.mark.parametrize("format", ["png", "jpg"])
def test_it_is_what_is_written(
    format: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_estimate, "MANY", 10)
    (note,) = notes(store, tmp_path / "a.dzi", format=format)
    files = list((tmp_path / "a_files").glob(f"*/*.{format}"))
    below = [path for path in files if int(path.parent.name) < 6]  # levels within one tile
    found = re.search(r"a\.dzi: ([\d,]+) tiles, about ([\d.]+) (kB|MB)", note)
    assert found is not None
    assert int(found[1]) == len(files) - len(below)
    size = float(found[2]) * {"kB": 1e3, "MB": 1e6}[found[3]]
    block = os.statvfs(tmp_path).f_frsize
    taken = sum(ceil_div(path.stat().st_size, block) * block for path in files)
    assert size == pytest.approx(taken, rel=0.2)
    assert ("with --format webp or" in note) == (format == "png")


@pytest.mark.parametrize("name", ["a.dzi", "a.szi", "a.pmtiles", "a.mbtiles"])
def test_every_pyramid_says_so_if_it_has_many(
    name: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notes(store, tmp_path / "few" / name) == []
    monkeypatch.setattr(tile_estimate, "MANY", 10)
    (note,) = notes(store, tmp_path / name, tile=64)
    assert "tiles, about" in note


@pytest.mark.parametrize("lacking", [{"bytes": 9e5}, {"files": 40}])
def test_a_folder_whose_tiles_surely_do_not_fit_is_refused(
    lacking: dict[str, float], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_estimate, "MANY", 10)
    space = {"bytes": 1e12, "files": 1e9, **lacking}
    free = FreeSpace(tmp_path, space["bytes"], space["files"], block=65536)
    monkeypatch.setattr(DiskStorage, "free_space", lambda self: free)
    for dest, options in (("a.dzi", {}), ("xyz", {"layout": "xyz", "tile": 64})):
        with pytest.raises(ExportError, match=r"tiles take .* (900.0 kB|40 files) free at"):
            notes(store, tmp_path / dest, **options)
    run = RunOptions("local")
    with pytest.raises(ExportError, match="tiles take"):
        render_and_export(store.scene, tmp_path / "a.zarr", tmp_path / "a.dzi", run)
    assert list(tmp_path.iterdir()) == []
    assert notes(store, tmp_path / "a.szi")
    assert notes(store, tmp_path / "b.dzi", skip_blanks="#000000")


def test_folders_say_so_too_and_single_files_do_not(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_estimate, "MANY", 1)
    assert notes(store, tmp_path / "xyz", layout="xyz", tile=64)
    assert notes(store, tmp_path / "a.tif") == []
    assert notes(store, tmp_path / "a.png") == []
