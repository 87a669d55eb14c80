"""The losses of CPPN + GAN + VAE, each a mean over the batch; in float32."""

from collections.abc import Callable

import torch
from torch import Tensor

VAE_EPSILON = 1e-10
GAN_EPSILON = 1e-12


def bce_sum(images: Tensor, drawn: Tensor) -> Tensor:
    """Binary cross-entropy (B,), summed over an image's values, natural logarithm."""
    # 1 - drawn first: 1 + 1e-10 is 1 in float32, and a certain network would give log(0).
    likelihood = images * torch.log(drawn + VAE_EPSILON)
    likelihood = likelihood + (1 - images) * torch.log(1 - drawn + VAE_EPSILON)
    return -likelihood.flatten(1).sum(1)


def l2_sum(images: Tensor, drawn: Tensor) -> Tensor:
    """Squared error (B,), summed over an image's values; for colour."""
    return (images - drawn).square().flatten(1).sum(1)


RECONSTRUCTION: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"bce": bce_sum, "l2": l2_sum}


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence (B,) of N(mean, variance) from N(0, 1)."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)


def vae_loss(reconstruction: Tensor, kl: Tensor, pixels: int) -> Tensor:
    """mean(reconstruction + KL) / pixels; both (B,)."""
    return (reconstruction + kl).mean() / pixels


def _bce(target: float, probability: Tensor) -> Tensor:
    return -(
        target * torch.log(probability + GAN_EPSILON)
        + (1 - target) * torch.log(1 - probability + GAN_EPSILON)
    ).mean()


def d_loss(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's: probabilities (B,) that real and drawn images are real."""
    return (_bce(1.0, real) + _bce(0.0, fake)) / 2


def g_loss(fake: Tensor) -> Tensor:
    """The generator's: its images should pass for real."""
    return _bce(1.0, fake)
