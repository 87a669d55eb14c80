"""PNG files: any shape and depth, whole or in bands, read back by other programs."""

import io
import struct
import tempfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from tests.decoding import by_pillow, by_vips
from tilecppn.exporters.encoding import deflate, png, sparse_deflate
from tilecppn.exporters.encoding.png import (
    Band,
    adler32_combine,
    deflate_band,
    encode_png,
    header,
    scene_of,
    write_bands,
)
from tilecppn.pixels.interleave import filtered

LAWS = settings(max_examples=60)

images = st.tuples(
    st.sampled_from(["uint8", "uint16"]),
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])),
).flatmap(lambda kind: arrays(*kind))

scenes = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60
)


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, data) of each chunk, by the PNG specification; checks lengths and checksums."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert len(body) == length
        assert checksum == zlib.crc32(kind + body)
        found.append((kind, body))
        at += 12 + length
    return found


def assert_same(data: bytes, pixels: NDArray[Any]) -> None:
    """Every reader that knows the depth gives the pixels back, bit for bit."""
    vips = by_vips(data)
    assert vips.dtype == pixels.dtype
    np.testing.assert_array_equal(vips, pixels)
    # Pillow reads 16-bit RGB as 8 bits.
    if pixels.dtype == np.uint8 or pixels.shape[2] == 1:
        pillow = by_pillow(data)
        assert pillow.dtype == pixels.dtype
        np.testing.assert_array_equal(pillow, pixels)


def banded(pixels: NDArray[Any], rows: list[int], scene: str = "") -> bytes:
    """The PNG of an image cut below the given numbers of rows."""
    height, width, channels = pixels.shape
    cuts = sorted({0, height, *(r for r in rows if 0 < r < height)})
    bands = (deflate_band(pixels[a:b]) for a, b in pairwise(cuts))
    file = io.BytesIO()
    write_bands(file, header(width, height, channels, pixels.itemsize, scene), bands)
    return file.getvalue()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@LAWS
@given(images)
def test_a_whole_png_reads_back_bit_for_bit(pixels: NDArray[Any]) -> None:
    assert_same(encode_png(pixels), pixels)


@LAWS
@given(images, st.lists(st.integers(1, 39)))
def test_a_banded_png_reads_back_bit_for_bit_however_it_is_cut(
    pixels: NDArray[Any], rows: list[int]
) -> None:
    assert_same(banded(pixels, rows), pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_smooth_picture_is_deflated_as_sparse_and_reads_back(dtype: str, channels: int) -> None:
    row, col, channel = np.ogrid[:301, :257, :channels]
    pixels = (row / 23 + np.sin(col / 40) + channel).astype(dtype)
    assert sparse_deflate.deflated(filtered(pixels.transpose(2, 0, 1))) is not None
    assert_same(encode_png(pixels), pixels)
    assert_same(banded(pixels, [1, 2, 200]), pixels)


def test_zlib_serves_where_isa_l_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vars(png)["deflate"] is not zlib
    pixels = np.random.default_rng(0).integers(0, 256, (57, 31, 3), np.uint8)
    for module in (png, deflate):
        monkeypatch.setattr(module, "deflate", zlib)
    assert_same(encode_png(pixels), pixels)
    assert_same(banded(pixels, [3, 40]), pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (257, 301)])
def test_extreme_shapes_and_values_read_back(
    dtype: str, channels: int, size: tuple[int, int]
) -> None:
    random = np.random.default_rng(0)
    top = np.iinfo(dtype).max
    pixels = random.choice(np.array([0, 1, top - 1, top], dtype), (*size, channels))
    assert_same(encode_png(pixels), pixels)
    assert_same(banded(pixels, [1, 2, 200]), pixels)


@LAWS
@given(images, st.lists(st.integers(1, 39)), scenes)
def test_chunks_and_zlib_stream_are_valid(
    pixels: NDArray[Any], rows: list[int], scene: str
) -> None:
    height, width, channels = pixels.shape
    for data in (encode_png(pixels, scene), banded(pixels, rows, scene)):
        found = chunks(data)
        kinds = [kind for kind, _ in found]
        assert kinds[0] == b"IHDR"
        assert kinds[-1] == b"IEND"
        images_at = [i for i, kind in enumerate(kinds) if kind == b"IDAT"]
        assert images_at == list(range(images_at[0], images_at[-1] + 1))
        assert kinds.index(b"iTXt") < images_at[0]
        stream = zlib.decompressobj()
        filtered = stream.decompress(b"".join(body for kind, body in found if kind == b"IDAT"))
        assert stream.eof  # the checksum was there, and right
        assert stream.unused_data == b""
        assert len(filtered) == height * (1 + width * channels * pixels.itemsize)


