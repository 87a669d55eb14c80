"""Options of tifffile that all TIFF exports share: storage, description, credits (TIFF 6.0)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.encoding import credits, tags
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.pixels.interleave import differences, interleaved
from tilecppn.scene.sections import About

NONE, HORIZONTAL = 1, 2  # predictors
BYTES, ASCII = 1, 2  # types of tags


def stored(dtype: np.dtype[Any], channels: int) -> dict[str, Any]:
    """Return the storage options for pixels prepared by `predicted` and `deflate.compressed`."""
    return {
        "dtype": dtype,
        "photometric": "rgb" if channels > 1 else "minisblack",
        "compression": "adobe_deflate",
        "predictor": NONE if dtype.kind == "f" else HORIZONTAL,
        "software": tags.MAKER,
        "metadata": None,
    }


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


def predicted(pixels: NDArray[Any]) -> NDArray[Any]:
    """Convert pixels (channels, height, width) to (height, width, channels) for compression.

    Integers become `differences`; float32 stays as it is, since few programs read its predictor.
    """
    return interleaved(pixels) if pixels.dtype.kind == "f" else differences(pixels)
