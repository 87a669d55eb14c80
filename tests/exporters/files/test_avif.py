"""AVIF of 10 and 12 bits: decoded by dav1d, and judged by libavif where it is."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.stores import level_pixels, noise_store
from tilecppn import export, ffmpeg
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.files import avif_container
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.repair import repair_export
from tilecppn.exporters.verify import find_export_damage
from tilecppn.inspection.image_size import image_size
from tilecppn.pixels.hdr import HDR, TRANSFERS
from tilecppn.scene.scene import Scene

BT2020, PQ, HLG = 9, 16, 18  # ITU-T H.273


def decoded(path: Path) -> NDArray[np.uint16]:
    """(height, width, 3) in 16 bits, by zimg."""
    raw = path.with_suffix(".raw")
    filters = "zscale=matrix=gbr:range=full,format=gbrp16le,format=rgb48le"
    ffmpeg.run(["-i", str(path), "-vf", filters, "-f", "rawvideo", str(raw)])
    (width, height), _ = image_size(path) or ((0, 0), None)
    return np.fromfile(raw, "<u2").reshape(height, width, 3)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [10, 12])
def test_the_best_quality_has_the_pixels(
    bits: int, channels: int, dtype: str, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "a.zarr", 75, 41, channels=channels, dtype=dtype)
    export(store.path, tmp_path / "a.avif", bits=bits, quality=100)
    stored = level_pixels(store, 0)
    stored = np.clip(stored, 0, 1) * 65535 if dtype == "float32" else stored
    error = (decoded(tmp_path / "a.avif") - stored.astype(float)) * (2**bits - 1) / 65535
    # Y', Cb and Cr are rounded once: blue is Y' + 1.86 Cb.
    assert np.abs(error).max() < 0.5 + 1.86 * 0.5 + 0.1
    assert abs(error.mean()) < 0.1


def test_the_scene_the_size_and_the_checksum(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 130, 70, dtype="uint16")
    path = tmp_path / "a.avif"
    export(store.path, path, bits=10, title="Storms")
    assert Scene.load(path).cppn == store.scene.cppn
    assert image_size(path) == ((130, 70), 300.0)
    assert find_export_damage(path) == {}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avif", {"bits": 10}),
        ("a.avif", {"transfer": "pq", "peak": 600.0}),
        ("a.jxl", {"transfer": "hlg"}),
        ("a.png", {"transfer": "pq"}),
    ],
)
def test_it_can_be_mended(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 70, 60, dtype="uint16")
    path = tmp_path / name
    export(store.path, path, **options)
    right = path.read_bytes()
    middle = len(right) // 2  # of the picture; what it was made from stays
    path.write_bytes(right[:middle] + bytes(40) + right[middle + 40 :])
    damage = find_export_damage(path)
    assert damage
    repair_export(path, damage, store.path, Threads(1))
    assert path.read_bytes() == right


@pytest.mark.parametrize(
    ("options", "tags"),
    [
        ({"bits": 10}, (1, 13, 1)),
        ({"transfer": "pq"}, (BT2020, PQ, BT2020)),
        ({"transfer": "hlg", "bits": 12}, (BT2020, HLG, BT2020)),
    ],
)
def test_it_says_its_colours(
    options: dict[str, Any], tags: tuple[int, int, int], tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "a.zarr", 70, 60, dtype="uint16")
    export(store.path, tmp_path / "a.avif", **options)
    with av.open(str(tmp_path / "a.avif")) as file:
        video = file.streams.video[0]
        frame = next(file.decode(video))
        context = video.codec_context
        assert frame.format.name == f"yuv444p{options.get('bits', 10)}le"
        assert (context.color_primaries, context.color_trc, context.colorspace) == tags


@pytest.mark.parametrize("profile", ["display-p3", "adobe-rgb"])
def test_other_spaces_have_their_profile(profile: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 70, 60, profile=profile, dtype="uint16")
    export(store.path, tmp_path / "a.avif", bits=10)
    with Image.open(tmp_path / "a.avif") as image:
        assert image.info["icc_profile"] == icc_profile(profile, 3)


def test_hdr_is_that_of_the_stored_pixels(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 70, 60, dtype="uint16")
    export(store.path, tmp_path / "a.avif", transfer="pq", peak=600.0, quality=100)
    stored = np.moveaxis(level_pixels(store, 0), -1, 0)
    wanted = np.moveaxis(HDR("pq", 600.0, "srgb").of_stored(stored), 0, -1)
    error = decoded(tmp_path / "a.avif").astype(float) - wanted
    assert np.abs(error).max() < 1.6 * 65535 / 1023


def test_8_bits_have_no_more(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 64, 64)
    with pytest.raises(ExportError, match="only a store with as many"):
        export(store.path, tmp_path / "a.avif", bits=10)


def test_an_ffmpeg_without_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: Any) -> None:
        raise RenderError("ffmpeg ended with 8: Unknown encoder 'libaom-av1'")

    store = noise_store(tmp_path / "a.zarr", 64, 64, dtype="uint16")
    monkeypatch.setattr(ffmpeg, "run", run)
    with pytest.raises(ExportError, match=r"libaom-av1'; use \.png or \.tif"):
        export(store.path, tmp_path / "a.avif", bits=10)
    assert not (tmp_path / "a.avif").exists()


def test_png_and_jpeg_xl_say_that_they_are_hdr(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 70, 60, dtype="uint16")
    stored = np.moveaxis(level_pixels(store, 0), -1, 0)
    for transfer, number in (("pq", PQ), ("hlg", HLG)):
        wanted = np.moveaxis(HDR(transfer, 1000.0, "srgb").of_stored(stored), 0, -1)
        for suffix in (".png", ".jxl"):
            path = tmp_path / f"{transfer}{suffix}"
            export(store.path, path, transfer=transfer)
            assert np.array_equal(decoded(path), wanted)
            said = subprocess.run(
                [ffmpeg.executable(), "-i", path], stderr=subprocess.PIPE, text=True
            ).stderr
            assert f"bt2020/{TRANSFERS[transfer].ffmpeg}" in said
            assert Scene.load(path).cppn == store.scene.cppn
        assert bytes([BT2020, number, 0, 1]) in (tmp_path / f"{transfer}.png").read_bytes()
        assert b"sRGB" not in (tmp_path / f"{transfer}.png").read_bytes()


@pytest.mark.parametrize("size", [(130, 70), (64, 129), (200, 128)])
@pytest.mark.parametrize("options", [{}, {"bits": 10, "profile": "adobe-rgb"}, {"channels": 1}])
def test_a_large_picture_is_a_grid_of_cells(
    size: tuple[int, int], options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bits, channels = options.get("bits"), options.get("channels", 3)
    profile = options.get("profile", "srgb")
    dtype = "uint16" if bits else "uint8"
    store = noise_store(tmp_path / "a.zarr", *size, dtype=dtype, profile=profile, channels=channels)
    path = tmp_path / "a.avif"
    monkeypatch.setattr(avif_container, "CELL", 64)
    monkeypatch.setattr(avif_container, "LARGEST", 64 * 64)
    for name, workers in ((path, 2), (tmp_path / "b.avif", 1)):
        export(store.path, name, bits=bits, quality=100, workers=workers)
    made = path.read_bytes()
    assert (tmp_path / "b.avif").read_bytes() == made
    columns, rows = -(-size[0] // 64), -(-size[1] // 64)
    assert made.count(b"av01\0") == columns * rows
    assert Scene.load(path) == store.scene
    assert image_size(path) == (size, 300.0)
    assert find_export_damage(path) == {}
    with Image.open(path) as image:
        found = np.asarray(image.convert("RGB"))
        if profile != "srgb":
            assert image.info["icc_profile"] == icc_profile(profile, 3)
    stored = level_pixels(store, 0)
    whole = (stored if dtype == "uint8" else stored >> 8).astype(np.uint8)
    assert found.shape == (size[1], size[0], 3)
    for top in range(0, size[1], 64):
        for left in range(0, size[0], 64):
            part = np.s_[top : top + 64, left : left + 64]
            assert np.abs(found[part].astype(float) - whole[part]).max() <= 3


@pytest.mark.skipif(shutil.which("avifdec") is None, reason="needs libavif's tools")
def test_libavif_agrees(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 130, 70, dtype="uint16")
    export(store.path, tmp_path / "a.avif", transfer="hlg", bits=12, title="Storms")
    said = subprocess.check_output(["avifdec", "--info", tmp_path / "a.avif"], text=True)
    for line in (
        "Resolution     : 130x70",
        "Bit Depth      : 12",
        "Format         : YUV444",
        "Range          : Full",
        "Color Primaries: 9",
        "Transfer Char. : 18",
        "Matrix Coeffs. : 9",
    ):
        assert line in said
