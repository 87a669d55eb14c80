"""Frames → a clip: some frames of a film, encoded into one file by one worker."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import RenderError
from tilecppn.exporters import png
from tilecppn.film.encoding import ffmpeg
from tilecppn.film.encoding.codecs import ANIMATIONS, CODECS
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.quantise import to_uint8, to_uint16

# Matrix, range and dither of the way from RGB to YUV are ours, not ffmpeg's guess. An ordered
# dither is the same in every frame, so that it does not shimmer.
TO_BT709 = (
    "scale=in_range=pc:out_range=tv:out_color_matrix=bt709:"
    "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp:sws_dither=bayer"
)
BT709 = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
SRGB = "setparams=color_primaries=bt709:color_trc=iec61966-2-1:range=pc"
# A film that changes its colours needs another palette in each frame; an ordered dither again.
PALETTES = (
    "split[a][b];[a]palettegen=stats_mode=single[p];"
    "[b][p]paletteuse=new=1:dither=bayer:bayer_scale=4"
)
GROUP = 250  # frames from one that stands alone to the next, where a clip is longer
MANY = 1000  # runs of equal frames that one command line can name
REVISION = 2  # raised whenever the same frames give other bytes


class Frames(NamedTuple):
    """The frames of a clip. `bands` gives a frame's rows, from the top, (rows, width, channels)
    of the stored dtype; `scene` its scene as TOML."""

    numbers: range
    bands: Callable[[int], Iterator[NDArray[Any]]]
    scene: Callable[[int], str]
    check_cancelled: CheckCancelled

    def all_bands(self) -> Iterator[NDArray[Any]]:
        for number in self.numbers:
            yield from self.bands(number)


@dataclass(frozen=True)
class Shape:
    """Of the frames: pixels, channels, bytes a stored value, frames a second as a ratio."""

    width: int
    height: int
    channels: int
    itemsize: int
    fps: str


class Encoding(Protocol):
    """What clips are made with; picklable. Clips of one `recipe` belong together."""

    @property
    def recipe(self) -> str: ...

    def write(self, path: Path, frames: Frames) -> None:
        """Encode into the file `path`.

        Raises RenderError, OSError, and what `frames.check_cancelled` does.
        """
        ...


@dataclass(frozen=True)
class _Recipe:
    @property
    def recipe(self) -> str:
        """A short hash of all that decides the bytes of a clip beside its frames."""
        record = [type(self).__name__, REVISION, asdict(self), ffmpeg.version()]
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class VideoEncoding(_Recipe):
    """`even`: what happens to a side that the codec cannot have: "pad" or "crop"."""

    shape: Shape
    codec: str
    crf: int | None
    even: str | None

    def write(self, path: Path, frames: Frames) -> None:
        codec = CODECS[self.codec]
        own = codec.pixels == ""
        pixels = codec.pixels or _planar(self.shape)
        colours = [f"format={pixels}", SRGB] if own else [TO_BT709, f"format={pixels}", BT709]
        filters = [*self._even(), *colours]
        quality = [] if self.crf is None else ["-crf", str(self.crf)]
        group = 1 if own else min(len(frames.numbers), GROUP)
        arguments = [
            *_input(self.shape, 2, colour=not own),
            *("-vf", ",".join(filters)),
            *codec.encoder,
            *quality,
            # One thread: workers are the parallelism, and threads change an encoder's bytes.
            *("-threads", "1", "-g", str(group)),
            *codec.tag,
            *ffmpeg.EXACT,
            *("-f", codec.clip, str(path)),
        ]
        made = ffmpeg.run(arguments, ahead(fed(frames, 2, colour=not own)), frames.check_cancelled)
        check_count(made, len(frames.numbers))

    def _even(self) -> list[str]:
        step = CODECS[self.codec].step
        sides = (self.shape.width, self.shape.height)
        odd = [side % by for side, by in zip(sides, step, strict=True)]
        if odd == [0, 0]:
            return []
        if self.even == "crop":
            return [f"crop={sides[0] - odd[0]}:{sides[1] - odd[1]}:0:0"]
        return [
            f"pad={sides[0] + odd[0]}:{sides[1] + odd[1]}:0:0",
            f"fillborders=right={odd[0]}:bottom={odd[1]}:mode=smear",
        ]


@dataclass(frozen=True)
class AnimationEncoding(_Recipe):
    shape: Shape
    suffix: str

    def write(self, path: Path, frames: Frames) -> None:
        row = ANIMATIONS[self.suffix]
        given = _input(self.shape, row.itemsize, colour=True)
        feed = partial(fed, frames, row.itemsize, colour=True)
        if not row.palette:
            self._run([*given, *row.arguments], path, feed(), frames)
            return
        # Once more through the frames, to know which of them are shown longer.
        repeats = Repeats(self.shape)
        for band in feed():
            frames.check_cancelled()
            repeats.watch(band)
        filters = ",".join([*repeats.dropped(), PALETTES])
        timing = ["-fps_mode", "passthrough", *repeats.final_delay()]
        made = self._run([*given, "-lavfi", filters, *timing, *row.arguments], path, feed(), frames)
        check_count(made, len(frames.numbers) - repeats.count)

    def _run(
        self, arguments: list[str], path: Path, feed: Iterator[NDArray[Any]], frames: Frames
    ) -> int:
        return ffmpeg.run([*arguments, *ffmpeg.EXACT, str(path)], feed, frames.check_cancelled)


class Repeats:
    """Frames that equal the one before, found while they go by; a GIF shows that one longer."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.frames = 0
        self.runs: list[tuple[int, int]] = []  # first and last frame of each run
        self._before, self._digest, self._rows = b"", hashlib.sha256(), 0

    def watch(self, band: NDArray[Any]) -> None:
        """The next rows; bands do not go beyond a frame."""
        self._digest.update(band.data)
        self._rows += len(band)
        if self._rows == self.shape.height:
            digest = self._digest.digest()
            if digest == self._before:
                self._repeat(self.frames)
            self._before, self._digest, self._rows = digest, hashlib.sha256(), 0
            self.frames += 1

    @property
    def count(self) -> int:
        return sum(last - first + 1 for first, last in self.runs)

    def _repeat(self, frame: int) -> None:
        if self.runs and self.runs[-1][1] == frame - 1:
            self.runs[-1] = (self.runs[-1][0], frame)
        elif len(self.runs) < MANY:
            self.runs.append((frame, frame))

    def dropped(self) -> list[str]:
        """The filter that leaves the repeats out, where there are any."""
        runs = "+".join(f"between(n,{a},{b})" for a, b in self.runs)
        return [f"select='not({runs})'"] if runs else []

    def final_delay(self) -> list[str]:
        """How long the last frame is shown, where it is shown for several."""
        if not self.runs or self.runs[-1][1] != self.frames - 1:
            return []
        fps, kept = Fraction(self.shape.fps), self.runs[-1][0] - 1
        return ["-final_delay", str(round(100 * self.frames / fps) - round(100 * kept / fps))]


