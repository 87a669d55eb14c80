"""Read a folder of images; the names of its sub-folders, if any, are the labels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tilecppn.errors import DataError
from tilecppn.pictures import read_picture
from tilecppn.train.data.images import MAX_BYTES, Images

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}


def square(image: Image.Image, side: int) -> Image.Image:
    """Crop the largest central square, and scale it to side × side."""
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    box = (left, top, left + edge, top + edge)
    return image.resize((side, side), Image.Resampling.LANCZOS, box=box)


def read_folder(folder: Path, source: str, resize: int | None) -> Images:
    """Read all images below `folder`: in colour if any of them is, otherwise in grey.

    source: the folder as the user named it. resize: crop each image to a square of that side;
    without it all must have the same size.

    Raises DataError, naming the file, if one is not an image or sizes differ.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise DataError(f"{folder}: holds no images ({', '.join(sorted(SUFFIXES))})")
    images = [_read(path, resize) for path in paths]
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


def _read(path: Path, resize: int | None) -> Image.Image:
    image = read_picture(path, enough=resize)
    return image if resize is None else square(image, resize)


def _labels(folder: Path, paths: list[Path]) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Return the label indices and names: the folder below `folder` in which each image lies.

    Returns None and no names if any image lies directly in `folder`.
    """
    parts = [path.relative_to(folder).parts for path in paths]
    if any(len(p) == 1 for p in parts):
        return None, ()
    names = tuple(sorted({p[0] for p in parts}))
    return np.array([names.index(p[0]) for p in parts], np.int64), names
