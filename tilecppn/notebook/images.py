"""Convert pictures to 8-bit Pillow images and to input for an encoder."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from tilecppn.errors import InvalidRequestError
from tilecppn.pictures import to_srgb
from tilecppn.pixels.quantise import to_uint8

BORDER = 2  # pixels: images larger by no more are cropped, as in training; others are scaled


def to_image(picture: ArrayLike, *, invert: bool) -> Image.Image:
    """Convert a picture to a Pillow image of 8 bits, "L" or "RGB".

    picture: (height, width), (height, width, 1) or (height, width, 3), with values in 0 … 1, or
    0 … 255 if uint8. invert: convert 1 - picture.

    Raises InvalidRequestError for another shape.
    """
    values = np.asarray(picture)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] == 3)):
        raise InvalidRequestError(f"image of shape {values.shape}: must be (height, width, 1 or 3)")
    if values.dtype == np.uint8:
        return Image.fromarray(255 - values if invert else values)
    values = values.astype(np.float32)
    return Image.fromarray(to_uint8(1 - values if invert else values))


def encoder_input(image: ArrayLike | Image.Image, side: int, channels: int) -> NDArray[np.float64]:
    """Convert an image to an encoder's input: (side, side, channels) in 0 … 1.

    Raises InvalidRequestError unless it is (height, width) or (height, width, 1 or 3).
    """
    pixels = np.asarray(to_srgb(image) if isinstance(image, Image.Image) else image)
    if pixels.dtype == np.uint8:
        pixels = pixels / 255.0
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        raise InvalidRequestError(f"image of shape {pixels.shape}: must be (height, width, 1 or 3)")
    if pixels.shape[2] > channels:
        pixels = pixels.astype(np.float64) @ [[0.299], [0.587], [0.114]]  # ITU-R BT.601 luma
    pixels = np.broadcast_to(pixels.astype(np.float64), (*pixels.shape[:2], channels))
    edge = side if 0 <= min(pixels.shape[:2]) - side <= BORDER else min(pixels.shape[:2])
    top, left = ((n - edge) // 2 for n in pixels.shape[:2])
    middle = pixels[top : top + edge, left : left + edge]
    return (
        middle
        if edge == side
        else np.stack([_scaled(middle[..., c], side) for c in range(channels)], axis=-1)
    )


def _scaled(plane: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    image = Image.fromarray(plane.astype(np.float32))
    scaled = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS), np.float64)
    return np.clip(scaled, 0.0, 1.0)
