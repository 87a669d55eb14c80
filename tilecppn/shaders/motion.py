"""The motion that a page plays: latent and view of a film at equally spaced moments."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Motion(NamedTuple):
    """The moving values of a film; the scene's own view and latent are those of the first moment.

    moments: float64 (n, 4 + z_dim), n at least 2, equally spaced over `seconds`. The columns are
    the shift of the view's centre to the right and down, in plane units before the scene's
    rotation; log2 of the zoom factor; the rotation in degrees; the latent.
    """

    seconds: float
    loop: bool
    moments: NDArray[np.float64]

    def config(self) -> dict[str, Any]:
        """Return what the page's scripts read of it, apart from `numbers`."""
        return {"seconds": self.seconds, "loop": self.loop, "moments": len(self.moments)}

    def numbers(self) -> NDArray[np.float32]:
        """Return the columns one after the other in float32, those of the centre as two float32
        each, whose sum is more exact.
        """
        center, rest = self.moments[:, :2], self.moments[:, 2:]
        left = center - center.astype(np.float32)
        return np.concatenate([center, left, rest], axis=1).T.astype("<f4").ravel()
