"""Every tile format: decoded by other programs, and PNG no larger than twice Pillow's."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.decoding import by_pillow, by_vips
from tests.stores import level_pixels, noise
from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.options import ExportOptions
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

PILLOWS = [name for name in ENCODERS if name != "jxl"]  # which Pillow does not decode
WORST = {"png": 0, "jpg": 24, "webp": 40, "avif": 40}  # 8-bit steps, at the default quality


@pytest.mark.parametrize("name", PILLOWS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("effort", [1, 5, 9])
def test_pillow_and_libvips_decode_every_format(
    name: str, channels: int, effort: int, small_store: Store
) -> None:
    picture = level_pixels(small_store, 0)[100:356, 50:290]
    stored = np.ascontiguousarray(np.moveaxis(picture[:, :, :channels], -1, 0))
    data = ExportOptions(name, ENCODERS[name].quality, effort).encode(stored)
    expected = np.broadcast_to(np.moveaxis(stored, 0, -1), (*stored.shape[1:], 3)).astype(int)
    for decoded in (by_pillow(data), by_vips(data)):
        assert decoded.shape[:2] == expected.shape[:2]
        assert np.abs(decoded[..., :3] - expected).max() <= WORST[name]


@pytest.mark.parametrize("name", PILLOWS)
def test_effort_does_not_make_a_tile_much_larger(name: str, small_store: Store) -> None:
    stored = np.moveaxis(level_pixels(small_store, 0)[:256, :256], -1, 0)
    quality = ENCODERS[name].quality
    fast, small = (len(ExportOptions(name, quality, effort).encode(stored)) for effort in (1, 9))
    assert small <= 1.02 * fast


@pytest.mark.parametrize("effort", [1, 9])
def test_pillow_encodes_jpegs_without_pythons_lock(
    effort: int, small_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the lock, and all other threads wait, while it writes to a file in Python."""
    stored = np.moveaxis(level_pixels(small_store, 0)[:256, :256], -1, 0)
    plain = ExportOptions("jpg", 90, effort)
    files = []

    def watched(made: Any, file: Any, name: str, **options: Any) -> None:
        files.append(os.fstat(file.fileno()))
        save(made, file, name, **options)

    save = Image.Image.save
    monkeypatch.setattr(Image.Image, "save", watched)
    data = plain.encode(stored)
    assert files
    monkeypatch.setattr(Image.Image, "save", save)
    monkeypatch.delattr(os, "memfd_create")
    assert plain.encode(stored) == data


def test_png_tiles_are_at_most_twice_as_large_as_pillows() -> None:
    """Of a picture at print size; in all, as a pyramid is one."""
    scene = Scene.of(canvas={"width": 32768, "height": 32768})
    kernel = create("auto", EvaluationContext.of(scene))
    ours = pillows = 0
    for top, left in ((0, 0), (16128, 16384), (8192, 20480), (25600, 5632), (12288, 12800)):
        pixels = render_window(kernel, scene, Window(top, left, top + 512, left + 512))
        ours += len(ExportOptions("png").encode(pixels))
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(np.moveaxis(pixels, 0, -1))).save(file, "PNG")
        pillows += len(file.getvalue())
    assert ours <= 2 * pillows


def test_files_of_a_lossy_pyramid_bear_its_suffix(small_store: Store, tmp_path: Path) -> None:
    from tilecppn import export

    for name in ("webp", "avif"):
        export(small_store.path, tmp_path / f"{name}.dzi", format=name)
        tiles = list((tmp_path / f"{name}_files").glob("*/*_*"))
        assert tiles
        assert {tile.suffix for tile in tiles} == {f".{name}"}
        assert f'Format="{name}"' in (tmp_path / f"{name}.dzi").read_text()


@pytest.mark.parametrize("name", PILLOWS)
@pytest.mark.parametrize("effort", [1, 2, 6, 9])
@pytest.mark.parametrize("quality", [1, 50, 94, 95, 100])
def test_noise_is_encoded_at_every_effort_and_quality(name: str, effort: int, quality: int) -> None:
    """A JPEG of noise is larger than the buffer that Pillow gives an optimised one."""
    side = 64 if name == "avif" else 256  # AVIF takes seconds for it
    data = ENCODERS[name].encode(noise((3, side, side), "uint8"), quality, effort)
    assert by_pillow(data).shape == (side, side, 3)


def test_suffixes_and_formats_are_taken_as_meant(small_store: Store, tmp_path: Path) -> None:
    from tilecppn import export

    for name, twin in (("a.TIF", "b.tif"), ("a.JPEG", "b.jpg"), ("a.Png", "b.png")):
        export(small_store.path, tmp_path / name, level=2)
        export(small_store.path, tmp_path / twin, level=2)
        assert (tmp_path / name).read_bytes() == (tmp_path / twin).read_bytes()
    export(small_store.path, tmp_path / "c.DZI", format="JPEG", level=2)
    assert list((tmp_path / "c_files").rglob("*.jpg"))
