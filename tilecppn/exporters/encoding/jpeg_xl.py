"""JPEG XL of 8 bits in sRGB, by imagecodecs, an optional package; and its scale of quality."""

import numpy as np
from numpy.typing import NDArray


def encode_jxl(image: NDArray[np.uint8], quality: int, effort: int) -> bytes:
    """Encode an image (height, width) or (height, width, channels); quality 100 is lossless."""
    import imagecodecs

    data = imagecodecs.jpegxl_encode(
        image,
        effort=effort,
        distance=distance(quality),
        lossless=distance(quality) == 0,
        planar=False,
        numthreads=1,  # since tiles are encoded in parallel
    )
    return bytes(data)


def distance(quality: int | None) -> float:
    """Convert a quality (1 to 100) to libjxl's Butteraugli distance; 0 is lossless.

    Like libjxl's JxlEncoderDistanceFromQuality.
    """
    if quality is None or quality == 100:
        return 0.0
    if quality >= 30:
        return round(0.1 + (100 - quality) * 0.09, 3)
    return round(53 / 3000 * quality**2 - 23 / 20 * quality + 25.0, 3)
