"""CRC-32C, the checksum of Zarr and of exports."""

from collections.abc import Iterable

import google_crc32c


def crc32c(data: bytes) -> bytes:
    """The CRC-32C of bytes, as Zarr's codec appends it."""
    return int(google_crc32c.value(data)).to_bytes(4, "little")


def crc32c_of(pieces: Iterable[bytes]) -> str:
    """The CRC-32C of a file in pieces: eight digits."""
    crc = 0
    for piece in pieces:
        crc = google_crc32c.extend(crc, piece)
    return f"{crc:08x}"
