"""A curriculum of growing resolution: 2 × 2, 4 × 4, 8 × 8 … up to the images' own size.

The generator has no resolution, so it can be asked for few points: the mean positions of the
cells of a coarse image. Encoder and discriminator have one, so what they see is enlarged again.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from tilecppn.scene.sections import Canvas, View
from tilecppn.scene.view import Grid
from tilecppn.train.networks import points_of


def sizes(size: int) -> list[int]:
    """The sides of all stages, the last is `size`: 26 → 2, 4, 8, 16, 26."""
    stages = [2]
    while 2 * stages[-1] < size:
        stages.append(2 * stages[-1])
    return [*stages, size]


class Stage:
    """Images of size × size seen at side × side."""

    def __init__(self, view: View, size: int, side: int, device: torch.device) -> None:
        self.size = size
        self.side = side
        grid = Grid.of(view, Canvas(size, size))
        index = torch.arange(size, dtype=torch.float64)
        x, y = grid.points(index[:, None], index[None, :])
        # A cell's place is the mean of its pixels' places.
        means = [self._mean(v.expand(size, size)[None, :, :, None]) for v in (x, y)]
        self.points = points_of(means[0].flatten(), means[1].flatten(), device)

    def coarse(self, images: Tensor) -> Tensor:
        """(B, size, size, C) → (B, side, side, C), the mean of each cell."""
        return images if self.side == self.size else self._mean(images)

    def fine(self, images: Tensor) -> Tensor:
        """(B, side, side, C) → (B, size, size, C), for networks of fixed size."""
        if self.side == self.size:
            return images
        large = F.interpolate(images.permute(0, 3, 1, 2), self.size, mode="nearest")
        return large.permute(0, 2, 3, 1)

    def _mean(self, images: Tensor) -> Tensor:
        small = F.adaptive_avg_pool2d(images.permute(0, 3, 1, 2), self.side)
        return small.permute(0, 2, 3, 1)
