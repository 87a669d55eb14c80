"""What a person can choose for an export."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from tilecppn.errors import ExportError
from tilecppn.exporters.encoders import ENCODERS
from tilecppn.names import suggestion

MAX_TILE = 8192
Progress = Callable[[int, int], None]  # pixels done, pixels in all


@dataclass(frozen=True)
class Options:
    """quality None stands for the format's own; effort from 1, fast, to 9, small files."""

    tile: int
    format: str = "png"
    quality: int | None = None
    effort: int = 1
    overlap: int = 0
    url: str = ""  # where an IIIF picture will be served
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
        if self.quality is not None and self.format == "png":
            raise ExportError(
                f"quality {self.quality}: only JPEG, WebP and AVIF have one; leave it out, or "
                "choose another format"
            )
        if not 1 <= self.effort <= 9:
            raise ExportError(f"effort {self.effort}: must be from 1 (fast) to 9 (small files)")
        if not 16 <= self.tile <= MAX_TILE:
            raise ExportError(f"tile {self.tile}: must be from 16 to {MAX_TILE} pixels")
        if not 0 <= self.overlap <= self.tile // 2:
            raise ExportError(f"overlap {self.overlap}: must be from 0 to half a tile")

    @property
    def tile_format(self) -> "TileFormat":
        quality = ENCODERS[self.format].quality if self.quality is None else self.quality
        return TileFormat(self.format, quality, self.effort)


class TileFormat(NamedTuple):
    """How a tile becomes a file; picklable, since workers on other nodes write tiles too."""

    name: str
    quality: int
    effort: int

    @property
    def suffix(self) -> str:
        return ENCODERS[self.name].suffix

    def encode(self, pixels: NDArray[Any]) -> bytes:
        """The file of a tile's stored pixels (channels, height, width)."""
        return ENCODERS[self.name].encode(pixels, self.quality, self.effort)