def test_a_band_larger_than_a_chunk_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "_MAX_CHUNK", 100)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    data = banded(pixels, [20])
    assert max(len(body) for kind, body in chunks(data) if kind == b"IDAT") == 100
    assert_same(data, pixels)


def test_bands_are_taken_one_by_one() -> None:
    """The writer keeps no band: each is in the file before the next is asked for."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    file = io.BytesIO()

    def bands() -> Iterator[Band]:
        for start in range(0, 40, 10):
            before = file.tell()
            band = deflate_band(pixels[start : start + 10])
            yield band
            assert file.tell() - before >= len(band.deflated)

    write_bands(file, header(50, 40, 3, 1, ""), bands())
    assert_same(file.getvalue(), pixels)


@LAWS
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_adler32_of_joined_data_follows_from_its_pieces(first: bytes, second: bytes) -> None:
    joined = adler32_combine(zlib.adler32(first), zlib.adler32(second), len(second))
    assert joined == zlib.adler32(first + second)


@pytest.mark.parametrize("length", [65520, 65521, 65522, 1_000_000])
def test_adler32_combines_across_its_modulus(length: int) -> None:
    first, second = b"\xff" * length, b"\xfe" * length
    joined = adler32_combine(zlib.adler32(first), zlib.adler32(second), length)
    assert joined == zlib.adler32(first + second)


@LAWS
@given(scene=scenes)
def test_the_scene_is_read_back_by_pillow_and_by_us(folder: Path, scene: str) -> None:
    pixels = np.zeros((3, 2, 3), np.uint8)
    for data in (encode_png(pixels, scene), banded(pixels, [1], scene)):
        image = Image.open(io.BytesIO(data))
        assert isinstance(image, PngImageFile)
        assert image.text == {"tilecppn": scene}
        path = folder / "scene.png"
        path.write_bytes(data)
        assert scene_of(path) == scene
        assert_same(data, pixels)


def foreign_pngs() -> dict[str, bytes]:
    def saved(**options: Any) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (4, 4)).save(file, **options)
        return file.getvalue()

    other = PngInfo()
    other.add_itxt("Comment", "tilecppn")
    return {
        "empty": b"",
        "text": b"tilecppn",
        "jpeg": saved(format="JPEG"),
        "plain png": saved(format="PNG"),
        "other text": saved(format="PNG", pnginfo=other),
        "ours without a scene": encode_png(np.zeros((4, 4, 3), np.uint8)),
        "signature only": b"\x89PNG\r\n\x1a\n",
        "endless chunk": b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffabcd",
        "not utf-8": b"\x89PNG\r\n\x1a\n" + png.chunk(b"iTXt", b"tilecppn\0\0\0\0\0\xff\xfe"),
    }


@pytest.mark.parametrize("name", foreign_pngs())
def test_a_foreign_file_holds_no_scene(name: str, tmp_path: Path) -> None:
    path = tmp_path / "file.png"
    path.write_bytes(foreign_pngs()[name])
    assert scene_of(path) is None


def test_a_folder_and_a_missing_file_hold_no_scene(tmp_path: Path) -> None:
    assert scene_of(tmp_path) is None
    assert scene_of(tmp_path / "missing.png") is None


SCENE = "[canvas]\nwidth = 4096\n"


def test_a_file_cut_within_its_scene_holds_none(tmp_path: Path) -> None:
    data = encode_png(np.zeros((4, 4, 3), np.uint8), SCENE)
    end = data.index(SCENE.encode()) + len(SCENE) + 4  # the chunk's checksum
    path = tmp_path / "cut.png"
    taken = {}
    for length in range(end):
        path.write_bytes(data[:length])
        if scene_of(path) is not None:
            taken[length] = scene_of(path)
    assert taken == {}


def test_a_damaged_scene_is_never_taken_for_one(tmp_path: Path) -> None:
    """Any flipped bit before the pixels: the scene itself, or none."""
    data = encode_png(np.zeros((4, 4, 3), np.uint8), SCENE)
    path = tmp_path / "damaged.png"
    wrong = {}
    for at in range(data.index(b"IDAT")):
        for bit in (0, 7):
            path.write_bytes(data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :])
            found = scene_of(path)
            if found not in (None, SCENE):
                wrong[at, bit] = found
    assert wrong == {}
