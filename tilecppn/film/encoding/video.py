"""Videos: .mp4, .mov, .webm, .mkv. Clips are encoded one by one and joined without re-encoding."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tilecppn import ffmpeg, filesystem
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import ExportError
from tilecppn.exporters.encoding import credits
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import atomic_output
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.film.encoding.audio import Audio
from tilecppn.film.encoding.base import VIDEOS, Encoding, FilmOptions, Target, check_count
from tilecppn.film.encoding.codecs import CODECS, CONTAINERS, suffix_of
from tilecppn.film.encoding.frames import FrameFormat, Frames, prefetched, raw_bands, yuv_frames
from tilecppn.film.encoding.metadata import KEY
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.pixels.hdr import HDR
from tilecppn.pixels.yuv import NARROWEST
from tilecppn.suggestions import suggestion

YUV = "yuv420p"
BT709 = ffmpeg.Colours("bt709", "bt709", "bt709")
SRGB = "setparams=color_primaries=bt709:color_trc=iec61966-2-1:range=pc"
GROUP = 250  # most frames between keyframes
CLIP_SECONDS = 1.0  # default length of a clip
EVEN = ("pad", "crop")
LOSSY_TOLERANCE = 24.0  # about 61 dB, while the codec leaves about 50
SOUND = ("-map", "2:a:0", "-map_chapters", "-1", "-flags:a", "+bitexact")  # third input


@dataclass(frozen=True)
class VideoEncoding(Encoding):
    """The encoding of a video clip. `even` makes odd sides even: "pad", "crop", or None.

    hdr: how frames become HDR; None for SDR.
    """

    codec: str
    crf: int | None
    even: str | None
    hdr: HDR | None = None

    def write(self, path: Path, frames: Frames) -> None:
        codec = CODECS[self.codec]
        lossless = codec.pixels == ""
        pixels = codec.pixels or self._own_pixels()
        colours = [f"format={pixels}", SRGB]
        if not lossless:
            spoken = ffmpeg.Colours(*self.hdr.in_ffmpeg) if self.hdr else BT709
            colours = spoken.filters(pixels, dither=self.frame_format.itemsize > 1)
        given = self.frame_format.ffmpeg_input(2, colour=not lossless)
        feed: Iterator[NDArray[Any]] = raw_bands(frames, 2, colour=not lossless, hdr=self.hdr)
        if self._converts_here(pixels):
            colours, given = [BT709.tag], self.frame_format.ffmpeg_input_as(pixels)
            feed = yuv_frames(frames, self.frame_format.width, self.frame_format.height)
        quality = [] if self.crf is None else ["-crf", str(self.crf)]
        group = 1 if lossless else min(len(frames.numbers), GROUP)
        arguments = [
            *given,
            *("-vf", ",".join([*self._even_filters(), *colours])),
            *codec.encoder,
            *quality,
            # One thread: workers are the parallelism, and the number of threads changes an
            # encoder's bytes.
            *("-threads", "1", "-g", str(group)),
            *codec.tag,
            *ffmpeg.EXACT,
            *("-f", codec.clip, ffmpeg.local(path)),
        ]
        made = ffmpeg.run(arguments, prefetched(feed), frames.check_cancelled)
        check_count(made.frames, len(frames.numbers))

    def _converts_here(self, pixels: str) -> bool:
        """Return whether frames are converted to YUV here, ten times as fast as by ffmpeg."""
        form = self.frame_format
        plain = pixels == YUV and form.itemsize == 1 and not self._even_filters()
        return plain and form.width >= NARROWEST

    def _own_pixels(self) -> str:
        """Return the lossless pixel format of the frames."""
        deep = self.frame_format.itemsize >= 2
        if self.frame_format.channels == 1:
            return "gray16le" if deep else "gray"
        return "gbrp16le" if deep else "gbrp"

    def _even_filters(self) -> list[str]:
        step = CODECS[self.codec].step
        width, height = self.frame_format.width, self.frame_format.height
        right, bottom = width % step[0], height % step[1]
        if right == bottom == 0:
            return []
        if self.even == "crop":
            return [f"crop={width - right}:{height - bottom}:0:0"]
        return [
            f"pad={width + right}:{height + bottom}:0:0",
            f"fillborders=right={right}:bottom={bottom}:mode=smear",
        ]


@dataclass(frozen=True)
class VideoTarget(Target):
    """A video file."""

    encoding: VideoEncoding
    audio: Audio | None = None

    @classmethod
    def of(cls, path: Path, timeline: Timeline, options: FilmOptions) -> "VideoTarget":
        """Check the options and return the target. Raises ExportError."""
        options.check_kind(path, VIDEOS)
        suffix = suffix_of(path)
        known = CONTAINERS[suffix].codecs
        name = options.codec or known[0]
        if name not in CODECS:
            raise ExportError(f'unknown codec "{name}"; {suggestion(CODECS, name)}')
        if name not in known:
            fitting = next(s for s, row in CONTAINERS.items() if name in row.codecs)
            raise ExportError(
                f"{path}: a {suffix} file can hold {', '.join(known)}; use {fitting} for {name}"
            )
        frame_format = FrameFormat.of(timeline)
        hdr = _hdr(name, options, timeline)
        even = _even(name, frame_format, options.even)
        encoding = VideoEncoding(frame_format, name, _crf(name, options.crf), even, hdr)
        audio = None if options.audio is None else Audio.of(options.audio, timeline.time(0))
        clip = _clip_frames(timeline, options.clip)
        return cls(path, encoding, timeline.frames, clip, audio)

    @property
    def label(self) -> str:
        return self.encoding.codec

    def for_encoding(self, timeline: Timeline) -> Timeline:
        output, codec = timeline.base.output, CODECS[self.encoding.codec]
        lossy = codec.quality is not None and output.dtype == "uint8"
        if lossy and timeline.film.tolerance is None and 0.0 < output.tolerance < LOSSY_TOLERANCE:
            return timeline.replace(tolerance=LOSSY_TOLERANCE)
        return timeline

    def provenance(self, timeline: Timeline) -> Provenance:
        made = super().provenance(timeline)
        if self.audio is None:
            return made
        return replace(made, encoding=f"{made.encoding} audio={self.audio.sha256[:16]}")

    def join(
        self, clips: Sequence[Path], info: Provenance, check_cancelled: CheckCancelled
    ) -> None:
        listing, text = filesystem.temporary_path(clips[0]), filesystem.temporary_path(clips[0])
        listing.write_text("".join(f"file '{clip.name}'\n" for clip in clips), encoding="utf-8")
        said = ffmpeg.metadata_file({**credits.film(info.about), KEY: info.text()})
        text.write_text(said, encoding="utf-8")
        container, sound = CONTAINERS[suffix_of(self.path)], []
        if self.audio is not None:
            sound = self.audio.input(float(self.frames / self.encoding.frame_format.rate))
        with atomic_output(self.path) as temporary:
            joined = ffmpeg.run(
                [
                    *("-f", "concat", "-safe", "0", "-i", listing.name),
                    *("-f", "ffmetadata", "-i", text.name),
                    *sound,
                    *("-map", "0:v", "-map_metadata", "1", "-c", "copy"),
                    *((*SOUND, *container.audio) if sound else ()),
                    *CODECS[self.encoding.codec].tag,
                    *ffmpeg.EXACT,
                    *container.arguments,
                    ffmpeg.local(temporary),
                ],
                check_cancelled=check_cancelled,
                folder=listing.parent,  # whose path may have a "#", where ffmpeg would cut it off
            )
            check_count(joined.frames, self.frames)
            provenance.seal(temporary)


def _crf(codec: str, crf: int | None) -> int | None:
    quality = CODECS[codec].quality
    if quality is None:
        if crf is not None:
            raise ExportError(f"--crf {crf}: {codec} has no such quality; leave it out")
        return None
    if crf is None:
        return quality.default
    if not quality.best <= crf <= quality.worst:
        raise ExportError(
            f"--crf {crf}: must be from {quality.best} (best) to {quality.worst} for {codec}"
        )
    return crf


def _hdr(codec: str, options: FilmOptions, timeline: Timeline) -> HDR | None:
    hdr = HDR.of(options.transfer, options.peak, timeline.base.output)
    deep = [name for name, row in CODECS.items() if row.has_10_bits]
    if hdr and codec not in deep:
        raise ExportError(
            f"--transfer {options.transfer}: needs 10 bits, not {codec}; use --codec "
            f"{', '.join(deep[:-1])} or {deep[-1]}"
        )
    return hdr


def _even(codec: str, frames: FrameFormat, even: str | None) -> str | None:
    """Return how odd sides are made even; None if they already fit the codec."""
    if even not in (None, *EVEN):
        raise ExportError(f'--even {even}: must be "pad" or "crop"')
    row = CODECS[codec]
    if frames.width % row.step[0] == frames.height % row.step[1] == 0:
        return None
    if even is None:
        raise ExportError(
            f"{frames.width} × {frames.height}: {codec} ({row.pixels}) needs an even width and "
            "height; give --even pad (repeats the last row or column), --even crop, or another "
            "canvas size"
        )
    return even


def _clip_frames(timeline: Timeline, seconds: float | None) -> int:
    length = CLIP_SECONDS if seconds is None else seconds
    if not 0 <= length < math.inf:
        raise ExportError(f"--clip {length:g}: must be a number of seconds, 0 for the whole film")
    if length == 0:
        return timeline.frames
    frames = int(Fraction(length) * timeline.film.fps + Fraction(1, 2))
    return min(max(1, frames), timeline.frames)
