"""What a film's file says of itself: which film, and how encoded. One pair of functions a kind.

Films in containers carry it as ffmpeg's metadata; GIF, WebP and APNG have places of their own
(GIF89a comment extension; https://developers.google.com/speed/webp/docs/riff_container, XMP
chunk; https://www.w3.org/TR/png-3/, iTXt).
"""

import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from tilecppn.assemble import png
from tilecppn.errors import Refused
from tilecppn.film import ffmpeg
from tilecppn.version import VERSION

KEY = "tilecppn"
_COMMENT = b"\x21\xfe"  # GIF's comment extension
_XMP_FLAG = 0x04


@dataclass(frozen=True)
class Mark:
    """`fingerprint` of the frames, `recipe` of their encoding, and the timeline as TOML."""

    fingerprint: str
    recipe: str
    timeline: str
    version: str = VERSION

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str | None) -> "Mark | None":
        """None for what is no mark."""
        try:
            return cls(**json.loads(text or ""))
        except (ValueError, TypeError, RecursionError):
            return None


class Writing(NamedTuple):
    """`marked` gives a file's bytes with a text in them; `read` finds the text again."""

    marked: Callable[[bytes, str], bytes]
    read: Callable[[bytes], str | None]


def _mark_png(data: bytes, text: str) -> bytes:
    after = len(png.SIGNATURE) + 12 + 13  # the header's chunk
    chunk = png.chunk(b"iTXt", png.KEYWORD + b"\0\0\0\0\0" + text.encode())
    return data[:after] + chunk + data[after:]


def _read_png(data: bytes) -> str | None:
    at = len(png.SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        keyword, _, rest = data[at + 8 : at + 8 + length].partition(b"\0")
        if kind == b"iTXt" and keyword == png.KEYWORD:
            return rest[4:].decode(errors="replace")
        if kind == b"IDAT":
            return None
        at += 12 + length
    return None


def _mark_gif(data: bytes, text: str) -> bytes:
    after = _gif_head(data)
    raw = text.encode()
    blocks = [raw[i : i + 255] for i in range(0, len(raw), 255)]
    comment = _COMMENT + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0"
    return data[:after] + comment + data[after:]


def _read_gif(data: bytes) -> str | None:
    at = _gif_head(data)
    if data[at : at + 2] != _COMMENT:
        return None
    parts, at = [], at + 2
    while at < len(data) and data[at]:
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(parts).decode(errors="replace")


def _gif_head(data: bytes) -> int:
    """Bytes of the header with the colours of all frames."""
    packed = data[10]
    return 13 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)


def _mark_webp(data: bytes, text: str) -> bytes:
    raw = text.encode()
    chunk = b"XMP " + struct.pack("<I", len(raw)) + raw + b"\0" * (len(raw) % 2)
    body = bytearray(data[12:] + chunk)
    body[8] |= _XMP_FLAG  # of the VP8X chunk, which an animation begins with
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + bytes(body)


def _read_webp(data: bytes) -> str | None:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"XMP ":
            return data[at + 8 : at + 8 + length].decode(errors="replace")
        at += 8 + length + length % 2
    return None


# By the first bytes of a file, after which comes what no other program has to understand.
WRITINGS: dict[str, tuple[bytes, Writing]] = {
    ".png": (png.SIGNATURE, Writing(_mark_png, _read_png)),
    ".gif": (b"GIF8", Writing(_mark_gif, _read_gif)),
    ".webp": (b"RIFF", Writing(_mark_webp, _read_webp)),
}


def read(path: Path) -> Mark | None:
    """The mark of a film's file; None if it is none of ours."""
    if path.suffix not in WRITINGS:
        try:
            return Mark.of_text(ffmpeg.metadata(path).get(KEY))
        except Refused:
            return None
    signature, writing = WRITINGS[path.suffix]
    try:
        data = path.read_bytes()
        return Mark.of_text(writing.read(data)) if data.startswith(signature) else None
    except (OSError, struct.error, IndexError):
        return None
