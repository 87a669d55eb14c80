"""TIFF: pixels and tags as libvips (libtiff), Pillow and tifffile read them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.errors import ExportError
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.files import tiff
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

Pixels = NDArray[Any]


def by_vips(path: Path, **options: Any) -> Pixels:
    image = pyvips.Image.new_from_file(str(path), **options)
    pixels: Pixels = image.numpy()
    return pixels.reshape(image.height, image.width, image.bands)


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


def test_one_of_ours_is_replaced_and_another_spared(small_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for level in (0, 1):
        export(small_store.path, path, level=level, overwrite=True)
    assert np.array_equal(by_vips(path), level_pixels(small_store, 1))
    tifffile.imwrite(path, np.zeros((5, 5), np.uint8))
    kept = path.read_bytes()
    with pytest.raises(ExportError, match="not made by tilecppn"):
        export(small_store.path, path)
    assert path.read_bytes() == kept


def test_what_a_tiff_does_not_have_is_refused(small_store: Store, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="tile=100: must be a multiple of 16"):
        export(small_store.path, tmp_path / "a.tif", tile=100)
    with pytest.raises(ExportError, match="overlap=1"):
        export(small_store.path, tmp_path / "a.tif", overlap=1)
    assert not (tmp_path / "a.tif").exists()
