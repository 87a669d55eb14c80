"""The compressions of a TIFF, as a table with one row each."""

from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray

from tilecppn.exporters.encoding import optional
from tilecppn.exporters.encoding.deflate import compressed


class Compression(NamedTuple):
    """A compression: tifffile's name for it, and whether integers become `differences` first.

    pack: compresses an array with an effort. worst: the largest factor by which data can grow.
    """

    name: str | None
    differs: bool
    pack: Callable[[NDArray[Any], int], bytes]
    worst: float = 1.0


COMPRESSIONS = {
    # Deflate adds at most 5 bytes per 16 kB of incompressible data.
    "deflate": Compression("adobe_deflate", True, compressed, 1 + 1 / 2000),
    # A code of at most 12 bits for each byte, and one to clear the table for every 3837.
    "lzw": Compression("lzw", True, lambda data, effort: optional.lzw(data), 1.501),
    "none": Compression(None, False, lambda data, effort: data.tobytes()),
}
