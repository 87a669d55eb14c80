"""Codecs of imagecodecs, an optional package."""

from importlib.util import find_spec
from typing import Any

from numpy.typing import NDArray

from tilecppn.errors import ExportError


def check_installed(what: str, instead: str) -> None:
    """Raise ExportError if imagecodecs is missing. what: needs it; instead: what does not."""
    if find_spec("imagecodecs") is None:
        raise ExportError(f'{what}: needs pip install "tilecppn[codecs]"; or use {instead}')


def lzw(data: NDArray[Any]) -> bytes:
    """Compress the bytes of a contiguous array as in a TIFF."""
    import imagecodecs

    return bytes(imagecodecs.lzw_encode(data.tobytes()))
