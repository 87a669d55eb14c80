"""Folders of frames: one PNG or TIFF image a frame."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tilecppn import filesystem
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import ExportError
from tilecppn.exporters import png
from tilecppn.exporters.manifest import MANIFEST, check_folder, read_manifest
from tilecppn.exporters.output import atomic_output, check_safe_to_overwrite
from tilecppn.film.encoding.base import DiskFootprint, Encoding, FilmOptions, Target
from tilecppn.film.encoding.codecs import STILLS
from tilecppn.film.encoding.frames import FrameFormat, Frames, as_integers
from tilecppn.film.encoding.metadata import FilmMetadata
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.names import suggestion
from tilecppn.storage.directory import is_written

FRAMES = "frames"  # the kind of folder, in its manifest


@dataclass(frozen=True)
class StillEncoding(Encoding):
    """An image file with one frame. `format` is "png" or "tif"."""

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
    """A folder of frames, with a manifest that says which film they are."""

    encoding: StillEncoding

    @classmethod
    def of(cls, path: Path, timeline: Timeline, options: FilmOptions) -> "StillsTarget":
        """Check the options. Raises ExportError."""
        options.allow(path, "format")
        name = options.format or STILLS[0]
        if name not in STILLS:
            raise ExportError(f'unknown format "{name}"; {suggestion(STILLS, name)}')
        encoding = StillEncoding(FrameFormat.of(timeline), name)
        return cls(path, encoding, timeline.frames, clip=1)

    @property
    def label(self) -> str:
        return self.encoding.format

    @property
    def footprint(self) -> DiskFootprint:
        return DiskFootprint(self.frames, 2 if self.encoding.format == "png" else 4)

    @property
    def _names(self) -> list[str]:
        digits = max(5, len(str(self.frames - 1)))
        return [f"frame-{k:0{digits}d}.{self.encoding.format}" for k in range(self.frames)]

    def check_destination(self) -> None:
        check_folder(self.path, FRAMES)
        # Frames whose manifest cannot be read are not replaced either.
        check_safe_to_overwrite(
            self.path, lambda p: read_folder(p) is not None or not any(p.iterdir())
        )

    def join(
        self, clips: Sequence[Path], info: FilmMetadata, check_cancelled: CheckCancelled
    ) -> None:
        with atomic_output(self.path, folder=True) as temporary:
            for clip, name in zip(clips, self._names, strict=True):
                check_cancelled()
                filesystem.link(clip, temporary / name)
            text = json.dumps({"kind": FRAMES, **asdict(info)}, indent=1)
            (temporary / MANIFEST).write_text(text, encoding="utf-8")
            filesystem.fsync_tree(temporary)

    def existing(self) -> FilmMetadata | None:
        return read_folder(self.path)

    def is_complete(self) -> bool:
        return all(is_written(self.path / name) for name in self._names)


def read_folder(folder: Path) -> FilmMetadata | None:
    """The metadata of a folder of frames; None for any other folder."""
    record = read_manifest(folder) or {}
    is_ours = record.pop("kind", None) == FRAMES
    return FilmMetadata.of_text(json.dumps(record)) if is_ours else None
