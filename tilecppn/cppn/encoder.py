"""The encoder of a trained model, which maps an image to its latent, in float64 NumPy.

Training saves it beside the generator in the weights file, under `encoder.`: two softplus layers
and a linear one, which gives the latent's mean.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.network import CPPN
from tilecppn.errors import SceneError, WeightsError

LAYERS = ("encoder.hidden.0", "encoder.hidden.1", "encoder.mean")


@dataclass(frozen=True, eq=False)
class Encoder:
    """An encoder of images of side × side × channels.

    layers: (weight, bias) of shape (out, in) and (out,).
    """

    layers: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
    side: int
    channels: int

    @classmethod
    def load(cls, path: str | Path) -> "Encoder":
        """Load the encoder in a model file. Raises WeightsError, naming the file, without one."""
        from safetensors.numpy import load_file

        cppn = CPPN.load(path)
        tensors = load_file(path)
        if not any(name.startswith("encoder.") for name in tensors):
            raise WeightsError(f"{path}: has no encoder; train with --model vae or gan-vae")
        try:
            pairs = [(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in LAYERS]
            layers = tuple((w.astype(np.float64), b.astype(np.float64)) for w, b in pairs)
            inputs = layers[0][0].shape[1]
            side = math.isqrt(inputs // cppn.channels)
            h = np.zeros(side * side * cppn.channels)
            for w, b in layers:
                h = w @ h + b
        except (KeyError, ValueError, IndexError) as error:
            raise WeightsError(f"{path}: its encoder is incomplete ({error})") from None
        if h.shape != (cppn.structure.z_dim,) or not np.isfinite(h).all():
            raise WeightsError(f"{path}: its encoder does not fit its generator, or holds NaN")
        return cls(layers, side, cppn.channels)

    def __call__(self, image: ArrayLike) -> NDArray[np.float64]:
        """Encode an image (side, side) or (side, side, channels) in [0, 1]; return z (z_dim,).

        Raises SceneError for another shape.
        """
        pixels = np.asarray(image, np.float64)
        shape = (self.side, self.side, self.channels)
        if pixels.shape not in (shape, shape[:2] if self.channels == 1 else shape):
            raise SceneError(f"image of shape {pixels.shape}: must be {shape}")
        h = pixels.ravel()
        *hidden, (mean, offset) = self.layers
        for w, b in hidden:
            h = ACTIVATIONS["softplus"].function(w @ h + b)
        return np.asarray(mean @ h + offset)
