"""Compression and tags that all TIFF exports share, as options of tifffile (TIFF 6.0)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.encoding import credits, tags
from tilecppn.exporters.encoding.compressions import COMPRESSIONS, Compression
from tilecppn.exporters.encoding.deflate import LEAST
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.pixels.interleave import differences, interleaved
from tilecppn.scene.sections import About

HORIZONTAL = 2  # predictor
BYTES, ASCII = 1, 2  # types of tags


def stored(dtype: np.dtype[Any], channels: int, compression: str = "deflate") -> dict[str, Any]:
    """Return the storage options for pixels prepared by `packed`."""
    row = COMPRESSIONS[compression]
    return {
        "dtype": dtype,
        "photometric": "rgb" if channels > 1 else "minisblack",
        "compression": row.name,
        "predictor": HORIZONTAL if _differs(dtype, row) else None,
        "software": tags.MAKER,
        "metadata": None,
    }


def packed(pixels: NDArray[Any], compression: str = "deflate", effort: int = LEAST) -> bytes:
    """Return the bytes of a tile or strip from its pixels (channels, height, width)."""
    row = COMPRESSIONS[compression]
    differs = _differs(pixels.dtype, row)
    return row.pack(differences(pixels) if differs else interleaved(pixels), effort)


def _differs(dtype: np.dtype[Any], row: Compression) -> bool:
    # Few programs read the predictor for floats.
    return row.differs and dtype.kind != "f"


def described(made: Provenance, profile: bytes) -> dict[str, Any]:
    """Return the description, profile and credits of the first page. profile: ICC."""
    return {
        "iccprofile": profile,
        "description": made.text().encode(),
        "extratags": _credits(made.about),
    }


def shape(height: int, width: int, channels: int) -> tuple[int, ...]:
    """Return the shape of an image; a grey one has no channel axis."""
    return (height, width, channels)[: 3 if channels > 1 else 2]


def _credits(about: About) -> list[tuple[int, int, int, bytes, bool]]:
    """Return the credits as tifffile's extra tags: tag, type, count (0: from the value), value,
    once.
    """
    texts = [(tag, ASCII, 0, text, True) for tag, text in credits.exif(about).items()]
    xmp = credits.xmp(about)
    return [*texts, *([(tags.XMP, BYTES, len(xmp), xmp, True)] if xmp else [])]
