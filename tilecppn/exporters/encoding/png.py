"""Write PNGs: an image in memory, or one of any size from bands of rows.

Pillow writes neither 16-bit RGB nor images larger than memory. Here each band is filtered and
compressed on its own, ending in a sync flush, so that bands are made in parallel and appended in
order (https://www.w3.org/TR/png-3/, RFC 1950 and 1951).
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.encoding import sparse_deflate
from tilecppn.exporters.encoding.deflate import LEAST, compressed, deflate
from tilecppn.exporters.encoding.sparse_deflate import MODULUS
from tilecppn.pixels.hdr import BT2020
from tilecppn.pixels.interleave import filtered, unfiltered

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"tilecppn"  # keyword of the text chunk with the scene or timeline
HEAD, LAST = b"\x78\x01", b"\x03\x00"  # header of a zlib stream; an empty last block
LONGEST_TEXT = 2**28  # most bytes of a text that are read
_MAX_CHUNK = 2**31 - 1
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels; even: with alpha
_CHANNELS = {kind: channels for channels, kind in _COLOUR_TYPES.items()}


class Band(NamedTuple):
    """Some rows, compressed without header; checksum and length are of the filtered rows."""

    deflated: bytes
    adler: int
    length: int


def encode_png(
    pixels: Pixels,
    scene: str = "",
    effort: int = LEAST,
    more: Iterable[bytes] = (),
    profile: bytes = b"",
    transfer: int = 0,
) -> bytes:
    """Encode an image (height, width, channels) as a PNG; `scene` is stored in it as text.

    effort: 1 (fast) to 9 (small). more: additional chunks before the pixels. profile, transfer: as
    in `header`.
    """
    height, width, channels = pixels.shape
    return b"".join(
        [
            *header(width, height, channels, pixels.dtype.itemsize, scene, profile, transfer),
            *more,
            chunk(b"IDAT", _packed(filtered(pixels.transpose(2, 0, 1)), effort)),
            chunk(b"IEND", b""),
        ]
    )


def decode_png(data: bytes) -> Pixels:
    """Decode a PNG that this module wrote into pixels (height, width, channels).

    Raises ValueError, struct.error or zlib.error if it is truncated or damaged.
    """
    file, packed, parts = BytesIO(data), zlib.decompressobj(), []
    for kind, length in _chunks(file):
        if kind == b"IHDR":
            width, height, bits, colour = struct.unpack_from(">IIBB", file.read(length))
        elif kind == b"IDAT":
            parts.append(packed.decompress(file.read(length)))
    channels, dtype = _CHANNELS[colour], np.dtype(f"u{bits // 8}")
    rows = np.frombuffer(b"".join(parts), np.uint8)
    row = 1 + width * channels * dtype.itemsize
    return unfiltered(rows.reshape(height, row), channels, dtype)


def _packed(data: NDArray[np.uint8], effort: int) -> bytes:
    """Compress to a zlib stream (RFC 1950)."""
    sparse = sparse_deflate.deflated(data) if effort == LEAST else None
    if sparse is None:
        return compressed(data, effort)
    return b"".join([HEAD, sparse.data, LAST, struct.pack(">I", sparse.adler)])


def deflate_band(pixels: Pixels, effort: int = LEAST) -> Band:
    """Compress rows (height, width, channels) so that they can follow any others.

    effort: as in `encode_png`.
    """
    data = filtered(pixels.transpose(2, 0, 1))
    sparse = sparse_deflate.deflated(data) if effort == LEAST else None
    if sparse is not None:
        return Band(*sparse, data.size)
    deflated = compressed(data, effort, -zlib.MAX_WBITS, zlib.Z_SYNC_FLUSH)
    return Band(deflated, deflate.adler32(data), data.size)


def write_bands(file: BinaryIO, head: list[bytes], bands: Iterator[Band]) -> None:
    """Write a PNG from its header's chunks and its bands, in order."""
    for part in head:
        file.write(part)
    file.write(chunk(b"IDAT", HEAD))
    adler = 1
    for band in bands:
        for start in range(0, len(band.deflated), _MAX_CHUNK):
            file.write(chunk(b"IDAT", band.deflated[start : start + _MAX_CHUNK]))
        adler = adler32_combine(adler, band.adler, band.length)
    file.write(chunk(b"IDAT", LAST + struct.pack(">I", adler)))
    file.write(chunk(b"IEND", b""))


def header(
    width: int,
    height: int,
    channels: int,
    itemsize: int,
    scene: str,
    profile: bytes = b"",
    transfer: int = 0,
) -> list[bytes]:
    """Return all chunks before the pixels. profile: ICC profile of pixels that are not sRGB.

    transfer: that of HDR in BT.2020, by its number in ITU-T H.273; 0 for none.
    """
    colour = _COLOUR_TYPES[channels]
    parts = [
        SIGNATURE,
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8 * itemsize, colour, 0, 0, 0)),
    ]
    if transfer:
        parts.append(chunk(b"cICP", bytes([BT2020, transfer, 0, 1])))  # RGB, full range
    elif profile:
        packed = compressed(np.frombuffer(profile, np.uint8))
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + packed))
    elif scene:
        parts.append(chunk(b"sRGB", b"\x00"))
    if scene:
        parts.append(text_chunk(scene))
    return parts


def resolution_chunk(per_inch: float) -> bytes:
    """Return the chunk with the pixels per printed inch; it must precede the pixels."""
    per_metre = round(per_inch / 0.0254)
    return chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))


def text_chunk(text: str, keyword: bytes = KEYWORD) -> bytes:
    """Return a text chunk; with the default keyword it holds the scene."""
    return chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text.encode())


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk: length, kind, data and checksum."""
    return b"".join(
        [
            struct.pack(">I", len(data)),
            kind,
            data,
            struct.pack(">I", deflate.crc32(data, deflate.crc32(kind))),
        ]
    )


def text_of(file: BinaryIO) -> str | None:
    """Return the scene's text in a PNG open at its start; None if there is none.

    Raises struct.error for a truncated file, and ValueError for one that is no PNG or damaged.
    """
    for kind, length in _chunks(file):
        if kind == b"IDAT":
            break
        if kind == b"iTXt" and length <= LONGEST_TEXT:
            data = file.read(length)
            (checksum,) = struct.unpack(">I", file.read(4))
            keyword, _, rest = data.partition(b"\0")
            if keyword == KEYWORD:
                sound = zlib.crc32(data, zlib.crc32(kind)) == checksum
                return rest[4:].decode() if sound else None
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the kind and length of each chunk of a PNG open at its start, which stands at its data.

    Raises ValueError for another file, and struct.error for a truncated one.
    """
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise ValueError("no PNG")
    kind, position = b"", len(SIGNATURE)
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", file.read(8))
        yield kind, length
        position += 12 + length
        file.seek(position)


def scene_of(path: Path) -> str | None:
    """Return the scene in a PNG file; None if there is none, or it is not a PNG."""
    try:
        with path.open("rb") as file:
            return text_of(file)
    except (OSError, struct.error, ValueError):
        return None


def adler32_combine(first: int, second: int, length: int) -> int:
    """Return the Adler-32 of two concatenated pieces from those of each; `length` of the second.

    With a = 1 + Σ d and b = Σ of the running a: the combined a is a₁ + a₂ - 1, and each of the
    second piece's running sums is larger by a₁ - 1.
    """
    a1, b1 = first & 0xFFFF, first >> 16
    a2, b2 = second & 0xFFFF, second >> 16
    a = (a1 + a2 - 1) % MODULUS
    b = (b1 + b2 + length * (a1 - 1)) % MODULUS
    return b << 16 | a
