"""A folder of images; sub-folders, where there are any, are the labels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tilecppn.errors import DataError
from tilecppn.train.data.images import MAX_BYTES, Images

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
MAX_PIXELS = 2**28  # of one image


def open_image(path: Path) -> Image.Image:
    """An image, decoded, as "L" or "RGB"; transparency lies on black.

    Raises DataError, naming the file.
    """
    try:
        with Image.open(path) as file:
            if file.width * file.height > MAX_PIXELS:
                raise DataError(f"{path}: {file.width} × {file.height}: too large to learn from")
            if file.mode in ("1", "L"):
                return file.convert("L")
            if file.mode.startswith("I"):  # 16 bits of grey
                grey = np.asarray(file, np.float64) / 257.0
                return Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))
            rgba = file.convert("RGBA")
    except DataError:
        raise
    except OSError as error:  # also what Pillow cannot identify
        raise DataError(f"{path}: cannot be read as an image: {error}") from None
    except (ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as an image: {error}") from None
    black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, rgba).convert("RGB")


def square(image: Image.Image, side: int) -> Image.Image:
    """The largest square of the middle, scaled to side × side."""
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    box = (left, top, left + edge, top + edge)
    return image.resize((side, side), Image.Resampling.LANCZOS, box=box)


def read_folder(folder: Path, source: str, resize: int | None) -> Images:
    """All images below `folder`; in colour if one of them is, grey otherwise.

    `resize` makes squares of that side of them; without it all must have one size.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise DataError(f"{folder}: holds no images ({', '.join(sorted(SUFFIXES))})")
    images = [_sized(open_image(path), resize) for path in paths]
    first = images[0].size
    for path, image in zip(paths, images, strict=True):
        if image.size != first:
            raise DataError(
                f"{path}: {image.width} × {image.height}, but {paths[0].name} is "
                f"{first[0]} × {first[1]}; --resize N makes all of them N × N"
            )
    mode = "RGB" if any(image.mode == "RGB" for image in images) else "L"
    channels = 3 if mode == "RGB" else 1
    if len(images) * first[0] * first[1] * channels > MAX_BYTES:
        raise DataError(f"{folder}: too many pixels for memory; --resize N makes them smaller")
    pixels = np.stack([np.asarray(image.convert(mode)) for image in images])
    return Images(source, pixels.reshape(*pixels.shape[:3], channels), *_labels(folder, paths))


def _sized(image: Image.Image, resize: int | None) -> Image.Image:
    return image if resize is None else square(image, resize)


def _labels(folder: Path, paths: list[Path]) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """The first folder below `folder` that each image lies in; none if one lies in none."""
    parts = [path.relative_to(folder).parts for path in paths]
    if any(len(p) == 1 for p in parts):
        return None, ()
    names = tuple(sorted({p[0] for p in parts}))
    return np.array([names.index(p[0]) for p in parts], np.int64), names
