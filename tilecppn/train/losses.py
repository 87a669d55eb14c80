"""The losses of CPPN + GAN + VAE in float32, each a mean over the batch."""

from collections.abc import Callable

import torch
from torch import Tensor

VAE_EPSILON = 1e-10
GAN_EPSILON = 1e-12


def bce_sum(images: Tensor, drawn: Tensor) -> Tensor:
    """Return the binary cross-entropy (B,), summed over an image's values, natural logarithm."""
    # 1 - drawn first: 1 + 1e-10 rounds to 1 in float32, so drawn = 1 would give log(0).
    likelihood = images * torch.log(drawn + VAE_EPSILON)
    likelihood = likelihood + (1 - images) * torch.log(1 - drawn + VAE_EPSILON)
    return -likelihood.flatten(1).sum(1)


def l2_sum(images: Tensor, drawn: Tensor) -> Tensor:
    """Return the squared error (B,), summed over an image's values; for colour."""
    return (images - drawn).square().flatten(1).sum(1)


RECONSTRUCTION: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"bce": bce_sum, "l2": l2_sum}


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence (B,) of N(mean, variance) from N(0, 1)."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)


def vae_loss(reconstruction: Tensor, kl: Tensor, pixels: int) -> Tensor:
    """Return mean(reconstruction + KL) / pixels; both are (B,)."""
    return (reconstruction + kl).mean() / pixels


def _bce(target: float, probability: Tensor) -> Tensor:
    return -(
        target * torch.log(probability + GAN_EPSILON)
        + (1 - target) * torch.log(1 - probability + GAN_EPSILON)
    ).mean()


def d_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the discriminator's loss from its probabilities (B,) that images are real."""
    return (_bce(1.0, real) + _bce(0.0, fake)) / 2


def g_loss(fake: Tensor) -> Tensor:
    """Return the generator's loss: its images should be taken for real ones."""
    return _bce(1.0, fake)