@dataclass(frozen=True)
class StillEncoding(_Recipe):
    """One image file a frame."""

    shape: Shape
    format: str

    def write(self, path: Path, frames: Frames) -> None:
        (number,) = frames.numbers
        scene = frames.scene(number)
        if self.format == "tif":
            import imageio.v3 as iio

            image = np.concatenate(list(frames.bands(number)))
            iio.imwrite(
                path,
                image[..., 0] if self.shape.channels == 1 else image,
                plugin="tifffile",
                extension=".tif",
                photometric="minisblack" if self.shape.channels == 1 else "rgb",
                compression="zlib",
                description=scene,
                metadata=None,
                software="tilecppn",
            )
            return
        with path.open("wb") as file:
            head = png.header(
                self.shape.width,
                self.shape.height,
                self.shape.channels,
                min(self.shape.itemsize, 2),
                scene,
            )
            bands = (png.deflate_band(narrowed(b, 2)) for b in frames.bands(number))
            png.write_bands(file, head, bands)


def check_count(made: int, wanted: int) -> None:
    """Raise RenderError unless ffmpeg wrote as many frames as it was to."""
    if made != wanted:
        raise RenderError(f"ffmpeg wrote {made} frames of {wanted}")


def narrowed(band: NDArray[Any], itemsize: int) -> NDArray[Any]:
    """Stored values as integers of at most `itemsize` bytes."""
    if itemsize == 1:
        return to_uint8(band)
    return to_uint16(band) if band.dtype.kind == "f" else band


def fed(frames: Frames, itemsize: int, *, colour: bool) -> Iterator[NDArray[Any]]:
    """Bands as ffmpeg reads them; with `colour`, grey becomes three equal channels."""
    for band in frames.all_bands():
        part = narrowed(band, itemsize)
        if colour and part.shape[-1] == 1:
            part = np.repeat(part, 3, axis=-1)
        rows = interleaved(np.moveaxis(part, -1, 0))
        yield rows.astype(rows.dtype.newbyteorder("<"), copy=False)


def ahead(parts: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """The same, each made while the one before is in use."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, parts, None)
        while (part := following.result()) is not None:
            following = pool.submit(next, parts, None)
            yield part


def _input(shape: Shape, itemsize: int, *, colour: bool) -> list[str]:
    deep = min(shape.itemsize, itemsize) == 2
    grey = shape.channels == 1 and not colour
    pixels = ("gray16le" if deep else "gray") if grey else ("rgb48le" if deep else "rgb24")
    return [
        *("-f", "rawvideo", "-pix_fmt", pixels),
        *("-video_size", f"{shape.width}x{shape.height}", "-framerate", shape.fps, "-i", "-"),
    ]


def _planar(shape: Shape) -> str:
    """The lossless pixel format of the frames themselves."""
    deep = shape.itemsize >= 2
    if shape.channels == 1:
        return "gray16le" if deep else "gray"
    return "gbrp16le" if deep else "gbrp"
