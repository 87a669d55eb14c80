"""JPEG XL, decoded by ffmpeg, and judged by libjxl's programs where they are."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.stores import level_pixels, noise_store
from tilecppn import export, ffmpeg
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.encoding.jpeg_xl import distance
from tilecppn.exporters.files.jxl import read_exif
from tilecppn.exporters.verify import find_export_damage
from tilecppn.inspection.image_size import image_size
from tilecppn.pixels.quantise import to_uint16
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def decoded(path: Path, dtype: str, channels: int = 3) -> NDArray[Any]:
    """(height, width, channels), by ffmpeg."""
    (width, height), _ = image_size(path) or ((0, 0), None)
    name = {("uint8", 1): "gray", ("uint8", 3): "rgb24", ("uint16", 1): "gray16le"}
    pixels = name.get((dtype, channels), "rgb48le")
    raw = path.with_suffix(".raw")
    ffmpeg.run(["-i", str(path), "-f", "rawvideo", "-pix_fmt", pixels, str(raw)])
    return np.fromfile(raw, np.dtype(dtype).newbyteorder("<")).reshape(height, width, channels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(1, 1), (201, 131)])
def test_it_is_the_picture_bit_for_bit(
    size: tuple[int, int], dtype: str, channels: int, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "a.zarr", *size, channels=channels, dtype=dtype)
    assert export(store.path, tmp_path / "a.jxl") == [tmp_path / "a.jxl"]
    stored = level_pixels(store, 0)
    stored = to_uint16(stored) if dtype == "float32" else stored
    found = decoded(tmp_path / "a.jxl", stored.dtype.name, channels)
    assert np.array_equal(found, stored)


def test_a_quality_makes_it_small(small_store: Store, tmp_path: Path) -> None:
    export(small_store.path, tmp_path / "whole.jxl")
    export(small_store.path, tmp_path / "a.jxl", quality=90)
    export(small_store.path, tmp_path / "small.jxl", quality=40)
    sizes = [(tmp_path / f"{name}.jxl").stat().st_size for name in ("small", "a", "whole")]
    assert sizes == sorted(sizes)
    difference = decoded(tmp_path / "a.jxl", "uint8").astype(int) - level_pixels(small_store, 0)
    assert np.abs(difference).mean() < 2
    # As the table in libjxl's documentation: 90 is visually lossless.
    assert [distance(quality) for quality in (100, 90, 75, 30)] == [0.0, 1.0, 2.35, 6.4]
    assert distance(1) == pytest.approx(23.868, abs=0.001)


@pytest.mark.parametrize("profile", ["display-p3", "adobe-rgb"])
def test_other_spaces_have_their_profile(profile: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 70, 60, profile=profile)
    export(store.path, tmp_path / "a.jxl")
    ffmpeg.run(["-i", str(tmp_path / "a.jxl"), str(tmp_path / "a.png")])
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["icc_profile"] == icc_profile(profile, 3)
        assert np.array_equal(np.asarray(image), level_pixels(store, 0))


def test_the_scene_the_size_and_the_checksum(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 130, 70)
    path = tmp_path / "a.jxl"
    export(store.path, path, title="Storms")
    assert Scene.load(path).cppn == store.scene.cppn
    assert image_size(path) == ((130, 70), 300.0)
    assert find_export_damage(path) == {}


def test_8_bits_of_more(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 130, 70, dtype="uint16")
    export(store.path, tmp_path / "a.jxl", bits=8)
    export(store.path, tmp_path / "a.png", bits=8)
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(decoded(tmp_path / "a.jxl", "uint8"), np.asarray(image))


def test_an_ffmpeg_without_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: Any) -> None:
        raise RenderError("ffmpeg ended with 8: Unknown encoder 'libjxl'")

    store = noise_store(tmp_path / "a.zarr", 64, 64)
    monkeypatch.setattr(ffmpeg, "run", run)
    with pytest.raises(ExportError, match=r"libjxl'; use \.png or \.tif"):
        export(store.path, tmp_path / "a.jxl")
    assert not (tmp_path / "a.jxl").exists()


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_another_file_says_nothing(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jxl"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="no JPEG XL"):
        read_exif(path)
    assert image_size(path) is None


@pytest.mark.skipif(shutil.which("djxl") is None, reason="needs libjxl's tools")
def test_libjxls_program_decodes_it_and_names_its_space(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 130, 70, dtype="uint16")
    export(store.path, tmp_path / "a.jxl", title="Storms")
    said = subprocess.check_output(["jxlinfo", tmp_path / "a.jxl"], text=True)
    assert "130x70, (possibly) lossless, 16-bit RGB" in said
    assert "sRGB primaries, sRGB transfer function" in said
    subprocess.run(["djxl", tmp_path / "a.jxl", tmp_path / "a.ppm"], check=True)
    data = (tmp_path / "a.ppm").read_bytes()
    assert data.startswith(b"P6\n130 70\n65535\n")
    found = np.frombuffer(data[-130 * 70 * 6 :], ">u2").reshape(70, 130, 3)
    assert np.array_equal(found, level_pixels(store, 0))
