"""Reads picture files as viewers show them: upright, in sRGB, in 8 bits, in bounded memory.

Everything that takes a picture reads it with `read_picture`.
"""

import re
import struct
import sys
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import TiffImageFile

from tilecppn import machine
from tilecppn.errors import DataError

MAX_PIXELS = 2**28  # of a picture, after it was scaled down
MAX_MEMORY = 0.75  # of the free memory
STRIP = 2**22  # pixels converted at a time
BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2}  # in Pillow's memory; 4 in other modes
# Pillow reads only the high bytes of colours with 16 bits. Told the other byte order, it reads the
# low ones. "N" is this machine's order.
_HIGH_BYTES = re.compile(r"(?P<mode>RGBX?|RGBA|CMYK);16(?P<order>[BLN])")
_SWAPPED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_STEP = 257  # of 16 bits, from one value of 8 bits to the next


def read_picture(
    path: Path, *, longer: int | None = None, enough: int | None = None
) -> Image.Image:
    """Read the picture file `path` as "L" or "RGB", in sRGB and turned upright.

    Transparency is composited on black; of an animation the first frame is read.

    longer: scale the picture so that its longer side has this many pixels. enough: pixels that are
    enough for the shorter side; a larger picture may be scaled down, to twice as many or more. In
    both cases a large picture is scaled down while it is read.

    Raises DataError, naming the file, if it is not a picture or too large for memory.
    """
    try:
        with path.open("rb") as stream, path.open("rb") as again:
            image = _open(stream, path)
            size = image.size
            step = _step(size, longer, enough)
            image.draft(None, (image.width // step, image.height // step))  # only for JPEG
            step = _step(image.size, longer, enough)
            low = _low_bytes(again, path, image)
            _check_size(path, image, step, 1 if low is None else 2)
            small = _converted(image, step, low)
            if longer is not None:
                width, height = (max(1, round(n * longer / max(size))) for n in size)
                # The last row and column of means may cover fewer pixels than the others.
                box = (0, 0, image.width / step, image.height / step)
                small = small.resize((width, height), box=box)
            return _upright(small, image)
    except DataError:
        raise
    except MemoryError:
        raise DataError(f"{path}: too large for memory; scale it down first") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        why = getattr(error, "strerror", None) or error  # without the path, named already
        raise DataError(f"{path}: cannot be read as an image: {why}") from None


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert an image to "L" or "RGB", in sRGB and upright, composited on black."""
    return _upright(_converted(image, 1), image)


def _open(stream: IO[bytes], path: Path) -> ImageFile.ImageFile:
    """Open a picture like Image.open, but without its limit of pixels.

    That limit is global to the process; `_check_size` checks the memory instead.
    """
    Image.init()
    head = stream.read(16)
    for name in Image.ID:
        factory, accepts = Image.OPEN[name]
        try:
            if accepts is None or accepts(head) is True:
                stream.seek(0)
                return factory(stream, str(path))
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue  # another format
    raise UnidentifiedImageError("unknown format; save it as PNG, JPEG or TIFF, of 8 or 16 bits")


def _step(size: tuple[int, int], longer: int | None, enough: int | None) -> int:
    """Return by how much to scale a picture down, keeping twice the wanted side; at least 1."""
    wanted = ((max(size), longer), (min(size), enough))
    return max([1, *(side // (2 * n) for side, n in wanted if n is not None)])


def _low_bytes(
    stream: IO[bytes], path: Path, image: ImageFile.ImageFile
) -> ImageFile.ImageFile | None:
    """Open a picture of 16 bits a second time, to read the low bytes of its values.

    Returns None if it has 8 bits, or Pillow reads all 16, or cannot read the low ones.
    """
    args: Any = image.tile[0].args if image.tile else ""
    found = _HIGH_BYTES.fullmatch(args if isinstance(args, str) else str(args[0]))
    if found is None:
        return None
    swapped = f"{found['mode']};16{_SWAPPED[found['order']]}"
    low = _open(stream, path)
    low.tile = [
        tile._replace(args=swapped if isinstance(args, str) else (swapped, *args[1:]))
        for tile in low.tile
        for args in [tile.args or ""]
    ]
    return low


def _check_size(path: Path, image: Image.Image, step: int, copies: int) -> None:
    """Raise DataError for a picture that is too large for memory, or for training."""
    width, height = image.size
    free = machine.free_memory()
    need = width * height * BYTES_A_PIXEL.get(image.mode, 4) * copies
    if free is not None and need > MAX_MEMORY * free:
        raise DataError(
            f"{path}: {width:,} × {height:,} pixels take {need / 1e9:.1f} GB of memory to read, "
            f"{free / 1e9:.1f} GB are free; scale it down first"
        )
    if width * height > MAX_PIXELS * step * step:
        raise DataError(
            f"{path}: {width:,} × {height:,} pixels are too many to learn from "
            f"({MAX_PIXELS:,} at most); --resize N makes it smaller"
        )


def _converted(image: Image.Image, step: int, low: Image.Image | None = None) -> Image.Image:
    """Convert an image to "L" or "RGB" in sRGB; each pixel is the mean of step × step.

    low: the same image with the low bytes of its values, if they have 16 bits.
    """
    for each in (image, low):
        if isinstance(each, TiffImageFile) and each.tile:
            # Pillow rotates a TIFF itself, but reads an uncompressed one with its sides swapped.
            each._size = (each.tag_v2[Tag.ImageWidth], each.tag_v2[Tag.ImageLength])
        if each is not None:
            each.load()
    transform = _transform(image)
    rows = max(1, STRIP // (image.width * step)) * step
    out = None
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        further = None if low is None else low.crop(box)
        strip = _converted_strip(image.crop(box), transform, further).reduce(step)
        if out is None:
            out = Image.new(strip.mode, (strip.width, -(-image.height // step)))
        out.paste(strip, (0, top // step))
    if out is None:
        raise ValueError("it has no pixels")
    return out


def _upright(converted: Image.Image, original: Image.Image) -> Image.Image:
    """Turn or mirror an image as the original's orientation tag says."""
    converted.getexif()[Tag.Orientation] = original.getexif().get(Tag.Orientation, 1)
    return ImageOps.exif_transpose(converted)


def _transform(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
    """Return a transform of the image's colours to sRGB; None if they are sRGB or unknown."""
    mode = _colour_mode(image)
    profile = image.info.get("icc_profile")
    try:
        if profile:
            own = ImageCms.ImageCmsProfile(BytesIO(profile))
        elif mode == "LAB":
            own = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        else:
            return None
        found = ImageCms.buildTransform(
            own,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None  # as browsers do if a profile is damaged or for another mode
    return None if mode == "RGB" and _changes_nothing(found) else found


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Return whether colours are in sRGB already; the name of a profile does not tell."""
    cube = 17 * np.indices((16, 16, 16)).reshape(3, 16, 256).transpose(1, 2, 0)
    return bool(np.abs(_colours(_image(cube, "RGB"), transform) - cube).max() <= 1)


def _colour_mode(image: Image.Image) -> str:
    """Return the 8-bit mode of the image's colours without alpha: L, RGB, CMYK or LAB."""
    if image.mode in ("CMYK", "LAB"):
        return image.mode
    grey = image.mode[0] in "1LFI"
    return "L" if grey else "RGB"


def _converted_strip(
    strip: Image.Image,
    transform: ImageCms.ImageCmsTransform | None,
    low: Image.Image | None,
) -> Image.Image:
    """Convert a part of an image to "L" or "RGB" in sRGB, composited on black.

    low: the same part with the low bytes of its values, if they have 16 bits.
    """
    mode = _colour_mode(strip)
    alpha = None
    if strip.mode[0] in "FI":  # float from 0 to 1, or 16 bits of grey
        full = 65535.0 if strip.mode == "F" else 1.0
        values = np.rint(np.clip(np.asarray(strip, np.float64) * full, 0, 65535))
        strip = _from_16_bits(values.astype(np.uint16), mode, transform)
    else:
        if strip.has_transparency_data:
            strip = strip.convert("LA" if mode == "L" else "RGBA")
            alpha = strip.getchannel("A")
        strip = strip.convert(mode)
        if low is not None:
            values = np.asarray(strip).astype(np.uint16) << 8 | np.asarray(low.convert(mode))
            strip = _from_16_bits(values, mode, transform)
        elif transform is not None:
            strip = ImageCms.applyTransform(strip, transform) or strip
    strip = strip.convert("L" if mode == "L" else "RGB")
    if alpha is not None:
        strip = Image.composite(strip, Image.new(strip.mode, strip.size), alpha)
    return strip


def _from_16_bits(
    values: NDArray[np.uint16], mode: str, transform: ImageCms.ImageCmsTransform | None
) -> Image.Image:
    """Convert values of 16 bits, (height, width) or (height, width, channels), to 8 in sRGB.

    Pillow's LittleCMS converts 8 bits. Between two of them each channel is interpolated: at most
    one step of 255 from a conversion in 16 bits, even from linear light.
    """
    if transform is None:
        return _image(np.rint(values * np.float32(1 / _STEP)), mode)
    below, rest = np.divmod(values, _STEP)
    base = _colours(_image(below, mode), transform)
    mixed = base.copy()
    for part in range(1 if mode == "L" else values.shape[2]):
        one = ... if mode == "L" else (..., part)
        above = below.copy()
        above[one] += above[one] < 255
        share = rest[one][..., None] * np.float32(1 / _STEP)
        mixed += (_colours(_image(above, mode), transform) - base) * share
    return _image(np.rint(np.clip(mixed, 0, 255)), "RGB")


def _image(values: NDArray[Any], mode: str) -> Image.Image:
    """Return an image of values from 0 to 255, (height, width) or (height, width, channels)."""
    height, width = values.shape[:2]
    return Image.frombytes(mode, (width, height), values.astype(np.uint8).tobytes())


def _colours(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> NDArray[np.float32]:
    """Convert an image to sRGB (height, width, 3), from 0 to 255."""
    return np.asarray(ImageCms.applyTransform(image, transform), np.float32)
