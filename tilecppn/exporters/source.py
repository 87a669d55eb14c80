"""A store as the input of an exporter: levels from `base` down to a single pixel."""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.addresses import BucketPath
from tilecppn.errors import ExportError
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.pixels.depth import dithered
from tilecppn.pixels.downsample import mean2x2
from tilecppn.pixels.hdr import HDR
from tilecppn.pixels.quantise import to_uint16
from tilecppn.pixels.resample import Size, resampled
from tilecppn.plan import Window, halved
from tilecppn.storage.store import Store

DEPTHS = {8: "uint8", 16: "uint16"}  # bits → dtype


@dataclass(frozen=True)
class Source:
    """`store` seen from its level `base`; level k here is the store's level base + k.

    With `partial`, missing shards read as 0. bits: 8 or 16 to convert pixels, None for stored ones.
    longest: most pixels along the longer side; level k is then half of level k - 1, resampled from
    the store's next larger level.
    """

    store: Store
    base: int = 0
    partial: bool = False
    bits: int | None = None
    longest: int | None = None
    hdr: HDR | None = None

    @classmethod
    def of(cls, store: Store, options: ExportOptions) -> "Source":
        """Return a store as an export's options ask for it."""
        return cls(
            store,
            options.level,
            options.partial,
            options.stored_bits,
            options.max_size,
            options.hdr,
        )

    def __post_init__(self) -> None:
        count = len(self.store.plan.levels)
        if not 0 <= self.base < count:
            raise ExportError(f"--level {self.base}: the store has levels 0 to {count - 1}")
        if wrong := self.store.invalid_metadata():
            raise ExportError(
                f"{self.store.path}: {wrong[0]} is missing, damaged or wrong; run "
                f"tilecppn verify {self.store.path} --repair"
            )
        if not self.partial and not self.store.is_whole():
            raise ExportError(
                f"{self.store.path}: is not finished; run tilecppn render again, or export with "
                "--partial"
            )

    @cached_property
    def sizes(self) -> list[Size]:
        """(width, height) of every level down to 1×1, even if the store's levels end earlier."""
        width, height = self._stored[0]
        longest = max(width, height)
        if self.longest is None or self.longest >= longest:
            return self._stored
        scale = self.longest / longest
        return sizes(max(1, round(width * scale)), max(1, round(height * scale)))

    @cached_property
    def _stored(self) -> list[Size]:
        """The sizes of the store's levels, from `base` on."""
        level = self.store.plan.levels[self.base]
        return sizes(level.width, level.height)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the pixels."""
        bits = 16 if self.hdr else self.bits
        return np.dtype(DEPTHS[bits] if bits else self.store.scene.output.dtype)

    @property
    def width(self) -> int:
        """The width of the exported level, in pixels."""
        return self.sizes[0][0]

    @property
    def height(self) -> int:
        """The height of the exported level, in pixels."""
        return self.sizes[0][1]

    @property
    def resolution(self) -> float:
        """Pixels per inch. With a size on paper every exported level has that size."""
        canvas = self.store.scene.canvas
        if canvas.print is None:
            return canvas.resolution
        part = 1.0 if self.sizes is self._stored else self.width / self._stored[0][0]
        return canvas.resolution * 0.5**self.base * part

    def provenance(self, kind: str, options: ExportOptions) -> Provenance:
        """Return the provenance of an export of this picture."""
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
        """Return the pixels (channels, height, width) of a window of a level in `sizes`.

        Raises RenderError if a shard is damaged, or the store was moved or replaced.
        """
        pixels = self._resampled(level, window)
        if self.hdr is not None:
            return self.hdr.of_stored(pixels)
        if self.bits is None or pixels.dtype == self.dtype:
            return pixels
        return dithered(pixels, window.top, window.left) if self.bits == 8 else to_uint16(pixels)

    def _resampled(self, level: int, window: Window) -> NDArray[Any]:
        if self.sizes is self._stored:
            return self._level(level, window)
        width, height = self.sizes[level]
        # The smallest level that is as large on both sides.
        near = max(k for k, (w, h) in enumerate(self._stored) if w >= width and h >= height)
        read, size = partial(self._level, near), self._stored[near]
        return resampled(read, size, (width, height), window, self._profile)

    @property
    def _profile(self) -> str | None:
        return self.store.scene.output.shrink_profile

    def _level(self, level: int, window: Window) -> NDArray[Any]:
        """Return stored pixels of a window of a level in `_stored`."""
        below = self.base + level - len(self.store.plan.levels)
        if below < 0:
            return self._read(self.base + level, window)
        top, left, bottom, right = window
        return self._small[below][:, top:bottom, left:right]

    @cached_property
    def _small(self) -> list[NDArray[Any]]:
        """The levels beyond the store's last, which fits into one tile, downsampled by the store's
        rule.
        """
        last = self.store.plan.levels[-1]
        pixels = self._read(last.index, last.window)
        levels = []
        while pixels.shape[1:] != (1, 1):
            pixels = mean2x2(pixels, profile=self._profile)
            levels.append(pixels)
        return levels

    def _read(self, level: int, window: Window) -> NDArray[Any]:
        try:
            return self.store.read(level, window, partial=self.partial)
        finally:
            if not isinstance(self.store.path, BucketPath):  # which would take a request
                self.store.check_read()


def sizes(width: int, height: int) -> list[Size]:
    """Return (width, height) of every level, each half of the previous one, down to 1×1."""
    result = [(width, height)]
    while result[-1] != (1, 1):
        result.append((halved(result[-1][0]), halved(result[-1][1])))
    return result
