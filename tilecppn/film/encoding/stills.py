"""Folders of frames: one PNG or TIFF image per frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from tilecppn import filesystem
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import ExportError
from tilecppn.exporters.encoding import png
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import atomic_output
from tilecppn.exporters.output.provenance import FRAMES, Provenance
from tilecppn.film.encoding.base import FOLDERS, DiskFootprint, Encoding, FilmOptions, Target
from tilecppn.film.encoding.codecs import STILLS
from tilecppn.film.encoding.frames import FrameFormat, Frames, as_integers
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.suggestions import suggestion


@dataclass(frozen=True)
class StillEncoding(Encoding):
    """The encoding of one frame as an image file. `format` is "png" or "tif"."""

    format: str

    def write(self, path: Path, frames: Frames) -> None:
        (number,) = frames.numbers
        (_write_tiff if self.format == "tif" else self._write_png)(path, frames, number)

    def _write_png(self, path: Path, frames: Frames, number: int) -> None:
        size = self.frame_format
        with path.open("wb") as file:
            head = png.header(
                size.width,
                size.height,
                size.channels,
                min(size.itemsize, 2),
                frames.scene(number),
            )
            bands = (png.deflate_band(as_integers(b, 2)) for b in frames.bands(number))
            png.write_bands(file, head, bands)


def _write_tiff(path: Path, frames: Frames, number: int) -> None:
    import imageio.v3 as iio

    image = np.concatenate(list(frames.bands(number)))
    grey = image.shape[-1] == 1
    iio.imwrite(
        path,
        image[..., 0] if grey else image,
        plugin="tifffile",
        extension=".tif",
        photometric="minisblack" if grey else "rgb",
        compression="zlib",
        description=frames.scene(number),
        metadata=None,
        software="tilecppn",
    )


@dataclass(frozen=True)
class StillsTarget(Target):
    """A folder of frames, with a manifest that identifies the film.

    Frames of a part of a film have the numbers that they have in the whole.
    """

    encoding: StillEncoding
    first: int = 0
    kind: ClassVar[str] = FRAMES

    @classmethod
    def of(cls, path: Path, timeline: Timeline, options: FilmOptions) -> "StillsTarget":
        """Check the options and return the target. Raises ExportError."""
        options.check_kind(path, FOLDERS)
        name = options.format or STILLS[0]
        if name not in STILLS:
            raise ExportError(f'unknown format "{name}"; {suggestion(STILLS, name)}')
        encoding = StillEncoding(FrameFormat.of(timeline), name)
        return cls(path, encoding, timeline.frames, clip=1, first=timeline.film.first)

    @property
    def label(self) -> str:
        return self.encoding.format

    @property
    def footprint(self) -> DiskFootprint:
        return DiskFootprint(self.frames, 2 if self.encoding.format == "png" else 4)

    @property
    def _names(self) -> list[str]:
        numbers = range(self.first, self.first + self.frames)
        digits = max(5, len(str(numbers[-1])))
        return [f"frame-{k:0{digits}d}.{self.encoding.format}" for k in numbers]

    def join(
        self, clips: Sequence[Path], info: Provenance, check_cancelled: CheckCancelled
    ) -> None:
        with atomic_output(self.path, folder=True) as temporary:
            for clip, name in zip(clips, self._names, strict=True):
                check_cancelled()
                filesystem.link(clip, temporary / name)
            provenance.seal_folder(temporary, info)
            filesystem.fsync_tree(temporary)
