"""Reads picture files as viewers show them: upright, in sRGB, in 8 bits, in bounded memory.

Everything that takes a picture reads it with `read_picture`.
"""

import struct
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import TiffImageFile

from tilecppn import machine
from tilecppn.errors import DataError

MAX_PIXELS = 2**28  # of a picture, after it was scaled down
MAX_MEMORY = 0.75  # of the free memory
STRIP = 2**22  # pixels converted at a time
BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2}  # in Pillow's memory; 4 in other modes


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
        with path.open("rb") as stream:
            image = _open(stream, path)
            size = image.size
            step = _step(size, longer, enough)
            image.draft(None, (image.width // step, image.height // step))  # only for JPEG
            step = _step(image.size, longer, enough)
            _check_size(path, image, step)
            small = _converted(image, step)
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


def _check_size(path: Path, image: Image.Image, step: int) -> None:
    """Raise DataError for a picture that is too large for memory, or for training."""
    width, height = image.size
    free = machine.free_memory()
    need = width * height * BYTES_A_PIXEL.get(image.mode, 4)
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


def _converted(image: Image.Image, step: int) -> Image.Image:
    """Convert an image to "L" or "RGB" in sRGB; each pixel is the mean of step × step."""
    if isinstance(image, TiffImageFile) and image.tile:
        # Pillow rotates a TIFF itself, but reads an uncompressed one with its sides swapped.
        image._size = (image.tag_v2[Tag.ImageWidth], image.tag_v2[Tag.ImageLength])
    image.load()
    transform = _transform(image)
    rows = max(1, STRIP // (image.width * step)) * step
    out = None
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        strip = _converted_strip(image.crop(box), transform).reduce(step)
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
        if ImageCms.getProfileDescription(own).startswith("sRGB"):
            return None
        return ImageCms.buildTransform(
            own,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None  # as browsers do if a profile is damaged or for another mode


def _colour_mode(image: Image.Image) -> str:
    """Return the 8-bit mode of the image's colours without alpha: L, RGB, CMYK or LAB."""
    if image.mode in ("CMYK", "LAB"):
        return image.mode
    grey = image.mode[0] in "1LFI"
    return "L" if grey else "RGB"


def _converted_strip(
    strip: Image.Image, transform: ImageCms.ImageCmsTransform | None
) -> Image.Image:
    """Convert a part of an image to "L" or "RGB" in sRGB, composited on black."""
    mode = _colour_mode(strip)
    if strip.mode[0] in "FI":  # float from 0 to 1, or 16 bits of grey
        full = 1.0 if strip.mode == "F" else 65535.0
        values = np.asarray(strip, np.float64) * (255.0 / full)
        strip = Image.fromarray(np.rint(np.clip(values, 0, 255)).astype(np.uint8))
    alpha = None
    if strip.has_transparency_data:
        strip = strip.convert("LA" if mode == "L" else "RGBA")
        alpha = strip.getchannel("A")
    strip = strip.convert(mode)
    if transform is not None:
        strip = ImageCms.applyTransform(strip, transform) or strip
    strip = strip.convert("L" if mode == "L" else "RGB")
    if alpha is not None:
        strip = Image.composite(strip, Image.new(strip.mode, strip.size), alpha)
    return strip
