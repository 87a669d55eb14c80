"""A curriculum of growing resolution: 2 × 2, 4 × 4, 8 × 8 … up to the size of the images.

The generator works at any resolution, so it is evaluated at few points: the mean positions of the
cells of a coarse image. Encoder and discriminator have a fixed input size, so their input is
enlarged again.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from tilecppn.scene.sections import Canvas, View
from tilecppn.scene.view import Grid
from tilecppn.train.networks import points_of


def sizes(size: int) -> list[int]:
    """Return the side lengths of all stages, ending with `size`: 26 → 2, 4, 8, 16, 26."""
    stages = [2]
    while 2 * stages[-1] < size:
        stages.append(2 * stages[-1])
    return [*stages, size]


class Stage:
    """One stage of the curriculum: images of size × size reduced to side × side."""

    def __init__(self, view: View, size: int, side: int, device: torch.device) -> None:
        self.size = size
        self.side = side
        grid = Grid.of(view, Canvas(size, size))
        index = torch.arange(size, dtype=torch.float64)
        x, y = grid.points(index[:, None], index[None, :])
        # The position of a cell is the mean of its pixels' positions.
        means = [self._mean(v.expand(size, size)[None, :, :, None]) for v in (x, y)]
        self.points = points_of(means[0].flatten(), means[1].flatten(), device)

    def coarse(self, images: Tensor) -> Tensor:
        """Reduce (B, size, size, C) to (B, side, side, C), the mean of each cell."""
        return images if self.side == self.size else self._mean(images)

    def fine(self, images: Tensor) -> Tensor:
        """Enlarge (B, side, side, C) to (B, size, size, C) for networks of fixed input size."""
        if self.side == self.size:
            return images
        large = F.interpolate(images.permute(0, 3, 1, 2), self.size, mode="nearest")
        return large.permute(0, 2, 3, 1)

    def _mean(self, images: Tensor) -> Tensor:
        small = F.adaptive_avg_pool2d(images.permute(0, 3, 1, 2), self.side)
        return small.permute(0, 2, 3, 1)
