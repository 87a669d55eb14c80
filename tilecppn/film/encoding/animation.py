"""Animated images: GIF, WebP, PNG. The whole film is one clip."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tilecppn import ffmpeg
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import ExportError
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import atomic_output
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.film.encoding.base import ANIMATED, Encoding, FilmOptions, Target, check_count
from tilecppn.film.encoding.codecs import ANIMATIONS, MAX_PLAYS, suffix_of
from tilecppn.film.encoding.frames import FrameFormat, Frames, raw_bands
from tilecppn.film.encoding.metadata import copy_with_metadata
from tilecppn.film.timeline.timeline import Timeline

# Each frame has its own palette, since colours may change. The dither is ordered, which does not
# flicker.
PALETTES = (
    "split[a][b];[a]palettegen=stats_mode=single[p];"
    "[b][p]paletteuse=new=1:dither=bayer:bayer_scale=5"
)
MAX_RUNS = 1000  # limit of the runs of repeated frames named on one command line


@dataclass(frozen=True)
class AnimationEncoding(Encoding):
    """The encoding of a whole animated image.

    `suffix` is its row in ANIMATIONS; `plays` is 0 for endless.
    """

    suffix: str
    plays: int = 0

    def write(self, path: Path, frames: Frames) -> None:
        row = ANIMATIONS[self.suffix]
        given = self.frame_format.ffmpeg_input(row.itemsize, colour=True)
        output = [*row.arguments, *row.plays(self.plays), *ffmpeg.EXACT, ffmpeg.local(path)]
        feed = partial(raw_bands, frames, row.itemsize, colour=True)
        if not row.palette:
            ffmpeg.run([*given, *output], feed(), frames.check_cancelled)
            return
        # A first pass finds the frames that repeat the previous one.
        repeats = RepeatedFrames(self.frame_format)
        for band in feed():
            frames.check_cancelled()
            repeats.add(band)
        filters = ",".join([*repeats.drop_filter(), PALETTES])
        timing = ["-fps_mode", "passthrough", *repeats.final_delay()]
        made = ffmpeg.run(
            [*given, "-lavfi", filters, *timing, *output], feed(), frames.check_cancelled
        )
        check_count(made.frames, len(frames.numbers) - repeats.count)


class RepeatedFrames:
    """Finds frames equal to the previous one, band by band; a GIF shows that one longer instead."""

    def __init__(self, frame_format: FrameFormat) -> None:
        self.frame_format = frame_format
        self.frames = 0  # seen so far
        self.runs: list[tuple[int, int]] = []  # first and last repeat of each run
        self._previous, self._digest, self._rows = b"", hashlib.sha256(), 0

    def add(self, band: NDArray[Any]) -> None:
        """Add the next rows (rows, width, channels); a band lies within one frame."""
        self._digest.update(band.data)
        self._rows += len(band)
        if self._rows == self.frame_format.height:
            digest = self._digest.digest()
            if digest == self._previous:
                self._repeat(self.frames)
            self._previous, self._digest, self._rows = digest, hashlib.sha256(), 0
            self.frames += 1

    @property
    def count(self) -> int:
        """The number of frames that are dropped."""
        return sum(last - first + 1 for first, last in self.runs)

    def _repeat(self, frame: int) -> None:
        if self.runs and self.runs[-1][1] == frame - 1:
            self.runs[-1] = (self.runs[-1][0], frame)
        elif len(self.runs) < MAX_RUNS:
            self.runs.append((frame, frame))

    def drop_filter(self) -> list[str]:
        """Return the ffmpeg filter that drops the repeats; empty if there are none."""
        runs = "+".join(f"between(n,{a},{b})" for a, b in self.runs)
        return [f"select='not({runs})'"] if runs else []

    def final_delay(self) -> list[str]:
        """Return the ffmpeg option for how long the last frame is shown, if repeats of it were
        dropped.
        """
        if not self.runs or self.runs[-1][1] != self.frames - 1:
            return []
        fps, kept = self.frame_format.rate, self.runs[-1][0] - 1
        return ["-final_delay", str(round(100 * self.frames / fps) - round(100 * kept / fps))]


@dataclass(frozen=True)
class AnimationTarget(Target):
    """An animated image file."""

    encoding: AnimationEncoding

    @classmethod
    def of(cls, path: Path, timeline: Timeline, options: FilmOptions) -> "AnimationTarget":
        """Check the options and return the target. Raises ExportError."""
        options.check_kind(path, ANIMATED)
        suffix, frame_format = suffix_of(path), FrameFormat.of(timeline)
        row = ANIMATIONS[suffix]
        if timeline.film.fps > row.fps:
            raise ExportError(
                f"{path}: {timeline.film.fps} frames a second: must be {row.fps} at most for "
                f"{suffix}, since browsers slow faster ones down; use --fps, or a video as .mp4"
            )
        if max(frame_format.width, frame_format.height) > row.side:
            raise ExportError(
                f"{path}: {frame_format.width} × {frame_format.height}: a {suffix} has "
                f"{row.side} pixels a side at most"
            )
        plays = options.plays or 0
        if not 0 <= plays <= MAX_PLAYS:
            raise ExportError(f"--plays {plays}: must be from 1 to {MAX_PLAYS}, or 0 for endless")
        encoding = AnimationEncoding(frame_format, suffix, plays)
        return cls(path, encoding, timeline.frames, clip=timeline.frames)

    @property
    def label(self) -> str:
        return self.encoding.suffix

    def join(
        self, clips: Sequence[Path], info: Provenance, check_cancelled: CheckCancelled
    ) -> None:
        (clip,) = clips
        with atomic_output(self.path) as temporary:
            copy_with_metadata(clip, temporary, self.encoding.suffix, info.text(), check_cancelled)
            provenance.seal(temporary)
