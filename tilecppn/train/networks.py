"""The three networks of CPPN + GAN + VAE as torch modules.

Ha, "Generating Large Images from Latent Vectors" (2016); its names: G generator, Q encoder,
D discriminator. Shapes: B images of a batch, P points of an image, C channels, Z the latent's
length. Initial weights come from tilecppn's seeded generator, so they are the same everywhere.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tilecppn.cppn import CPPN, Distribution
from tilecppn.cppn.seeding import inverse_normal, uniforms
from tilecppn.train.noise import Stream

BN_EPSILON = 1e-5
_TWO_SIGMA = 0.022750131948179195  # the normal distribution function at -2

# The functions of cppn.ACTIVATIONS in differentiable form.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "relu": torch.relu,
    "leaky-relu": lambda x: F.leaky_relu(x, 0.2),
    "sin": torch.sin,
    "cos": torch.cos,
    "gaussian": lambda x: torch.exp(-x * x),
    "abs": torch.abs,
    "square": torch.square,
    "identity": lambda x: x,
    "half-sine": lambda x: 0.5 * torch.sin(x) + 0.5,
    "sigmoid-sin": lambda x: torch.sigmoid(torch.sin(x)),
    # 1 - tanh|x| = 2·sigmoid(-2|x|), which avoids cancellation.
    "sqrt-tanh": lambda x: torch.sqrt(2.0 * torch.sigmoid(-2.0 * x.abs())),
}


class Generator(nn.Module):
    """A trainable CPPN: many latents at once, all at the same points."""

    def __init__(self, cppn: CPPN) -> None:
        super().__init__()
        self.structure = cppn.structure
        self.weights = nn.ParameterList([torch.tensor(w) for w, _ in cppn.layers])
        self.biases = nn.ParameterList([torch.tensor(b) for _, b in cppn.layers])

    def forward(self, points: Tensor, z: Tensor) -> Tensor:
        """Map points (P, 3) of x, y, r and z (B, Z), before latent_scale, to (B, P, C)."""
        w, b = self.weights[0], self.biases[0]
        n = points.shape[1]
        with torch.autocast(points.device.type, enabled=False):
            # In bfloat16 neighbouring points would coincide: 8 bits cannot distinguish 512.
            latent = F.linear(z.float() * self.structure.latent_scale, w[:, n:], b)  # (B, width)
            total = F.linear(points, w[:, :n]) + latent[:, None]  # (B, P, width)
        first, *names = self.structure.activations
        h = ACTIVATIONS[first](total)
        for w, b, name in zip(self.weights[1:-1], self.biases[1:-1], names, strict=True):
            activated = ACTIVATIONS[name](F.linear(h, w, b))
            h = h + activated if self.structure.residual else activated
        with torch.autocast(points.device.type, enabled=False):
            # The loss takes the logarithm of 1 - p.
            total = F.linear(h.float(), self.weights[-1], self.biases[-1])
            return ACTIVATIONS[self.structure.output](total)

    def cppn(self) -> CPPN:
        """Return the current weights as an ordinary CPPN."""
        pairs = zip(self.weights, self.biases, strict=True)
        return CPPN(self.structure, [(_numpy(w), _numpy(b)) for w, b in pairs])


class Encoder(nn.Module):
    """Q: image → mean and log variance of its latent. Two softplus layers with dropout."""

    def __init__(self, inputs: int, width: int, z_dim: int, keep: float, seed: int) -> None:
        super().__init__()
        self.keep = keep
        self.hidden = nn.ModuleList([nn.Linear(inputs, width), nn.Linear(width, width)])
        self.mean = nn.Linear(width, z_dim)
        self.log_variance = nn.Linear(width, z_dim)
        streams = iter(range(Stream.ENCODER, Stream.ENCODER + 4))
        for layer in (*self.hidden, self.mean, self.log_variance):
            _initialise(layer, Distribution("normal", 0.0, 0.02).quantile, seed, streams)

    def forward(self, images: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """Map images (B, height, width, C) in [0, 1] to mean and log variance, both (B, Z)."""
        h = images.flatten(1)
        for layer in self.hidden:
            h = _dropout(F.softplus(layer(h)), self.keep, noise)
        return self.mean(h).float(), self.log_variance(h).float()


class Discriminator(nn.Module):
    """D: image → probability that it is real. Three convolutions and a linear layer."""

    def __init__(self, size: int, channels: int, width: int, seed: int) -> None:
        super().__init__()
        widths = [channels, width, 2 * width, 4 * width]
        self.conv = nn.ModuleList([nn.Conv2d(a, b, 5, stride=2) for a, b in pairwise(widths)])
        self.norm = nn.ModuleList([BatchNorm(n) for n in widths[2:]])
        side = -(-size // 8)  # halved three times, rounded up: 26 → 13 → 7 → 4
        self.linear = nn.Linear(side * side * widths[3], 1)
        streams = iter(range(Stream.DISCRIMINATOR, Stream.DISCRIMINATOR + 6))
        for layer in self.conv:
            _initialise(layer, truncated_normal, seed, streams)
        for norm in self.norm:
            _initialise(norm, Distribution("normal", 1.0, 0.02).quantile, seed, streams)
        _initialise(self.linear, Distribution("normal", 0.0, 0.02).quantile, seed, streams)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, height, width, C) in [0, 1] to probabilities (B,) in (0, 1)."""
        h = images.permute(0, 3, 1, 2)
        for i, conv in enumerate(self.conv):
            h = conv(same_padding(h))
            if i > 0:  # the first has no batch norm
                h = self.norm[i - 1](h)
            h = F.leaky_relu(h, 0.2)
        # In the order (height, width, features), as in the originals.
        logit = self.linear(h.permute(0, 2, 3, 1).flatten(1))
        return torch.sigmoid(logit.float()).squeeze(1)


