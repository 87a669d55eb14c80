"""A trained model's encoder and training images."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from tilecppn.cppn.encoder import Encoder
from tilecppn.cppn.weights_file import KEY, TRAINING, metadata
from tilecppn.errors import DataError, WeightsError
from tilecppn.notebook.images import BORDER, encoder_input
from tilecppn.train.data.images import Images
from tilecppn.train.data.sources import WORDS, read_data


@dataclass(frozen=True)
class TrainedModel:
    """A model file written by `tilecppn train`; its parts are read when first used.

    data: the folder of its training images, or the images themselves; by default the source, such
    as `digits`, that the file names. random: chooses among the images.
    """

    path: Path
    data: str | Images | None = None
    random: np.random.Generator = field(default_factory=np.random.default_rng)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder. Raises WeightsError if the model has none."""
        return Encoder.load(self.path)

    @cached_property
    def images(self) -> Images:
        """The images the model was trained on. Raises DataError if they cannot be found."""
        if isinstance(self.data, Images):
            return self.data
        source = self.data or self.record.get("data")
        if self.data is None and source not in WORDS:
            raise DataError(f"{self.path}: say where its images are: Sampler.load(…, data=FOLDER)")
        return read_data(str(source))

    @cached_property
    def record(self) -> dict[str, object]:
        """The training's record in the file: data, size, settings.

        Raises WeightsError if it is damaged.
        """
        try:
            note = json.loads(metadata(self.path.read_bytes())[KEY])
            return dict(note.get(TRAINING, {}))
        except (ValueError, TypeError, KeyError) as error:
            raise WeightsError(f"{self.path}: its note of the training is damaged") from error

    def encode(self, image: ArrayLike | Image.Image) -> NDArray[np.float64]:
        """Find the latent (z_dim,) of an image.

        image: an array (height, width) or (height, width, channels) with values in 0 … 1, or 0 …
        255 if uint8; or a Pillow image. Its central square is scaled to the encoder's size; an
        image at most BORDER pixels larger than that is cropped instead.

        Raises InvalidRequestError for another shape, WeightsError without an encoder.
        """
        return self.encoder(encoder_input(image, self.encoder.side, self.encoder.channels))

    def random_image(self, label: str | int | None = None) -> NDArray[np.float32]:
        """Return a random training image (size, size, channels) with values in 0 … 1.

        label: choose among the images with this label. Raises DataError if there are none.
        """
        images = self.images
        indices = np.arange(len(images)) if label is None else images.labelled(str(label))
        chosen = self.random.choice(indices, 1)
        size = self.record.get("size", images.shortest_side - BORDER)
        if not isinstance(size, int) or size > images.shortest_side:
            raise DataError(f"{images.source}: is not what {self.path} was trained on")
        cut = images.crops(chosen, size, self.random.random((1, 2)))
        return np.asarray(cut[0])
