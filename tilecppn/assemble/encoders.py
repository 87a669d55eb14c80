"""Tile formats: one table, one row each."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray

from tilecppn.assemble.png import encode_png
from tilecppn.assemble.source import interleaved
from tilecppn.pixels.quantise import to_uint8, to_uint16

Encode = Callable[[NDArray[Any], int], bytes]


class Encoder(NamedTuple):
    """`encode` takes stored pixels (channels, height, width) of any dtype and a quality."""

    suffix: str
    encode: Encode
    quality: int  # the default; 1 to 100


def lossless(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels as a PNG can hold them: integers as they are, float32 as 16 bits."""
    return to_uint16(pixels) if pixels.dtype.kind == "f" else pixels


def _png(pixels: NDArray[Any], quality: int) -> bytes:
    return encode_png(interleaved(lossless(pixels)))


def _jpeg(pixels: NDArray[Any], quality: int) -> bytes:
    from PIL import Image

    data = to_uint8(pixels)
    image = Image.fromarray(data[0] if len(data) == 1 else interleaved(data))
    file = io.BytesIO()
    # Full-resolution colour: these pictures are saturated, and halved colour shows at edges.
    image.save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


ENCODERS: dict[str, Encoder] = {
    "png": Encoder("png", _png, 100),
    "jpg": Encoder("jpg", _jpeg, 90),
}
