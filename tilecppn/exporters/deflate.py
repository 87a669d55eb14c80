"""Deflate by ISA-L, or by zlib where files are to be small or ISA-L has no wheel."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from isal import isal_zlib as deflate
except ImportError:
    import zlib as deflate  # type: ignore[no-redef]

LEAST = 1  # effort
LEVEL = 1  # ISA-L's smallest files at its full speed; zlib's fastest
# Bytes, 4 to 16, that ISA-L is given first: it hashes the third byte's place wrongly, by an address
# in memory, where a stream begins with more (docs/decisions, "ISA-L's first bytes").
FIRST = 8

__all__ = ["LEAST", "compressed", "deflate"]


def compressed(
    data: NDArray[Any],
    effort: int = LEAST,
    wbits: int = zlib.MAX_WBITS,
    end: int = zlib.Z_FINISH,
) -> bytes:
    """A contiguous array as a zlib stream (RFC 1950), or as a raw one (RFC 1951) by wbits -15.

    The same bytes whenever it is called. effort: 1 (fast) to 9 (small). end: how it is flushed.
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
