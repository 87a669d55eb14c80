"""Boxes of ISO base media files (ISO/IEC 14496-12), of which AVIF and JPEG XL consist."""

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Exif


def box(name: bytes, data: bytes) -> bytes:
    """Return a box with a name of four bytes."""
    return struct.pack(">I4s", 8 + len(data), name) + data


def exif_data(exif: "Exif") -> bytes:
    """Return Exif as boxes contain it, after four bytes with the offset of its TIFF header."""
    return bytes(4) + exif.tobytes().removeprefix(b"Exif\0\0")
