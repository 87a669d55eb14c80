"""Write and read the text in a film's file: its timeline and provenance.

Films in containers carry it as ffmpeg's metadata; GIF, WebP and APNG have their own places (GIF89a
comment extension; https://developers.google.com/speed/webp/docs/riff_container, XMP chunk;
https://www.w3.org/TR/png-3/, iTXt). There it is inserted while the file is copied, and found
without reading the frames, since a film may be larger than memory.
"""

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tilecppn import ffmpeg
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError
from tilecppn.exporters.encoding import png
from tilecppn.film.encoding.codecs import suffix_of

KEY = "comment"  # ffmpeg's metadata key that every container keeps when others copy the film
_COMMENT = b"\x21\xfe"  # GIF's comment extension
_VP8X_FLAGS = 20  # offset in a file; an animation begins with a VP8X chunk
_XMP_FLAG = 0x04
PIECE = 1 << 20  # bytes copied at a time


class Patch(NamedTuple):
    """A change to a file: `data` replaces `replaced` bytes at `offset`."""

    offset: int
    replaced: int
    data: bytes


class MetadataCodec(NamedTuple):
    """How a file format carries a text: `patches` insert it, in order; `read` finds it.

    Both may seek. They raise struct.error, IndexError or UnicodeDecodeError for another format.
    """

    signature: bytes  # the first bytes of a file
    patches: Callable[[BinaryIO, str], list[Patch]]
    read: Callable[[BinaryIO], str | None]


def _png_patches(file: BinaryIO, text: str) -> list[Patch]:
    after = len(png.SIGNATURE) + 12 + 13  # the header and its chunk
    return [Patch(after, 0, png.text_chunk(text))]


def _gif_patches(file: BinaryIO, text: str) -> list[Patch]:
    # The last line, the provenance, starts a sub-block, so that it can be found unsplit.
    body, newline, line = text.encode().rpartition(b"\n")
    parts = (body + newline, line)
    blocks = [part[i : i + 255] for part in parts for i in range(0, len(part), 255)]
    comment = _COMMENT + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0"
    return [Patch(_gif_head(file), 0, comment)]


def _gif_text(file: BinaryIO) -> str | None:
    file.seek(_gif_head(file))
    if file.read(2) != _COMMENT:
        return None
    parts = []
    while length := file.read(1)[0]:
        parts.append(file.read(length))
    return b"".join(parts).decode(errors="replace")


def _gif_head(file: BinaryIO) -> int:
    """Return the length of the header with the global colour table."""
    file.seek(10)
    packed = file.read(1)[0]
    return 13 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)


def _webp_patches(file: BinaryIO, text: str) -> list[Patch]:
    raw = text.encode()
    chunk = b"XMP " + struct.pack("<I", len(raw)) + raw + b"\0" * (len(raw) % 2)
    file.seek(12)
    if file.read(4) == b"VP8X":
        file.seek(_VP8X_FLAGS)
        flags = Patch(_VP8X_FLAGS, 1, bytes([file.read(1)[0] | _XMP_FLAG]))
    else:
        flags = Patch(12, 0, _vp8x(file))
    size = file.seek(0, os.SEEK_END)
    length = size - 8 + len(flags.data) - flags.replaced + len(chunk)
    return [Patch(4, 4, struct.pack("<I", length)), flags, Patch(size, 0, chunk)]


def _vp8x(file: BinaryIO) -> bytes:
    """Return the VP8X chunk that allows metadata in a simple lossy file, as a one-frame film is
    encoded.
    """
    file.seek(26)  # width and height in the frame's header (RFC 6386, section 9.1)
    width, height = (side & 0x3FFF for side in struct.unpack("<HH", file.read(4)))
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    return b"VP8X" + struct.pack("<I", 10) + bytes([_XMP_FLAG, 0, 0, 0]) + sides


def _webp_text(file: BinaryIO) -> str | None:
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind, length = struct.unpack("<4sI", head)
        if kind == b"XMP ":
            data = file.read(length)
            return data.decode(errors="replace") if len(data) == length else None
        file.seek(length + length % 2, os.SEEK_CUR)
    return None


METADATA_CODECS: dict[str, MetadataCodec] = {
    ".png": MetadataCodec(png.SIGNATURE, _png_patches, png.text_of),
    ".gif": MetadataCodec(b"GIF8", _gif_patches, _gif_text),
    ".webp": MetadataCodec(b"RIFF", _webp_patches, _webp_text),
}


def copy_with_metadata(
    source: Path, dest: Path, suffix: str, text: str, check_cancelled: CheckCancelled = lambda: None
) -> None:
    """Copy the file of a film with a text inserted, piece by piece, calling `check_cancelled`
    between.

    `suffix`, a key of `METADATA_CODECS`, gives the file format.
    """
    with source.open("rb") as file, dest.open("wb") as out:
        patches = METADATA_CODECS[suffix].patches(file, text)
        file.seek(0)
        for patch in patches:
            _copy(file, out, patch.offset - file.tell(), check_cancelled)
            file.seek(patch.replaced, os.SEEK_CUR)
            out.write(patch.data)
        _copy(file, out, sys.maxsize, check_cancelled)


def _copy(file: BinaryIO, out: BinaryIO, length: int, check_cancelled: CheckCancelled) -> None:
    """Copy this many bytes, or as many as there are."""
    while piece := file.read(min(length, PIECE)):
        check_cancelled()
        out.write(piece)
        length -= len(piece)


def read_text(path: Path) -> str | None:
    """Return the text in a film's file; None if there is none."""
    suffix = suffix_of(path)
    if suffix not in METADATA_CODECS:
        try:
            return ffmpeg.metadata(path).get(KEY)
        except InvalidRequestError:
            return None
    writing = METADATA_CODECS[suffix]
    try:
        with path.open("rb") as file:
            if file.read(len(writing.signature)) != writing.signature:
                return None
            file.seek(0)
            return writing.read(file)
    except (OSError, struct.error, IndexError, UnicodeDecodeError):
        return None
