"""A data set in memory: images of one size, with optional labels."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import DataError

MAX_BYTES = 2**33  # of pixels kept in memory


@dataclass(frozen=True)
class Images:
    """`pixels` is uint8 (n, height, width, channels), with 1 or 3 channels; 255 means 1.0.

    `labels`, int64 (n,), are indices into `names`; None for unlabelled data.
    """

    source: str  # as the user named it: "digits", a folder
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    names: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def channels(self) -> int:
        """The number of channels: 1 for grey, 3 for colour."""
        return int(self.pixels.shape[3])

    @property
    def shortest_side(self) -> int:
        """The smaller of height and width, in pixels."""
        return int(min(self.pixels.shape[1:3]))

    @cached_property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of shape and pixels; it identifies a training's data."""
        digest = hashlib.sha256(repr(self.pixels.shape).encode())
        digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.hexdigest()

    def crops(
        self, indices: NDArray[np.int64], size: int, places: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return square crops (n, size, size, channels) in [0, 1] of the images `indices`.

        `places`, (n, 2) in [0, 1), gives the position of each crop: 0 … (side - size) on each axis,
        equally likely if `places` is uniform. The originals crop 26 × 26 from 28 × 28.
        """
        room = np.array(self.pixels.shape[1:3]) - size + 1
        corners = (places * room).astype(np.int64)
        steps = np.arange(size)
        rows = (corners[:, :1] + steps)[:, :, None]
        columns = (corners[:, 1:] + steps)[:, None, :]
        cut = self.pixels[indices[:, None, None], rows, columns].astype(np.float32)
        return np.asarray(cut / np.float32(255))

    def centre(self, indices: NDArray[np.int64], size: int) -> NDArray[np.float32]:
        """Return the central square (n, size, size, channels) in [0, 1] of each image."""
        return self.crops(indices, size, np.full((len(indices), 2), 0.5))

    def labelled(self, label: str) -> NDArray[np.int64]:
        """Return the indices of the images with a label, by its name. Raises DataError if it is
        unknown.
        """
        if self.labels is None:
            raise DataError(f"{self.source}: its images have no labels")
        if label not in self.names:
            known = ", ".join(self.names)
            raise DataError(f'{self.source}: no label "{label}"; known: {known}')
        return np.flatnonzero(self.labels == self.names.index(label))