class BatchNorm(nn.Module):
    """Batch normalisation with the batch's own statistics, in training and afterwards."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features))
        self.bias = nn.Parameter(torch.empty(features))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, features, height, width)."""
        return F.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=BN_EPSILON)


def same_padding(x: Tensor, kernel: int = 5, stride: int = 2) -> Tensor:
    """Pad (B, features, height, width) with zeros like TensorFlow's SAME: the odd one
    at the end.
    """
    pads: list[int] = []
    for n in (x.shape[3], x.shape[2]):
        total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def truncated_normal(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map uniforms to normals of deviation 0.02, truncated at two deviations."""
    return 0.02 * inverse_normal(_TWO_SIGMA + u * (1.0 - 2.0 * _TWO_SIGMA))


def parameters(*modules: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of several modules in one list."""
    return [p for module in modules for p in module.parameters()]


def count(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in module.parameters())


def points_of(x: ArrayLike, y: ArrayLike, device: torch.device) -> Tensor:
    """Return points of the plane as float32 (P, 3) of x, y, r."""
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    rows = np.stack([xs, ys, np.sqrt(xs * xs + ys * ys)], axis=1)
    return torch.tensor(rows, dtype=torch.float32, device=device)


def _initialise(
    layer: nn.Module,
    quantile: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    seed: int,
    streams: Iterator[int],
) -> None:
    """Draw weights from the next stream; set biases to 0."""
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, Tensor)
    assert isinstance(bias, Tensor)
    values = quantile(uniforms(seed, next(streams), weight.numel()))
    with torch.no_grad():
        weight.copy_(torch.from_numpy(values).reshape(weight.shape))
        bias.zero_()


def _dropout(x: Tensor, keep: float, noise: torch.Generator) -> Tensor:
    if keep == 1.0:
        return x
    kept = torch.rand(x.shape, generator=noise, device=x.device) < keep
    return x * kept / keep


def _numpy(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy()
