"""Pyramids: the number of tiles and their size, told before they are written."""

import re
from pathlib import Path

import pytest

from tests.stores import noise_store
from tilecppn.exporters import tile_estimate
from tilecppn.exporters.export import export_store
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
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
    assert size == pytest.approx(sum(path.stat().st_size for path in files), rel=0.2)
    assert ("with --format webp or" in note) == (format == "png")


@pytest.mark.parametrize("name", ["a.dzi", "a.szi", "a.pmtiles", "a.mbtiles"])
def test_every_pyramid_says_so_if_it_has_many(
    name: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notes(store, tmp_path / "few" / name) == []
    monkeypatch.setattr(tile_estimate, "MANY", 10)
    (note,) = notes(store, tmp_path / name, tile=64)
    assert "tiles, about" in note


def test_folders_say_so_too_and_single_files_do_not(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_estimate, "MANY", 1)
    assert notes(store, tmp_path / "xyz", layout="xyz", tile=64)
    assert notes(store, tmp_path / "a.tif") == []
    assert notes(store, tmp_path / "a.png") == []
