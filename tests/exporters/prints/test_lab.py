"""What a print lab takes: read by others, and within its limits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.export import export_store
from tilecppn.exporters.files import tiff
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.verify import find_export_damage
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_tiff_is_plain(dtype: str, channels: int, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 201, 131, dtype=dtype, channels=channels)
    export(store.path, tmp_path / "a.tif", lab=True)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert len(file.pages) == 1
        assert not file.is_bigtiff
        page = file.pages.first
        assert page.dtype == np.uint8
        assert page.shape == (131, 201, 3)
        assert page.compression == 1
        assert not page.is_tiled
        assert not page.subifds
        assert page.tags["InterColorProfile"].value == icc_profile("srgb", 3)
        assert page.get_resolution("inch") == (300, 300)
    with Image.open(tmp_path / "a.tif") as image:
        found = np.asarray(image).astype(float)
    full = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[dtype]
    exact = np.clip(level_pixels(store, 0).astype(float) / full, 0, 1) * 255
    assert np.abs(found - exact).max() <= (0 if dtype == "uint8" else 1)
    assert Scene.load(tmp_path / "a.tif") == store.scene
    assert find_export_damage(tmp_path / "a.tif") == {}


def test_a_jpeg_is_rgb_and_as_large_as_it_may_be(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 400, 300, channels=1)
    notes: list[str] = []

    def made(name: str, **options: Any) -> int:
        threads = Threads(note=notes.append)
        (path,) = export_store(store.path, tmp_path / name, ExportOptions(**options), threads)
        return path.stat().st_size

    whole = made("a.jpg", lab=True)
    assert "quality 95" in notes[-1]
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "RGB"
        assert image.info["icc_profile"] == icc_profile("srgb", 3)
    limit = whole * 2 // 3
    assert made("b.jpg", lab=True, max_bytes=limit) <= limit
    quality = int(notes[-1].split("quality ")[1].split(",")[0])
    assert 60 <= quality < 95
    assert made("c.jpg", lab=True, quality=quality + 1) > limit  # the best that fits
    assert made("d.webp", max_bytes=100_000) <= 100_000
    with pytest.raises(RenderError, match="use max_size"):
        made("e.jpg", max_bytes=1000)
    assert not (tmp_path / "e.jpg").exists()
    assert find_export_damage(tmp_path / "b.jpg") == {}


def test_a_tiff_that_no_lab_takes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_store: Store
) -> None:
    monkeypatch.setattr(tiff, "CLASSIC", 100)
    with pytest.raises(ExportError, match=r"takes .* of 100"):
        export(small_store.path, tmp_path / "a.tif", lab=True)
    assert not list(tmp_path.iterdir())
