"""Frames → a clip: some frames of a film, encoded into one file by one worker."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tilecppn import disk
from tilecppn.assemble import png
from tilecppn.film import ffmpeg
from tilecppn.film.codecs import ANIMATIONS, CODECS
from tilecppn.pixels.quantise import to_uint8, to_uint16

# Matrix, range and dither of the way from RGB to YUV are ours, not ffmpeg's guess. An ordered
# dither is the same in every frame, so that it does not shimmer.
TO_BT709 = (
    "scale=in_range=pc:out_range=tv:out_color_matrix=bt709:"
    "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp:sws_dither=bayer"
)
BT709 = (
    *("-colorspace", "bt709", "-color_primaries", "bt709"),
    *("-color_trc", "bt709", "-color_range", "tv"),
)
SRGB = ("-color_primaries", "bt709", "-color_trc", "iec61966-2-1", "-color_range", "pc")


class Frames(NamedTuple):
    """The frames of a clip. `bands` gives a frame's rows, from the top, (rows, width, channels)
    of the stored dtype; `scene` its scene as TOML."""

    numbers: range
    bands: Callable[[int], Iterator[NDArray[Any]]]
    scene: Callable[[int], str]
    pause: Callable[[], None]

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
        """Encode into the file `path`. Raises Failed, OSError, and what `frames.pause` does."""
        ...


class _Recipe:
    @property
    def recipe(self) -> str:
        """A short hash of all that decides the bytes of a clip beside its frames."""
        record = [type(self).__name__, asdict(self), ffmpeg.version()]  # type: ignore[call-overload]
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
        filters = [*self._even(), *([] if own else [TO_BT709]), f"format={pixels}"]
        quality = [] if self.crf is None else ["-crf", str(self.crf)]
        arguments = [
            *_input(self.shape, 2, colour=not own),
            *("-vf", ",".join(filters)),
            *codec.encoder,
            *quality,
            # One thread: workers are the parallelism, and threads change an encoder's bytes. One
            # group of pictures a clip, so that joins are the only places where one begins.
            *("-threads", "1", "-g", "1" if own else str(len(frames.numbers))),
            *(SRGB if own else BT709),
            *codec.tag,
            *ffmpeg.EXACT,
            *("-f", codec.clip, str(path)),
        ]
        ffmpeg.run(arguments, fed(frames, 2, colour=not own), frames.pause)

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
        filters: list[str] = []
        if row.palette:
            # Twice through the frames rather than once with all of them in memory.
            palette = disk.partial(path)
            colours = ["-vf", "palettegen=stats_mode=full", "-c:v", "png", "-update", "1"]
            make = [*given, *colours, "-f", "image2", str(palette)]
            ffmpeg.run(make, fed(frames, row.itemsize, colour=True), frames.pause)
            # A frame that is shown for long is stored once.
            graph = "[0]mpdecimate=hi=0:lo=0:frac=0[f];[f][1]paletteuse=dither=bayer:bayer_scale=3"
            filters = ["-f", "png_pipe", "-i", str(palette), "-lavfi", graph]
        arguments = [*given, *filters, *row.arguments, *ffmpeg.EXACT, str(path)]
        try:
            ffmpeg.run(arguments, fed(frames, row.itemsize, colour=True), frames.pause)
        finally:
            if row.palette:
                palette.unlink(missing_ok=True)


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
        yield np.ascontiguousarray(part.astype(part.dtype.newbyteorder("<"), copy=False))


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
