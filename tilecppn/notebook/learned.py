"""What a trained model can do beside drawing: encode images, and show those it learned from."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from tilecppn.cppn.encoder import Encoder
from tilecppn.cppn.weights_file import KEY, TRAINING, metadata
from tilecppn.errors import DataError, InvalidRequestError, WeightsError
from tilecppn.train.data.images import Images
from tilecppn.train.data.sources import WORDS, read_data

BORDER = 2  # images that are larger by so little are cut, as in training; others are scaled


@dataclass(frozen=True)
class Learned:
    """The companions of a model file's generator. `data` is where its images are now."""

    path: Path
    data: str | Images | None = None
    random: np.random.Generator = field(default_factory=np.random.default_rng)

    @cached_property
    def encoder(self) -> Encoder:
        """Raises WeightsError for a model without one."""
        return Encoder.load(self.path)

    @cached_property
    def images(self) -> Images:
        """What the model was trained on. Raises DataError if that has to be said."""
        if isinstance(self.data, Images):
            return self.data
        source = self.data or self.record.get("data")
        if self.data is None and source not in WORDS:
            raise DataError(f"{self.path}: say where its images are: Sampler.load(…, data=FOLDER)")
        return read_data(str(source))

    @cached_property
    def record(self) -> dict[str, object]:
        """What the training noted in the file: data, size, settings."""
        try:
            note = json.loads(metadata(self.path.read_bytes())[KEY])
            return dict(note.get(TRAINING, {}))
        except (ValueError, TypeError, KeyError) as error:
            raise WeightsError(f"{self.path}: its note of the training is damaged") from error

    def encode(self, image: ArrayLike | Image.Image) -> NDArray[np.float64]:
        """The latent (z_dim,) of an image: (height, width) or (height, width, channels).

        Values 0 … 1, or 0 … 255 if uint8; a Pillow image likewise. Of the encoder's own size as
        it is; up to BORDER pixels larger, its middle; else the middle square is scaled.
        """
        return self.encoder(fitted(image, self.encoder.side, self.encoder.channels))

    def get_random(self, label: str | int | None = None) -> NDArray[np.float32]:
        """A random image (size, size, channels) in 0 … 1 that the model was trained on.

        label: one of that label. Raises DataError where there are none.
        """
        images = self.images
        indices = np.arange(len(images)) if label is None else images.labelled(str(label))
        chosen = self.random.choice(indices, 1)
        size = self.record.get("size", images.shortest_side - BORDER)
        if not isinstance(size, int) or size > images.shortest_side:
            raise DataError(f"{images.source}: is not what {self.path} was trained on")
        cut = images.crops(chosen, size, self.random.random((1, 2)))
        return np.asarray(cut[0])


def fitted(image: ArrayLike | Image.Image, side: int, channels: int) -> NDArray[np.float64]:
    """An image as an encoder sees it: (side, side, channels) in 0 … 1."""
    pixels = np.asarray(image)
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
