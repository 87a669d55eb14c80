"""The model file of a training: the generator as an ordinary weights file, plus the other networks.

Tensors under `encoder.` and `discriminator.` accompany the generator's; rendering ignores them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tilecppn.cppn import CPPN, PRESETS
from tilecppn.cppn.weights_file import encode
from tilecppn.train.networks import Discriminator, Encoder, Generator
from tilecppn.train.settings import Settings

PRESET = "hardmaru-gan-vae"


class Networks(NamedTuple):
    """Generator, encoder and discriminator; a GAN has no encoder, a VAE no discriminator."""

    g: Generator
    q: Encoder | None
    d: Discriminator | None

    @classmethod
    def fresh(cls, settings: Settings, size: int, channels: int) -> "Networks":
        """Create networks with the seed's initial weights, for images of size × size × channels."""
        s = settings
        inputs = size * size * channels
        return cls(
            Generator(fresh_generator(s, channels)),
            None
            if s.model == "gan"
            else Encoder(inputs, s.encoder_width, s.z_dim, s.keep_prob, s.seed),
            None
            if s.model == "vae"
            else Discriminator(size, channels, s.discriminator_width, s.seed),
        )

    def to(self, device: torch.device) -> "Networks":
        """Move all networks to a device."""
        return Networks(
            self.g.to(device), self.q and self.q.to(device), self.d and self.d.to(device)
        )

    def companions(self) -> dict[str, nn.Module]:
        """Return encoder and discriminator by the prefixes of their tensors."""
        both = {"encoder": self.q, "discriminator": self.d}
        return {name: module for name, module in both.items() if module is not None}

    def to_bytes(self, training: Mapping[str, Any]) -> bytes:
        """Return the bytes of the model file; `training` is recorded in it."""
        tensors = {
            f"{name}.{key}": tensor.detach().cpu().numpy()
            for name, module in self.companions().items()
            for key, tensor in module.state_dict().items()
        }
        cppn = self.g.cppn()
        return encode(cppn.structure, cppn.layers, tensors, training)

    def load(self, tensors: dict[str, NDArray[np.float32]]) -> None:
        """Load all weights from a model file's tensors. Raises RuntimeError or KeyError."""
        with torch.no_grad():
            for i, (w, b) in enumerate(zip(self.g.weights, self.g.biases, strict=True)):
                w.copy_(torch.tensor(tensors[f"layers.{i}.weight"]))
                b.copy_(torch.tensor(tensors[f"layers.{i}.bias"]))
        for name, module in self.companions().items():
            prefix = f"{name}."
            module.load_state_dict(
                {
                    key.removeprefix(prefix): torch.tensor(tensor)
                    for key, tensor in tensors.items()
                    if key.startswith(prefix)
                }
            )


def fresh_generator(settings: Settings, channels: int) -> CPPN:
    """Return the untrained generator: every weight and bias ~ N(0, deviation)."""
    s = settings
    drawn = CPPN.from_preset(
        PRESET,
        seed=s.seed,
        channels=channels,
        z_dim=s.z_dim,
        width=s.width,
        activations=s.activations,
        residual=s.residual,
    )
    own = drawn.structure
    structure = replace(own, latent_scale=s.scale, view={**own.view, "scale": s.scale})
    factor = s.deviation / PRESETS[PRESET].weights.b
    return CPPN(structure, [(w * factor, b * factor) for w, b in drawn.layers])
