"""What moves on a page: the latent and the view of a film, at so many moments."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Motion(NamedTuple):
    """A film of one scene, whose own view and latent are those of the first moment.

    moments (n, 4 + z_dim) float64, equally spaced over `seconds`, n at least 2: how far the view's
    centre has gone, to the right and down in plane units before the scene's rotation; log2 of how
    many times closer it is; degrees turned; the latent.
    """

    seconds: float
    loop: bool
    moments: NDArray[np.float64]

    def facts(self) -> dict[str, Any]:
        """What the page's scripts read, beside `numbers`."""
        return {"seconds": self.seconds, "loop": self.loop, "moments": len(self.moments)}

    def numbers(self) -> NDArray[np.float32]:
        """The columns, one after the other; those of the centre also in what float32 leaves."""
        center, rest = self.moments[:, :2], self.moments[:, 2:]
        left = center - center.astype(np.float32)
        return np.concatenate([center, left, rest], axis=1).T.astype("<f4").ravel()
