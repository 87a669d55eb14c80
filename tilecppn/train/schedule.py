"""Decide by their losses which updates a batch of images gets; pure functions.

The thresholds keep generator and discriminator at about the same skill, near a loss of 0.7.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

Update = Literal["vae", "g", "d"]
Ask = tuple[Update, bool]  # which loss, and whether to train on it or only measure it


@dataclass(frozen=True)
class Schedule:
    """The `vae` loss `vae_updates` times; `g` up to `g_updates` times, until it is below
    `g_enough`; then `d`, if it is above `d_above` and `g` below `g_below`.
    """

    vae_updates: int
    g_updates: int
    g_enough: float  # stop updating `g` below this loss
    d_updates: int  # 0 or 1
    d_above: float
    g_below: float

    def batch(self) -> Generator[Ask, float, None]:
        """Yield the next update, and receive its loss before that update."""
        for _ in range(self.vae_updates):
            yield "vae", True
        g_loss = math.inf
        for _ in range(self.g_updates):
            g_loss = yield "g", True
            if g_loss < self.g_enough:
                break
        if self.d_updates:
            d_loss = yield "d", False
            if d_loss > self.d_above and g_loss < self.g_below:
                yield "d", True


SCHEDULES = {
    "gan-vae": Schedule(4, 4, 0.60, 1, d_above=0.60, g_below=0.75),
    # As Ha's post gives them for a GAN alone.
    "gan": Schedule(0, 8, 0.80, 1, d_above=0.45, g_below=0.80),
    "vae": Schedule(1, 0, 0.0, 0, d_above=0.0, g_below=0.0),
}
