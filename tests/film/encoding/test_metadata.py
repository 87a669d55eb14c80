"""Marks of animated files: other programs see the same frames, and memory does not grow."""

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from tilecppn.errors import Interrupted
from tilecppn.exporters.encoding import png
from tilecppn.exporters.output.provenance import FILM, Provenance
from tilecppn.film.encoding import metadata
from tilecppn.film.encoding.metadata import METADATA_CODECS, copy_with_metadata

TEXT = Provenance(FILM, "[film]\nname = 'möwe'\n" * 40, "f" * 64, "r" * 16).text()
TEXTS = ["", "a", "ab", "ü", "x" * 255, "y" * 256, TEXT]


def animation(path: Path) -> Path:
    """Three frames of noise, by Pillow."""
    noise = np.random.default_rng(1).integers(0, 256, (3, 20, 30, 3), np.uint8)
    first, *others = [Image.fromarray(frame) for frame in noise]
    first.save(path, save_all=True, append_images=others, duration=100, lossless=True)
    return path


def frames(path: Path) -> list[bytes]:
    with Image.open(path) as image:
        return [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(image)]


@pytest.mark.parametrize("text", TEXTS, ids=len)
@pytest.mark.parametrize("suffix", METADATA_CODECS)
def test_a_marked_file_shows_the_same_frames_and_tells_its_text(
    suffix: str, text: str, tmp_path: Path
) -> None:
    plain = animation(tmp_path / f"plain{suffix}")
    copy_with_metadata(plain, tmp_path / f"marked{suffix}", suffix, text)
    with (tmp_path / f"marked{suffix}").open("rb") as file:
        assert METADATA_CODECS[suffix].read(file) == text
    with plain.open("rb") as file:
        assert METADATA_CODECS[suffix].read(file) is None
    assert frames(tmp_path / f"marked{suffix}") == frames(plain)
    with Image.open(tmp_path / f"marked{suffix}") as image:
        found = {".png": "tilecppn", ".gif": "comment", ".webp": "xmp"}[suffix]
        value = image.info.get(found, "")
        assert (value.decode() if isinstance(value, bytes) else value) == text


def test_a_marked_webp_has_its_own_length(tmp_path: Path) -> None:
    copy_with_metadata(animation(tmp_path / "a.webp"), tmp_path / "b.webp", ".webp", "odd")
    data = (tmp_path / "b.webp").read_bytes()
    assert struct.unpack("<I", data[4:8]) == (len(data) - 8,)
    assert len(data) % 2 == 0


def test_a_webp_film_of_one_frame_is_marked_and_shows_it(tmp_path: Path) -> None:
    """libwebp encodes it as a plain still, which has no place for metadata."""
    noise = np.random.default_rng(1).integers(0, 256, (21, 30, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.webp", quality=90)
    copy_with_metadata(tmp_path / "a.webp", tmp_path / "b.webp", ".webp", TEXT)
    assert (tmp_path / "a.webp").read_bytes()[12:16] == b"VP8 "
    assert frames(tmp_path / "b.webp") == frames(tmp_path / "a.webp")
    with Image.open(tmp_path / "b.webp") as image:
        assert image.info["xmp"].decode() == TEXT
    assert metadata.read_text(tmp_path / "b.webp") == TEXT


@pytest.mark.parametrize("suffix", METADATA_CODECS)
def test_a_file_cut_anywhere_is_none_of_ours_or_has_its_whole_mark(
    suffix: str, tmp_path: Path
) -> None:
    copy_with_metadata(animation(tmp_path / f"a{suffix}"), tmp_path / f"b{suffix}", suffix, TEXT)
    data, path = (tmp_path / f"b{suffix}").read_bytes(), tmp_path / f"cut{suffix}"
    for length in range(0, len(data), 29):
        path.write_bytes(data[:length])
        assert metadata.read_text(path) in (None, TEXT)
    assert metadata.read_text(tmp_path / f"b{suffix}") == TEXT


def large(path: Path, size: int) -> Path:
    """A file that begins as an animation does, then zeros, which take no disk."""
    kind = path.suffix
    head = {
        ".png": png.SIGNATURE + png.chunk(b"IHDR", bytes(13)) + struct.pack(">I4s", size, b"IDAT"),
        ".gif": b"GIF89a" + bytes(7) + b",",
        ".webp": b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(10) + struct.pack("<4sI", b"ANMF", size),
    }[kind]
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)
    return path


@pytest.mark.parametrize("suffix", METADATA_CODECS)
def test_memory_does_not_grow_with_the_film(suffix: str, tmp_path: Path) -> None:
    plain = large(tmp_path / f"plain{suffix}", 48 << 20)
    tracemalloc.start()
    try:
        copy_with_metadata(plain, tmp_path / f"marked{suffix}", suffix, TEXT)
        assert metadata.read_text(tmp_path / f"marked{suffix}") == TEXT
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * metadata.PIECE


def test_a_copy_can_be_stopped(tmp_path: Path) -> None:
    calls: list[None] = []

    def check_cancelled() -> None:
        calls.append(None)
        if len(calls) == 3:
            raise Interrupted("stopped")

    plain = large(tmp_path / "plain.gif", 48 << 20)
    with pytest.raises(Interrupted):
        copy_with_metadata(plain, tmp_path / "marked.gif", ".gif", "text", check_cancelled)
    assert (tmp_path / "marked.gif").stat().st_size < 3 * metadata.PIECE


def test_the_record_of_a_film_fits_into_one_block_of_a_gif() -> None:
    """Else its length bytes would lie in it, and nothing would find it."""
    made = Provenance(FILM, "", "f" * 64, "e" * 16, version="10.10.10")
    assert len(made.line().encode()) <= 255
