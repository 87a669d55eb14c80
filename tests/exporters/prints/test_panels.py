"""Panels: together they are the whole, and beside each other they share what was asked for."""

from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import SMALL_NET
from tests.decoding import by_vips
from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.errors import ExportError
from tilecppn.exporters.prints.panels import assembly_sheet, grid_of, windows
from tilecppn.exporters.source import Source
from tilecppn.exporters.verify import find_export_damage
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene


@given(st.data())
def test_panels_cover_the_whole_and_share_the_overlap(data: st.DataObject) -> None:
    size = data.draw(st.integers(20, 500)), data.draw(st.integers(20, 500))
    grid = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    least = min(length // count for length, count in zip(size, grid, strict=True))
    overlap = data.draw(st.integers(0, least - 1))
    rows = windows(size, grid, overlap)
    assert (len(rows), {len(row) for row in rows}) == (grid[1], {grid[0]})
    seen = np.zeros(size[::-1], np.int64)
    for row in rows:
        for one, other in pairwise(row):
            assert one.right - other.left == overlap
            assert (one.top, one.bottom) == (other.top, other.bottom)
        for top, left, bottom, right in row:
            seen[top:bottom, left:right] += 1
    for upper, lower in pairwise(rows):
        assert upper[0].bottom - lower[0].top == overlap
    assert seen.min() == 1
    assert rows[0][0].top == rows[0][0].left == 0
    assert (rows[-1][-1].right, rows[-1][-1].bottom) == size


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_each_panel_has_the_pixels_of_the_whole(dtype: str, suffix: str, tmp_path: Path) -> None:
    channels = 3 if dtype == "uint8" or suffix == "tif" else 1  # Pillow has no RGB of 16 bits
    store = noise_store(tmp_path / "a.zarr", 401, 300, dtype=dtype, channels=channels)
    whole = level_pixels(store, 0)
    files = export(
        store.path, tmp_path / f"a.{suffix}", panels="3x2", panel_overlap="10px", workers=2
    )
    expected = windows((401, 300), (3, 2), 10)
    names = [f"a-{row}-{col}.{suffix}" for row in (1, 2) for col in (1, 2, 3)]
    assert [path.name for path in files] == [*names, "a-sheet.png"]
    for path, window in zip(files, chain.from_iterable(expected), strict=False):
        top, left, bottom, right = window
        assert np.array_equal(by_vips(path), whole[top:bottom, left:right])
        assert Scene.load(path) == store.scene
        assert find_export_damage(path) == {}
    assert by_vips(tmp_path / "a-sheet.png").shape == (300, 401, 3)


def test_lengths_are_on_paper_and_lab_files_are_panels_too(tmp_path: Path) -> None:
    scene = Scene.of(
        cppn={**SMALL_NET, "channels": 1},
        canvas={"print": "4x3cm", "dpi": 254},
        output={"dtype": "uint16", "tile": 64, "shard": 128},
    )
    store = render(scene, tmp_path / "a.zarr", executor="local", workers=1)
    files = export(store.path, tmp_path / "a.tif", panels="2x1", panel_overlap="5mm", lab=True)
    shapes = [by_vips(path).shape for path in files[:2]]
    assert shapes == [(300, 225, 3), (300, 225, 3)]  # 400 pixels, 50 of them twice
    with tifffile.TiffFile(files[0]) as file:
        assert file.pages.first.get_resolution("inch") == (254, 254)
    assert np.array_equal(by_vips(files[0])[:, -50:], by_vips(files[1])[:, :50])


def test_panels_that_are_there_are_replaced_only_when_asked(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 100, 60)
    export(store.path, tmp_path / "a.png", panels="2x1")
    with pytest.raises(ExportError, match="already exists"):
        export(store.path, tmp_path / "a.png", panels="2x1")
    export(store.path, tmp_path / "a.png", panels="2x1", overwrite=True)
    assert grid_of("3×2") == (3, 2)


def test_panels_too_large_for_their_format_are_refused(tmp_path: Path) -> None:
    wide = noise_store(tmp_path / "a.zarr", 70_000, 2, shard=8192, tile=4096)
    with pytest.raises(ExportError, match=r"pixels a side at most; use more panels, or \.tif"):
        export(wide.path, tmp_path / "a.webp", panels="2x1")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("grid", [(100, 1), (50, 60), (33, 20)])
def test_the_sheet_of_thin_panels(grid: tuple[int, int], tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 100, 60)
    rows = windows((100, 60), grid, 0)
    sheet = assembly_sheet(Source(store), [("1-1", window) for row in rows for window in row])
    assert sheet.shape == (60, 100, 3)
