"""CRC-32C, the checksum in Zarr's shards and of exported files."""

from collections.abc import Iterable

import google_crc32c


def crc32c(data: bytes) -> bytes:
    """Return the CRC-32C of bytes as Zarr's codec appends it: 4 bytes, little-endian."""
    return int(google_crc32c.value(data)).to_bytes(4, "little")


def crc32c_of(pieces: Iterable[bytes]) -> str:
    """Return the CRC-32C of a file that is given in pieces, as eight hex digits."""
    crc = 0
    for piece in pieces:
        crc = google_crc32c.extend(crc, piece)
    return f"{crc:08x}"
