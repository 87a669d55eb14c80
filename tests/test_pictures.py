"""Pictures are read upright, in sRGB, in 8 bits, and in bounded memory."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tilecppn import machine, pictures
from tilecppn.errors import DataError
from tilecppn.exporters.encoding.icc import icc_profile, profile_of
from tilecppn.pictures import read_picture, to_srgb
from tilecppn.scene.profiles import SRGB
from tilecppn.train.data.sources import read_data

ORIENTATION = 274
CORNERS = np.array([[10, 60, 110], [160, 210, 250]], np.uint8)  # 3 wide, 2 high


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_tag_is_obeyed(tmp_path: Path, suffix: str, orientation: int) -> None:
    turned = {
        1: CORNERS,
        2: CORNERS[:, ::-1],
        3: CORNERS[::-1, ::-1],
        4: CORNERS[::-1],
        5: CORNERS.T,
        6: np.rot90(CORNERS, -1),
        7: CORNERS[::-1, ::-1].T,
        8: np.rot90(CORNERS),
    }[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"a.{suffix}"
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(CORNERS).save(path, exif=exif, **options)
    assert np.array_equal(np.asarray(read_picture(path).convert("L")), turned)
    large = tmp_path / f"b.{suffix}"
    Image.fromarray(CORNERS.repeat(64, 0).repeat(64, 1)).save(large, exif=exif, **options)
    small = np.asarray(read_picture(large, longer=12).convert("L"))
    assert np.abs(small[2::4, 2::4].astype(int) - turned).max() <= 8
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(to_srgb(image).convert("L")), turned)


def test_every_way_in_turns_a_photograph(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.new("RGB", (64, 32), (9, 99, 200)).save(tmp_path / "a.jpg", exif=exif)
    assert read_picture(tmp_path / "a.jpg", longer=16).size == (8, 16)
    assert read_data(str(tmp_path)).pixels.shape == (1, 64, 32, 3)


def wide_profile() -> bytes:
    """sRGB with red and green swapped."""
    red, green, blue = SRGB.colorants
    return profile_of(SRGB._replace(name="wide", colorants=(green, red, blue)), 3)


def test_colours_of_a_profile_become_srgb(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4), (200, 40, 90)).save(path, icc_profile=wide_profile())
    assert np.abs(np.asarray(read_picture(path), int) - (40, 200, 90)).max() <= 2
    Image.new("RGBA", (4, 4), (200, 40, 90, 128)).save(path, icc_profile=wide_profile())
    assert np.abs(np.asarray(read_picture(path), int) - (20, 100, 45)).max() <= 2


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("a.tif", "cmyk"),
        ("a.jpg", "cmyk"),
        ("a.png", "display-p3"),
        ("a.jpg", "display-p3"),
        ("a.webp", "adobe-rgb"),
        ("16.png", "display-p3"),
        ("16.tif", "adobe-rgb"),
        ("16.png", "linear"),
    ],
)
def test_colours_are_those_that_libvips_finds(tmp_path: Path, name: str, space: str) -> None:
    """By the picture's own profile, with LittleCMS, in its own number of bits."""
    pyvips: Any = pytest.importorskip("pyvips")
    path = tmp_path / name
    cells = np.random.default_rng(0).integers(0, 256, (8, 9, 4), np.uint8)
    pixels = cells.repeat(8, 0).repeat(8, 1)  # as large as a JPEG's blocks
    if space == "cmyk":
        profile = pyvips.Operation.call("profile_load", "cmyk")
        Image.fromarray(pixels, "CMYK").save(path, icc_profile=profile, quality=95)
    elif name.startswith("16"):
        values = (cells[..., :3].astype(np.uint16) << 8).repeat(8, 0).repeat(8, 1)
        values += np.random.default_rng(1).integers(0, 256, values.shape, np.uint16)
        linear = SRGB._replace(name="sRGB, linear", gamma=1.0)
        own = profile_of(linear, 3) if space == "linear" else icc_profile(space, 3)
        (tmp_path / "space.icc").write_bytes(own)
        image = pyvips.Image.new_from_array(values).copy(interpretation="rgb16")
        image.write_to_file(str(path), profile=str(tmp_path / "space.icc"))
    else:
        options: dict[str, Any] = {"quality": 95, "lossless": True}
        Image.fromarray(pixels[..., :3]).save(path, icc_profile=icc_profile(space, 3), **options)
    judge = pyvips.Image.new_from_file(str(path)).icc_transform(
        "srgb", embedded=True, intent="relative", black_point_compensation=True, depth=8
    )
    found = np.asarray(read_picture(path), int)
    difference = np.abs(found - judge.numpy()[..., :3])
    deep = name.startswith("16")  # between two of 8 bits, where a colour just leaves sRGB
    assert np.quantile(difference, 0.95 if deep else 1.0) <= 1
    assert difference.mean() < (0.3 if deep else 0.05)
    assert np.abs(found - pixels[..., :3]).mean() > 3  # as they would be without their profile


