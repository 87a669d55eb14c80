"""Tile formats: one table, one row each."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray

from tilecppn.exporters.png import encode_planes
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.quantise import to_uint8, to_uint16


class Encoder(NamedTuple):
    """How a tile becomes a file.

    `encode` takes stored pixels (channels, height, width) of any dtype, a quality (1 to 100) and
    an effort (1, fast, to 9, small).
    """

    suffix: str
    encode: Callable[[NDArray[Any], int, int], bytes]
    quality: int  # the default


def lossless(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels as a PNG can hold them: integers as they are, float32 as 16 bits."""
    return to_uint16(pixels) if pixels.dtype.kind == "f" else pixels


def _png(pixels: NDArray[Any], quality: int, effort: int) -> bytes:
    return encode_planes(lossless(pixels), effort=effort)


def _jpeg(quality: int, effort: int) -> dict[str, Any]:
    # Full-resolution colour: these pictures are saturated, and halved colour shows at edges.
    return {"quality": quality, "subsampling": 0, "optimize": effort > 1}


def _webp(quality: int, effort: int) -> dict[str, Any]:
    return {"quality": quality, "method": (effort - 1) * 6 // 8}


def _avif(quality: int, effort: int) -> dict[str, Any]:
    return {"quality": quality, "speed": 10 - effort, "subsampling": "4:4:4", "max_threads": 1}


class Lossy(NamedTuple):
    """A format of Pillow's, and its options for a quality and an effort."""

    kind: str
    options: Callable[[int, int], dict[str, Any]]

    def encode(self, pixels: NDArray[Any], quality: int, effort: int) -> bytes:
        from PIL import Image

        data = to_uint8(pixels)
        image = Image.fromarray(data[0] if len(data) == 1 else interleaved(data))
        file = io.BytesIO()
        image.save(file, self.kind, **self.options(quality, effort))
        return file.getvalue()


JPEG, WEBP, AVIF = Lossy("JPEG", _jpeg), Lossy("WEBP", _webp), Lossy("AVIF", _avif)

ENCODERS: dict[str, Encoder] = {
    "png": Encoder("png", _png, 100),
    "jpg": Encoder("jpg", JPEG.encode, 90),
    "webp": Encoder("webp", WEBP.encode, 90),
    "avif": Encoder("avif", AVIF.encode, 80),
}
