"""scikit-learn's 1,797 handwritten digits, 8 × 8, available without a download.

They come from the UCI "Optical Recognition of Handwritten Digits" set: 32 × 32 bitmaps whose ink
was counted in cells of 4 × 4, hence values 0 … 16. MNIST's ink fills 20 × 20 of 28 × 28; to match
it, the digits get a border of one black cell (10 × 10, so that ink at an edge fades out), are
scaled to 24 × 24 (bicubic, clamped), and get a black margin of 2 pixels: ink of 19 × 19.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tilecppn.errors import DataError
from tilecppn.train.data.images import Images

INNER, MARGIN = 24, 2  # 24 + 2·2 = 28


def read_digits() -> Images:
    """Return 1,797 images of 28 × 28 with labels 0 … 9. Raises DataError without scikit-learn."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError('digits: needs scikit-learn: pip install "tilecppn[train]"') from None
    small = load_digits()
    pixels = np.stack([_enlarged(cells) for cells in small.images.astype(np.float32)])
    names = tuple(str(name) for name in small.target_names)
    return Images("digits", pixels[..., None], small.target.astype(np.int64), names)


def _enlarged(cells: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Convert float32 (8, 8) in 0 … 16 to uint8 (28, 28)."""
    ink = Image.fromarray(np.pad(cells * np.float32(255 / 16), 1))
    inner = np.asarray(ink.resize((INNER, INNER), Image.Resampling.BICUBIC))
    return np.pad(np.rint(np.clip(inner, 0, 255)).astype(np.uint8), MARGIN)
