"""Image files as other programs read them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image


def by_vips(file: Path | bytes, **options: Any) -> NDArray[Any]:
    """(height, width, channels), in the depth of the file."""
    data = file if isinstance(file, bytes) else file.read_bytes()
    image = pyvips.Image.new_from_buffer(data, "", **options)
    pixels: NDArray[Any] = image.numpy()
    return pixels.reshape(image.height, image.width, image.bands)


def by_pillow(file: Path | bytes) -> NDArray[Any]:
    """(height, width, channels); RGB of 16 bits as 8."""
    with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
        return np.asarray(image).reshape(image.height, image.width, -1)
