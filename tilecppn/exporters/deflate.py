"""Deflate by ISA-L, or by zlib for small arrays and files, and where ISA-L has no wheel."""

import zlib
from typing import Any

from numpy.typing import NDArray

try:
    from isal import isal_zlib as deflate
except ImportError:
    import zlib as deflate  # type: ignore[no-redef]

LEAST = 1  # effort
LEVEL = 1  # ISA-L's smallest files at its full speed; zlib's fastest
# Bytes. ISA-L was seen to deflate 4,160 bytes in two ways (docs/decisions, "Small tiles").
SMALL = 1 << 14

__all__ = ["LEAST", "LEVEL", "chosen", "compressed", "deflate"]


def compressed(data: NDArray[Any], effort: int = LEAST) -> bytes:
    """A zlib stream (RFC 1950) of a contiguous array. effort: 1 (fast) to 9 (small)."""
    library, level = chosen(effort, data.nbytes)
    stream: bytes = library.compress(data.data, level)
    return stream


def chosen(effort: int, size: int) -> tuple[Any, int]:
    """The library for an effort and a size in bytes, and its level."""
    if effort > LEAST or size <= SMALL:
        return zlib, effort
    return deflate, LEVEL
