"""Deflate by ISA-L, or by zlib for small files and where ISA-L has no wheel for the processor."""

import zlib
from typing import Any

from numpy.typing import NDArray

try:
    from isal import isal_zlib as deflate
except ImportError:
    import zlib as deflate  # type: ignore[no-redef]

LEAST = 1  # effort
LEVEL = 1  # ISA-L's smallest files at its full speed; zlib's fastest

__all__ = ["LEAST", "LEVEL", "chosen", "compressed", "deflate"]


def compressed(data: NDArray[Any], effort: int = LEAST) -> bytes:
    """A zlib stream (RFC 1950) of a contiguous array. effort: 1 (fast) to 9 (small)."""
    library, level = chosen(effort)
    stream: bytes = library.compress(data.data, level)
    return stream


def chosen(effort: int) -> tuple[Any, int]:
    """The library for an effort, and its level."""
    return (zlib, effort) if effort > LEAST else (deflate, LEVEL)