@pytest.mark.parametrize(
    "profile",
    [icc_profile("srgb", 3), b"no profile", icc_profile("srgb", 1)],
    ids=["srgb", "bad", "grey"],
)
def test_srgb_and_useless_profiles_change_nothing(tmp_path: Path, profile: bytes) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.tif", icc_profile=profile)
    assert np.array_equal(np.asarray(read_picture(tmp_path / "a.tif")), pixels)


@pytest.mark.parametrize("suffix", ["png", "tif", "lzw.tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_values_of_16_bits_are_rounded(tmp_path: Path, suffix: str, channels: int) -> None:
    pyvips: Any = pytest.importorskip("pyvips")
    values = np.random.default_rng(0).integers(0, 65536, (40, 30, channels), np.uint16)
    values[..., 3:] = 65535
    kind = "grey16" if channels == 1 else "rgb16"
    options = {"compression": "lzw", "predictor": "horizontal"} if suffix == "lzw.tif" else {}
    path = tmp_path / f"a.{suffix}"
    image = pyvips.Image.new_from_array(values).copy(interpretation=kind)
    image.write_to_file(str(path), **options)
    found = np.atleast_3d(np.asarray(read_picture(path)))
    assert np.array_equal(found, np.rint(values[..., :3] / 257).astype(np.uint8))


def test_the_low_bytes_count_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyvips: Any = pytest.importorskip("pyvips")
    values = np.zeros((300, 400, 3), np.uint16)
    image = pyvips.Image.new_from_array(values).copy(interpretation="rgb16")
    image.write_to_file(str(tmp_path / "a.png"))
    monkeypatch.setattr(machine, "free_memory", lambda: 1_000_000)
    with pytest.raises(DataError, match="scale it down first"):
        read_picture(tmp_path / "a.png")
    monkeypatch.setattr(machine, "free_memory", lambda: 1_300_000)
    read_picture(tmp_path / "a.png")


def test_kinds_of_colour(tmp_path: Path) -> None:
    def read(image: Image.Image, suffix: str = "tif", **options: Any) -> Any:
        path = tmp_path / f"a.{suffix}"
        image.save(path, **options)
        return np.asarray(read_picture(path))[0, 0].tolist()

    assert read(Image.new("CMYK", (4, 4), (0, 255, 255, 0)))[0] > 230
    assert read(Image.new("CMYK", (4, 4), (0, 255, 255, 0)))[1:] == [0, 0]
    lab = ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    converted = ImageCms.applyTransform(Image.new("RGB", (4, 4), (200, 40, 90)), transform)
    assert converted is not None
    assert np.abs(np.array(read(converted)) - (200, 40, 90)).max() <= 3
    sixteen = np.full((4, 4), 100 * 257, np.uint16)
    assert read(Image.fromarray(sixteen), "png") == 100
    assert read(Image.fromarray(sixteen)) == 100
    assert read(Image.fromarray(np.full((4, 4), 0.4, np.float32))) == 102
    assert read(Image.new("LA", (4, 4), (200, 51)), "png") == 40
    assert read(Image.new("P", (4, 4), 7), "png", transparency=7) == [0, 0, 0]


def test_a_picture_larger_than_pillows_limit_is_scaled_while_it_is_read(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    grey = Image.new("L", (20_000, 10_000))
    grey.paste(200, (10_000, 0, 20_000, 10_000))
    grey.save(tmp_path / "a.png", compress_level=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small = np.asarray(read_picture(tmp_path / "a.png", longer=64))
    assert small.shape == (32, 64)
    assert small[:, :30].max() == 0
    assert small[:, 34:].min() == 200
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_picture_that_does_not_fit_is_refused_with_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (400, 300)).save(tmp_path / "a.png")
    Image.new("RGB", (400, 300)).save(tmp_path / "a.jpg")
    monkeypatch.setattr(machine, "free_memory", lambda: 300_000)
    with pytest.raises(DataError, match=r"a\.png: 400 × 300 .* scale it down first"):
        read_picture(tmp_path / "a.png", longer=8)
    assert read_picture(tmp_path / "a.jpg", longer=8).size == (8, 6)  # decoded at an eighth
    monkeypatch.setattr(machine, "free_memory", lambda: None)
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1000)
    with pytest.raises(DataError, match="resize=N"):
        read_picture(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png", longer=16).size == (16, 12)


def test_strips_are_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Converted in strips of a row or a few, also where the last is not whole."""
    pixels = np.random.default_rng(0).integers(0, 256, (101, 67, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    whole = [np.asarray(read_picture(tmp_path / "a.png", enough=n)) for n in (100, 8)]
    monkeypatch.setattr(pictures, "STRIP", 1)
    for picture, enough in zip(whole, (100, 8), strict=True):
        again = np.asarray(read_picture(tmp_path / "a.png", enough=enough))
        assert np.array_equal(again, picture)
    assert np.array_equal(whole[0], pixels)
    assert np.array_equal(whole[1], np.asarray(Image.fromarray(pixels).reduce(4)))
