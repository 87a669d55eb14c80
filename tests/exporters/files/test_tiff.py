"""TIFF: pixels and tags as libvips (libtiff), Pillow and tifffile read them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.decoding import by_vips
from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.errors import ExportError
from tilecppn.exporters import bands
from tilecppn.exporters.encoding import optional
from tilecppn.exporters.encoding.compressions import COMPRESSIONS
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.files import tiff
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.repair import repair_export
from tilecppn.exporters.verify import find_export_damage
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (65, 64), (601, 431)])
def test_every_level_is_the_stores_bit_for_bit(
    size: tuple[int, int], dtype: str, channels: int, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "in.zarr", *size, channels=channels, dtype=dtype)
    path = tmp_path / "a.tif"
    assert export(store.path, path, workers=2) == [path]
    assert np.array_equal(by_vips(path), level_pixels(store, 0))
    with tifffile.TiffFile(path) as file:
        (page,) = file.pages
        assert isinstance(page, tifffile.TiffPage)
        assert not file.is_bigtiff
        smaller = page.subifds or ()
    sides = [max(level.width, level.height) for level in store.plan.levels[1:]]
    assert len(smaller) == sum(side >= tiff.SMALLEST for side in sides)
    for k in range(len(smaller)):
        assert np.array_equal(by_vips(path, subifd=k), level_pixels(store, k + 1))
    if dtype == "uint8" or (channels == 1 and dtype == "uint16"):
        with Image.open(path) as image:
            pixels = np.asarray(image).reshape(image.height, image.width, -1)
        assert np.array_equal(pixels, level_pixels(store, 0))


def test_its_tags_are_what_printers_ask_for_and_the_scene(
    small_store: Store, tmp_path: Path
) -> None:
    export(small_store.path, tmp_path / "a.tiff", tile=48, level=1)
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        page = file.pages.first
        assert isinstance(page, tifffile.TiffPage)
        tags = {tag.name: tag.value for tag in page.tags}
        assert (page.tilewidth, page.tilelength) == (48, 48)
    assert tags["XResolution"] == tags["YResolution"] == (300, 1)
    assert tags["ResolutionUnit"] == 2
    assert tags["InterColorProfile"] == icc_profile("srgb", 3)
    assert tags["Software"].startswith("tilecppn ")
    assert Scene.parse(tags["ImageDescription"]) == small_store.scene
    assert np.array_equal(by_vips(tmp_path / "a.tiff"), level_pixels(small_store, 1))


def test_small_files_have_the_same_pixels(small_store: Store, tmp_path: Path) -> None:
    for effort in (1, 9):
        export(small_store.path, tmp_path / f"{effort}.tif", effort=effort)
    fast, small = tmp_path / "1.tif", tmp_path / "9.tif"
    assert np.array_equal(by_vips(fast), by_vips(small))
    assert small.stat().st_size < fast.stat().st_size


@pytest.mark.parametrize("tile", [None, 48])
@pytest.mark.parametrize("compression", [None, "deflate", "lzw"])
@pytest.mark.parametrize(
    ("dtype", "channels"), [("uint8", 3), ("uint16", 3), ("uint16", 1), ("float32", 3)]
)
def test_a_classic_one_is_for_every_program(
    tmp_path: Path, dtype: str, channels: int, compression: str | None, tile: int | None
) -> None:
    if compression == "lzw":
        pytest.importorskip("imagecodecs")
    store = noise_store(tmp_path / "in.zarr", 301, 231, channels=channels, dtype=dtype)
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"classic": True, "compression": compression, "tile": tile}
    export(store.path, path, workers=2, **options)
    assert np.array_equal(by_vips(path), level_pixels(store, 0))
    with tifffile.TiffFile(path) as file:
        (page,) = file.pages
        assert isinstance(page, tifffile.TiffPage)
        assert (file.is_bigtiff, page.subifds, page.is_tiled) == (False, None, tile is not None)
        assert page.compression == COMPRESSION_TAGS[compression]
        assert page.get_resolution("inch") == (300, 300)
        assert page.tags["InterColorProfile"].value == icc_profile("srgb", channels)
    if dtype == "uint8" or channels == 1:
        with Image.open(path) as image:
            pixels = np.asarray(image).reshape(image.height, image.width, -1)
        assert np.array_equal(pixels, level_pixels(store, 0))
    assert Scene.load(path) == store.scene
    export(store.path, tmp_path / "b.tif", workers=1, **options)
    assert (tmp_path / "b.tif").read_bytes() == path.read_bytes()
    with path.open("r+b") as broken:
        broken.seek(path.stat().st_size // 2)
        broken.write(b"damage")
    damage = find_export_damage(path)
    assert list(damage) == [path]
    repair_export(path, damage, store.path, Threads())
    assert (tmp_path / "b.tif").read_bytes() == path.read_bytes()


COMPRESSION_TAGS = {None: 1, "lzw": 5, "deflate": 8}


def test_bands_of_a_wide_picture_are_whole_strips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = noise_store(tmp_path / "in.zarr", 301, 231)
    for budget in (301 * 3 * 70, 301 * 3 * 20, 100):
        monkeypatch.setattr(bands, "BUDGET", budget)
        monkeypatch.setattr(tiff, "STRIP", budget // 5)
        export(store.path, tmp_path / "a.tif", classic=True, overwrite=True)
        assert np.array_equal(by_vips(tmp_path / "a.tif"), level_pixels(store, 0))


def test_what_does_not_fit_a_classic_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_store: Store
) -> None:
    monkeypatch.setattr(tiff, "CLASSIC", 10_000)
    for options in ({}, {"tile": 16}, {"compression": "deflate"}):
        with pytest.raises(ExportError, match=r"of 10.* leave out classic, use bits=8, or max_s"):
            export(small_store.path, tmp_path / "a.tif", classic=True, **options)
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r"lzw: needs pip install .*codecs.*deflate or none$"):
        export(small_store.path, tmp_path / "a.tif", compression="lzw")
    assert not (tmp_path / "a.tif").exists()


def test_a_compressed_one_is_never_larger_than_expected(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 301, 231)
    for name, row in COMPRESSIONS.items():
        if name == "lzw":
            pytest.importorskip("imagecodecs")
        for noise in (level_pixels(store, 0), np.zeros(1000, np.uint8)):
            assert len(row.pack(noise, 1)) <= noise.nbytes * row.worst + 64
