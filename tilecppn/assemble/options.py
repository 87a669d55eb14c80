"""What a person can choose for an export."""

from collections.abc import Callable
from dataclasses import dataclass

from tilecppn.assemble.encoders import ENCODERS, Encoder
from tilecppn.errors import ExportError
from tilecppn.naming import suggestion

MAX_TILE = 8192
Progress = Callable[[int, int], None]  # pixels done, pixels in all


@dataclass(frozen=True)
class Options:
    """quality None stands for the format's own."""

    tile: int
    format: str = "png"
    quality: int | None = None
    overlap: int = 0
    workers: int = 1
    progress: Progress = lambda done, total: None
    stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        if self.format not in ENCODERS:
            raise ExportError(
                f'unknown format "{self.format}"; {suggestion(ENCODERS, self.format)}'
            )
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ExportError(f"quality {self.quality}: must be from 1 to 100")
        if not 16 <= self.tile <= MAX_TILE:
            raise ExportError(f"tile {self.tile}: must be from 16 to {MAX_TILE} pixels")
        if not 0 <= self.overlap <= self.tile // 2:
            raise ExportError(f"overlap {self.overlap}: must be from 0 to half a tile")

    @property
    def encoder(self) -> Encoder:
        return ENCODERS[self.format]
