"""What every TIFF says of its pixels and of itself, as options of tifffile (TIFF 6.0)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters import credits, tags
from tilecppn.exporters.provenance import Provenance
from tilecppn.pixels.interleave import differences, interleaved
from tilecppn.scene.sections import About

NONE, HORIZONTAL = 1, 2  # predictors
BYTES, ASCII = 1, 2  # types of tags


def stored(dtype: np.dtype[Any], channels: int) -> dict[str, Any]:
    """How pixels are stored that `predicted` and `deflate.compressed` have made ready."""
    return {
        "dtype": dtype,
        "photometric": "rgb" if channels > 1 else "minisblack",
        "compression": "adobe_deflate",
        "predictor": NONE if dtype.kind == "f" else HORIZONTAL,
        "software": tags.MAKER,
        "metadata": None,
    }


def described(made: Provenance, profile: bytes) -> dict[str, Any]:
    """What the first page says of the picture. profile: ICC's."""
    return {
        "iccprofile": profile,
        "description": made.text().encode(),
        "extratags": _credits(made.about),
    }


def shape(height: int, width: int, channels: int) -> tuple[int, ...]:
    """The shape of an image; one of greys has no axis for its channel."""
    return (height, width, channels)[: 3 if channels > 1 else 2]


def _credits(about: About) -> list[tuple[int, int, int, bytes, bool]]:
    """The credits as tifffile takes them: tag, type, count (0: of the value), value, once."""
    texts = [(tag, ASCII, 0, text, True) for tag, text in credits.exif(about).items()]
    xmp = credits.xmp(about)
    return [*texts, *([(tags.XMP, BYTES, len(xmp), xmp, True)] if xmp else [])]


def predicted(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels (channels, height, width) as (height, width, channels), ready to be deflated.

    Integers as `differences`; float32 as it is: few programs read its predictor.
    """
    return interleaved(pixels) if pixels.dtype.kind == "f" else differences(pixels)
