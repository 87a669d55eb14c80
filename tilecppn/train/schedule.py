"""Which updates one batch of images gets, decided by their losses: pure.

The thresholds keep generator and discriminator at about the same skill, near a loss of 0.7.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

Update = Literal["vae", "g", "d"]
Ask = tuple[Update, bool]  # which loss, and whether to learn from it or only to measure it


@dataclass(frozen=True)
class Schedule:
    """The `vae` loss so many times; `g` up to so many times, until it is small enough; then `d`,
    if it is large and the generator keeps up."""

    vae_updates: int
    g_updates: int
    g_enough: float  # no further `g` below it
    d_updates: int  # 0 or 1
    d_above: float
    g_below: float

    def batch(self) -> Generator[Ask, float, None]:
        """Yields what to do next and is sent the loss before that update."""
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
    # The post's own words, for a GAN alone.
    "gan": Schedule(0, 8, 0.80, 1, d_above=0.45, g_below=0.80),
    "vae": Schedule(1, 0, 0.0, 0, d_above=0.0, g_below=0.0),
}
