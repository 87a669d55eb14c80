"""Formats of tiles and of small single files, as a table with one row each."""

import io
import os
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.encoding.icc import embedded
from tilecppn.exporters.encoding.jpeg_xl import encode_jxl
from tilecppn.exporters.encoding.png import encode_png
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.quantise import to_uint8, to_uint16

_JPEG_HEAD = 1 << 10  # bytes that other Huffman tables may add


class Encoder(NamedTuple):
    """An image format.

    quality: default, None for lossless. side, pixels: the longest side, and the most pixels in all.
    name: in Pillow. memory: bytes that encoding takes per pixel, including the file. alpha: whether
    an opacity channel may follow the colours. options: Pillow's options for a quality (1 to 100)
    and an effort (1, fast, to 9, small). codec: encodes pixels, with a quality, an effort and a
    profile, instead of Pillow.
    """

    suffix: str
    quality: int | None = None
    side: int = 2**31 - 1
    pixels: int = 2**62
    name: str = ""
    memory: int = 0
    alpha: bool = True
    options: Callable[[int, int], dict[str, Any]] = lambda quality, effort: {}
    codec: Callable[[NDArray[Any], int, int, str], bytes] | None = None

    def encode(
        self, pixels: NDArray[Any], quality: int, effort: int, profile: str = "srgb"
    ) -> bytes:
        """Encode stored pixels (channels, height, width) of any dtype; profile: their
        colour space.
        """
        if self.codec is not None:
            return self.codec(pixels, quality, effort, profile)
        image = _image(pixels)
        icc = embedded(profile, 1 if len(pixels) == 1 and self.name == "JPEG" else 3)
        extra = {"icc_profile": icc} if icc else {}
        return self.by_pillow(image, quality, effort, **extra)

    def by_pillow(
        self, pixels: NDArray[np.uint8], quality: int, effort: int, **extra: Any
    ) -> bytes:
        """Encode 8-bit pixels, (height, width) or (height, width, 3), with Pillow.

        extra: further options of Pillow, such as `exif`.
        """
        from PIL import Image

        image = Image.fromarray(pixels)
        options = self.options(quality, effort)
        if options.pop("optimize", False):
            # Pillow allocates a buffer of one byte per pixel for an optimised JPEG, and fails if
            # that is too small. Such a JPEG is written without optimising, which hardly ever makes
            # it smaller.
            plain = _saved(image, self.name, **options, **extra)
            if len(plain) + _JPEG_HEAD > image.width * image.height:
                return plain
            options["optimize"] = True
        return _saved(image, self.name, **options, **extra)


def lossless(pixels: NDArray[Any]) -> NDArray[Any]:
    """Convert pixels for a PNG: integers stay as they are, float32 becomes 16 bits."""
    return to_uint16(pixels) if pixels.dtype.kind == "f" else pixels


def _image(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return 8-bit pixels (height, width), or (height, width, channels) of more than one."""
    data = to_uint8(pixels)
    return data[0] if len(data) == 1 else interleaved(data)


def _saved(image: Any, name: str, **options: Any) -> bytes:
    with _memory_file() as file:
        image.save(file, name, **options)
        file.seek(0)
        return file.read()


def _memory_file() -> IO[bytes]:
    """Return a file in memory, on Linux with a descriptor.

    While Pillow encodes a JPEG to a file without a descriptor, it holds Python's lock.
    """
    try:
        return open(os.memfd_create("tilecppn"), "w+b", buffering=0)
    except (AttributeError, OSError):  # another system, or not allowed
        return io.BytesIO()


def _png(pixels: NDArray[Any], quality: int, effort: int, profile: str) -> bytes:
    icc = embedded(profile, 3 if len(pixels) > 2 else 1)
    return encode_png(np.moveaxis(lossless(pixels), 0, -1), effort=effort, profile=icc)


def _jxl(pixels: NDArray[Any], quality: int, effort: int, profile: str) -> bytes:
    return encode_jxl(_image(pixels), quality, effort)  # `ExportOptions` refuses other profiles


def _jpeg(quality: int, effort: int) -> dict[str, Any]:
    # Full-resolution colour: these pictures are saturated, and subsampled colour shows at edges.
    return {"quality": quality, "subsampling": 0, "optimize": effort > 1}


def _webp(quality: int, effort: int) -> dict[str, Any]:
    return {"quality": quality, "method": (effort - 1) * 6 // 8}


def _avif(quality: int, effort: int) -> dict[str, Any]:
    return {"quality": quality, "speed": 10 - effort, "subsampling": "4:4:4", "max_threads": 1}


ENCODERS: dict[str, Encoder] = {
    "png": Encoder("png", codec=_png),
    "jpg": Encoder("jpg", 90, 65_535, name="JPEG", memory=5, alpha=False, options=_jpeg),
    "webp": Encoder("webp", 90, 16_383, name="WEBP", memory=5, options=_webp),
    # The limits that libavif's readers have by default.
    "avif": Encoder("avif", 80, 32_768, 2**28, "AVIF", memory=42, options=_avif),
    "jxl": Encoder("jxl", codec=_jxl),
}
