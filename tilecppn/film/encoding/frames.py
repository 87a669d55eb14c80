"""The frames of a clip as an encoder's input: their format, and rows of raw pixels."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.pixels.hdr import HDR
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.quantise import to_uint8, to_uint16
from tilecppn.pixels.yuv import Planes

# ffmpeg's pixel formats, by the bytes per value
_GREY = {1: "gray", 2: "gray16le"}
_COLOUR = {1: "rgb24", 2: "rgb48le"}


@dataclass(frozen=True)
class FrameFormat:
    """The format of all frames of a film: size in pixels, channels, bytes per value, frame rate."""

    width: int
    height: int
    channels: int  # 1 or 3
    itemsize: int  # bytes of a stored value: 1, 2, or 4 for float32
    fps: str  # frames per second as a ratio, "30000/1001"

    @classmethod
    def of(cls, timeline: Timeline) -> "FrameFormat":
        """Return the format of a timeline's frames."""
        canvas, output = timeline.base.canvas, timeline.base.output
        fps = str(timeline.film.fps)
        return cls(canvas.width, canvas.height, timeline.channels, output.itemsize, fps)

    @property
    def rate(self) -> Fraction:
        """Frames per second."""
        return Fraction(self.fps)

    def ffmpeg_input(self, itemsize: int, *, colour: bool) -> list[str]:
        """Return ffmpeg's options for reading `raw_bands` from standard input."""
        names = _GREY if self.channels == 1 and not colour else _COLOUR
        return self.ffmpeg_input_as(names[min(self.itemsize, itemsize)])

    def ffmpeg_input_as(self, pixels: str) -> list[str]:
        """Return ffmpeg's options for reading frames in a pixel format by its ffmpeg name."""
        return [
            *("-f", "rawvideo", "-pix_fmt", pixels),
            *("-video_size", f"{self.width}x{self.height}", "-framerate", self.fps, "-i", "-"),
        ]


class Frames(NamedTuple):
    """The frames to encode into one clip."""

    numbers: range  # their indices in the film
    # frame → its rows from the top, in pieces (rows, width, channels) of the stored dtype
    bands: Callable[[int], Iterator[NDArray[Any]]]
    scene: Callable[[int], str]  # frame → its scene as TOML
    check_cancelled: CheckCancelled


def raw_bands(
    frames: Frames, itemsize: int, *, colour: bool, hdr: HDR | None = None
) -> Iterator[NDArray[Any]]:
    """Yield bands for ffmpeg: little-endian integers of at most `itemsize` bytes.

    With `colour`, a grey frame gets three equal channels. hdr: how they become HDR.
    """
    for band in chain.from_iterable(map(frames.bands, frames.numbers)):
        if hdr is None:
            part = as_integers(band, itemsize)
        else:
            part = np.moveaxis(hdr.of_stored(np.moveaxis(band, -1, 0)), 0, -1)
        if colour and part.shape[-1] == 1:
            part = np.repeat(part, 3, axis=-1)
        rows = interleaved(np.moveaxis(part, -1, 0))
        yield rows.astype(rows.dtype.newbyteorder("<"), copy=False)


def yuv_frames(frames: Frames, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """Yield 8-bit frames as yuv420p for ffmpeg; bands must have an even number of rows."""
    for number in frames.numbers:
        planes = Planes(width, height)
        for band in frames.bands(number):
            planes.add(np.moveaxis(band, -1, 0))
        yield planes.data


def as_integers(band: NDArray[Any], itemsize: int) -> NDArray[Any]:
    """Convert stored values to unsigned integers of at most `itemsize` bytes, 1 or 2."""
    if itemsize == 1:
        return to_uint8(band)
    return to_uint16(band) if band.dtype.kind == "f" else band


def prefetched(parts: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield the same parts, each computed by a thread while the previous one is in use."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, parts, None)
        while (part := following.result()) is not None:
            following = pool.submit(next, parts, None)
            yield part
