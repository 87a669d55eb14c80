"""A store as exporters read it: from one level on, down to a single pixel."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from tilecppn.errors import ExportError
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.provenance import Provenance
from tilecppn.pixels.downsample import mean2x2
from tilecppn.plan import Window, halved
from tilecppn.storage.store import Store


@dataclass(frozen=True)
class Source:
    """`store` seen from its level `base`; level k here is level base + k there.

    With `partial`, missing shards read as 0.
    """

    store: Store
    base: int = 0
    partial: bool = False

    def __post_init__(self) -> None:
        count = len(self.store.plan.levels)
        if not 0 <= self.base < count:
            raise ExportError(f"--level {self.base}: the store has levels 0 to {count - 1}")
        if wrong := self.store.invalid_metadata():
            raise ExportError(
                f"{self.store.path}: {wrong[0]} is missing, damaged or wrong; run "
                "tilecppn verify --repair"
            )
        if not self.partial and not self.store.is_whole():
            raise ExportError(
                f"{self.store.path}: is not finished; run tilecppn render again, or export with "
                "--partial"
            )

    @cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """(width, height) of every level down to 1×1, where the store's levels end earlier too."""
        level = self.store.plan.levels[self.base]
        return sizes(level.width, level.height)

    @property
    def width(self) -> int:
        """Width of the level that is exported, in pixels."""
        return self.sizes[0][0]

    @property
    def height(self) -> int:
        """Height of the level that is exported, in pixels."""
        return self.sizes[0][1]

    @property
    def resolution(self) -> float:
        """Pixels per inch. With a size on paper every level that is exported has that size."""
        canvas = self.store.scene.canvas
        return canvas.resolution if canvas.print is None else canvas.resolution * 0.5**self.base

    def provenance(self, kind: str, options: ExportOptions) -> Provenance:
        """What an export of this picture says about itself."""
        scene = replace(self.store.scene, about=options.about)
        return Provenance(
            kind,
            scene.shared_toml(),
            scene.fingerprint,
            options.encoding,
            about=options.about,
            profile=options.profile,
        )

    def read(self, level: int, window: Window) -> NDArray[Any]:
        """Stored pixels (channels, height, width) of a window of one of `sizes`.

        Raises RenderError where a shard is damaged.
        """
        below = self.base + level - len(self.store.plan.levels)
        if below < 0:
            return self._read(self.base + level, window)
        top, left, bottom, right = window
        return self._small[below][:, top:bottom, left:right]

    @cached_property
    def _small(self) -> list[NDArray[Any]]:
        """The levels after the store's last, which one tile holds, by the store's own rule."""
        last = self.store.plan.levels[-1]
        pixels = self._read(last.index, last.window)
        levels = []
        while pixels.shape[1:] != (1, 1):
            pixels = mean2x2(pixels)
            levels.append(pixels)
        return levels

    def _read(self, level: int, window: Window) -> NDArray[Any]:
        return self.store.read(level, window, partial=self.partial)


def sizes(width: int, height: int) -> list[tuple[int, int]]:
    """(width, height) of every level, each half of the one before, down to 1×1."""
    result = [(width, height)]
    while result[-1] != (1, 1):
        result.append((halved(result[-1][0]), halved(result[-1][1])))
    return result
