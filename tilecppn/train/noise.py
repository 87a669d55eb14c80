"""The random numbers of a training, as functions of the seed and a counter.

So there is no random state to save: a resumed training draws the numbers that an uninterrupted one
would have drawn. All come from the generator of seeded weights (`cppn.seeding`), each use from its
own streams; layers of the generator use streams 0, 1, 2 …
"""

from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray

from tilecppn.cppn.seeding import uniforms


class Stream(IntEnum):
    """The first stream of each use; there are 2^48 per use."""

    ENCODER = 1 << 48
    DISCRIMINATOR = 2 << 48
    ORDER = 3 << 48
    PLACES = 4 << 48
    NOISE = 5 << 48
    SHEET = 6 << 48
    FIT = 7 << 48
    FLIPS = 8 << 48


def order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return a permutation of `count` images that differs in each epoch."""
    return np.argsort(uniforms(seed, Stream.ORDER + epoch, count), kind="stable")


def crop_positions(seed: int, batch: int, count: int) -> NDArray[np.float64]:
    """Return uniforms (count, 2): the positions of a batch's crops."""
    return uniforms(seed, Stream.PLACES + batch, 2 * count).reshape(count, 2)


def flips(seed: int, batch: int, count: int) -> NDArray[np.bool_]:
    """Return which of a batch's images (count,) are mirrored left to right: half of them."""
    return np.asarray(uniforms(seed, Stream.FLIPS + batch, count) < 0.5)


def generator(seed: int, stream: int, device: torch.device) -> torch.Generator:
    """Return torch's generator of a stream; NOISE has one for each update: latents and dropout."""
    (u,) = uniforms(seed, stream, 1)
    return torch.Generator(device).manual_seed(int(u * 2**53))
