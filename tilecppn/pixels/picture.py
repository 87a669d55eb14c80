"""A small image in memory: a NumPy array that notebooks display as an image."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Picture(np.ndarray[tuple[int, ...], np.dtype[np.uint8]]):
    """A uint8 array (height, width, channels) that notebooks display; so are slices of it.

    Results of computations are plain arrays. profile: the colour space, one of
    `tilecppn.scene.profiles.PROFILES`.
    """

    profile: str

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], profile: str = "srgb") -> "Picture":
        """Return a view of a uint8 array (height, width, channels) as a picture."""
        picture = pixels.view(cls)
        picture.profile = profile
        return picture

    def __array_finalize__(self, made_from: Any) -> None:
        self.profile = getattr(made_from, "profile", "srgb")

    def __array_wrap__(
        self, array: NDArray[Any], context: Sequence[Any] | None = None, return_scalar: bool = False
    ) -> Any:
        return array[()] if return_scalar else np.asarray(array)
