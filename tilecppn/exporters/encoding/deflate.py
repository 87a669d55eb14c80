"""Compress by ISA-L; by zlib for small files, or where ISA-L has no wheel."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from isal import isal_zlib as deflate
except ImportError:
    import zlib as deflate  # type: ignore[no-redef]

LEAST = 1  # lowest effort
LEVEL = 1  # ISA-L's smallest files at full speed; zlib's fastest
# Bytes, 4 to 16, that ISA-L is given first. If a stream begins with more, its hash of the third
# byte depends on a memory address (docs/decisions, "ISA-L's first bytes").
FIRST = 8

__all__ = ["LEAST", "compressed", "deflate"]


def compressed(
    data: NDArray[Any],
    effort: int = LEAST,
    wbits: int = zlib.MAX_WBITS,
    end: int = zlib.Z_FINISH,
) -> bytes:
    """Compress a contiguous array to a zlib stream (RFC 1950), or raw (RFC 1951) with wbits -15.

    The result is the same in every call. effort: 1 (fast) to 9 (small). end: the final flush mode.
    """
    stream: Any
    if effort > LEAST:
        stream, flush = zlib.compressobj(effort, zlib.DEFLATED, wbits), zlib.Z_NO_FLUSH
    else:
        stream, flush = deflate.compressobj(LEVEL, zlib.DEFLATED, wbits), zlib.Z_SYNC_FLUSH
    flat = data.reshape(-1).view(np.uint8).data
    return b"".join(
        [
            stream.compress(flat[:FIRST]),
            stream.flush(flush),
            stream.compress(flat[FIRST:]),
            stream.flush(end),
        ]
    )
