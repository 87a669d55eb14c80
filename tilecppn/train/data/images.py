"""A data set in memory: images of one size, and their labels if there are any."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import DataError

MAX_BYTES = 2**33  # of pixels kept in memory


@dataclass(frozen=True)
class Images:
    """`pixels` uint8 (n, height, width, channels), channels 1 or 3; 255 is the value 1.

    `labels` int64 (n,) indexes `names`; None where the data have none.
    """

    source: str  # what a person called it: "digits", a folder
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    names: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return int(self.pixels.shape[3])

    @property
    def shortest_side(self) -> int:
        """The smaller of height and width, in pixels."""
        return int(min(self.pixels.shape[1:3]))

    @cached_property
    def sha256(self) -> str:
        """Of shape and pixels, hexadecimal: which data a training was made with."""
        digest = hashlib.sha256(repr(self.pixels.shape).encode())
        digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.hexdigest()

    def crops(
        self, indices: NDArray[np.int64], size: int, places: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Squares (n, size, size, channels) in [0, 1] of the images `indices`.

        places (n, 2) in [0, 1) says where each is cut: 0 … (side - size) on each axis, equally
        likely where `places` is uniform. The originals cut 26 × 26 from 28 × 28.
        """
        room = np.array(self.pixels.shape[1:3]) - size + 1
        corners = (places * room).astype(np.int64)
        steps = np.arange(size)
        rows = (corners[:, :1] + steps)[:, :, None]
        columns = (corners[:, 1:] + steps)[:, None, :]
        cut = self.pixels[indices[:, None, None], rows, columns].astype(np.float32)
        return np.asarray(cut / np.float32(255))

    def centre(self, indices: NDArray[np.int64], size: int) -> NDArray[np.float32]:
        """Squares (n, size, size, channels) in [0, 1] from the middle of each image."""
        return self.crops(indices, size, np.full((len(indices), 2), 0.5))

    def labelled(self, label: str) -> NDArray[np.int64]:
        """Indices of the images of a label, by its name. Raises DataError if there are none."""
        if self.labels is None:
            raise DataError(f"{self.source}: its images have no labels")
        if label not in self.names:
            known = ", ".join(self.names)
            raise DataError(f'{self.source}: no label "{label}"; known: {known}')
        return np.flatnonzero(self.labels == self.names.index(label))
