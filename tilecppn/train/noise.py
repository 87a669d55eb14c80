"""The random numbers of a training: functions of the seed and of a counter.

So there is no random state to save: a training that goes on from a checkpoint draws what an
undisturbed one would have drawn. All come from the generator of seeded weights (`cppn.seeded`),
each use from streams of its own; layers of the generator use streams 0, 1, 2 …
"""

from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray

from tilecppn.cppn.seeding import uniforms


class Stream(IntEnum):
    """The first of a use's streams; there are 2^48 to each."""

    ENCODER = 1 << 48
    DISCRIMINATOR = 2 << 48
    ORDER = 3 << 48
    PLACES = 4 << 48
    NOISE = 5 << 48
    SHEET = 6 << 48
    FIT = 7 << 48
    FLIPS = 8 << 48


def order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """A permutation of `count` images, another in each epoch."""
    return np.argsort(uniforms(seed, Stream.ORDER + epoch, count), kind="stable")


def places(seed: int, batch: int, count: int) -> NDArray[np.float64]:
    """Uniforms (count, 2): where the images of a batch are cut."""
    return uniforms(seed, Stream.PLACES + batch, 2 * count).reshape(count, 2)


def flips(seed: int, batch: int, count: int) -> NDArray[np.bool_]:
    """Which of a batch's images (count,) are mirrored left to right: half of them."""
    return np.asarray(uniforms(seed, Stream.FLIPS + batch, count) < 0.5)


def generator(seed: int, update: int, device: torch.device) -> torch.Generator:
    """torch's generator for the noise of one update: sampled latents and dropout."""
    (u,) = uniforms(seed, Stream.NOISE + update, 1)
    return torch.Generator(device).manual_seed(int(u * 2**53))
