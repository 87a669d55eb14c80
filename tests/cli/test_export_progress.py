"""Every kind of export says how far it is, and how long the rest will take."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.stores import noise_store
from tilecppn import export
from tilecppn.cli.progress import Meter
from tilecppn.exporters import bands, tiles
from tilecppn.exporters.export import EXPORTERS, LAYOUTS
from tilecppn.exporters.one_pass import render_and_export
from tilecppn.exporters.pyramids import map_tiles
from tilecppn.run.options import RunOptions
from tilecppn.storage.store import Store


class Watched(Meter):
    """A meter that keeps its lines; its clock goes on by a second a look."""

    def __init__(self, what: str) -> None:
        seconds = iter(range(10**6))
        super().__init__(what, clock=lambda: next(seconds))
        self.lines: list[str] = []

    def _show(self) -> None:
        self.lines.append(self.line())


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store whose exports have many parts."""
    monkeypatch.setattr(bands, "BUDGET", 1)
    monkeypatch.setattr(tiles, "REGION", 64)
    monkeypatch.setattr(map_tiles, "SQUARE", 64)
    return noise_store(tmp_path / "a.zarr", 300, 200)


def assert_told(lines: list[str]) -> None:
    shares = [int(line.split()[1]) for line in lines]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert all("ETA" in line for line in lines[:-1])
    assert "finishing" in lines[-1]
    assert "ETA" not in lines[-1]


WITHOUT_PIXELS = {"store"}  # a page on the store is written at once


@pytest.mark.parametrize("kind", sorted({*EXPORTERS, *LAYOUTS} - WITHOUT_PIXELS))
def test_an_export_shows_its_progress(kind: str, store: Store, tmp_path: Path) -> None:
    layout = kind if kind in LAYOUTS else None
    meter = Watched("export")
    dest = tmp_path / ("a" if layout else f"a{kind}")
    export(store.path, dest, layout=layout, progress=meter.progress)
    assert len(meter.lines) >= 3
    assert_told(meter.lines)


@pytest.mark.parametrize("name", ["a.dzi", "a.png"])
def test_an_export_after_a_render_has_a_rate_of_its_own(
    name: str, small_store: Store, tmp_path: Path
) -> None:
    """The store is finished, so that the export has all to read."""
    copy = tmp_path / "a.zarr"
    shutil.copytree(small_store.path, copy)
    meter = Watched("render")
    meter.begin(1000)
    meter.skip(1000)
    meter.lines.clear()
    progress = partial(meter.stage, "export")
    render_and_export(small_store.scene, copy, tmp_path / name, RunOptions("local"), progress)
    first, *others = meter.lines
    assert first.startswith("export ")
    assert "ETA" not in first
    assert_told(others)
