"""Tables of codecs, animations, containers and still formats, one row each."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Quality(NamedTuple):
    """The range of constant quality, ffmpeg's -crf; smaller is better."""

    best: int
    worst: int
    default: int


class Codec(NamedTuple):
    """A video codec."""

    description: str
    encoder: tuple[str, ...]  # ffmpeg's options
    pixels: str  # ffmpeg's pixel format; empty for the frames' own
    quality: Quality | None
    step: tuple[int, int]  # multiples for width and height, since colour may be subsampled
    clip: str = "mp4"  # ffmpeg's format of clips
    tag: tuple[str, ...] = ()  # ffmpeg's options for the codec's tag in the file

    @property
    def has_10_bits(self) -> bool:
        """Whether it has the 10 bits that HDR takes."""
        return self.pixels.endswith("10le")


_X264 = "mbtree=1:rc-lookahead=10:me=dia:subme=0:b-adapt=0:weightp=0"
_X265 = ("-c:v", "libx265", "-x265-params", "log-level=error:pools=none:frame-threads=1")

CODECS: dict[str, Codec] = {
    "h264": Codec(
        "H.264, 8 bits 4:2:0: plays everywhere",
        # On such smooth pictures as small as "veryfast" at the same quality, in less time.
        ("-c:v", "libx264", "-preset", "superfast", "-x264-params", _X264),
        "yuv420p",
        Quality(0, 51, 18),
        (2, 2),
    ),
    "h265": Codec(
        "H.265, 8 bits 4:2:0: half the bytes",
        _X265,
        "yuv420p",
        Quality(0, 51, 20),
        (2, 2),
        tag=("-tag:v", "hvc1"),  # the only tag that Apple's players recognise
    ),
    "h265-10": Codec(
        "H.265, 10 bits 4:2:0: no bands in soft gradients",
        _X265,
        "yuv420p10le",
        Quality(0, 51, 20),
        (2, 2),
        tag=("-tag:v", "hvc1"),
    ),
    "prores-hq": Codec(
        "ProRes 422 HQ, 10 bits: for editing",
        ("-c:v", "prores_ks", "-profile:v", "hq", "-vendor", "apl0"),
        "yuv422p10le",
        None,
        (2, 1),
        clip="mov",
    ),
    "prores-4444": Codec(
        "ProRes 4444, 10 bits or more, full colour: for editing",
        ("-c:v", "prores_ks", "-profile:v", "4444", "-vendor", "apl0"),
        "yuv444p10le",
        None,
        (1, 1),
        clip="mov",
    ),
    "vp9": Codec(
        "VP9, 8 bits 4:2:0: for web pages",
        ("-c:v", "libvpx-vp9", "-b:v", "0", "-deadline", "good", "-cpu-used", "2"),
        "yuv420p",
        Quality(0, 63, 24),
        (2, 2),
    ),
    "av1": Codec(
        "AV1, 10 bits 4:2:0: for web pages, the fewest bytes",
        ("-c:v", "libsvtav1", "-preset", "6", "-svtav1-params", "lp=1"),
        "yuv420p10le",
        Quality(1, 63, 24),
        (2, 2),
    ),
    "ffv1": Codec(
        "FFV1, lossless, 8 or 16 bits",
        ("-c:v", "ffv1", "-level", "3", "-g", "1", "-slicecrc", "1"),
        "",  # the frames' own
        None,
        (1, 1),
        clip="mov",
    ),
}


class Animation(NamedTuple):
    """An animated image: one file, encoded in one piece."""

    description: str
    arguments: tuple[str, ...]
    itemsize: int  # most bytes per value
    fps: int  # fastest rate that browsers do not slow down
    plays: Callable[[int], tuple[str, ...]]  # ffmpeg's options for this many plays, 0 for endless
    palette: bool = False
    side: int = 2**31 - 1  # most pixels along a side


def _gif_loops(plays: int) -> tuple[str, ...]:
    # GIF counts the repeats after the first play: 0 is endless, -1 writes no count.
    return ("-loop", str({0: 0, 1: -1}.get(plays, plays - 1)))


# Browsers show a frame of less than 11 ms for 100 ms in every format, see WebKit's
# ImageDecoderCG::frameDurationAtIndex and Firefox. GIF counts hundredths of a second, WebP
# milliseconds.
ANIMATIONS: dict[str, Animation] = {
    ".gif": Animation(
        "GIF, 256 colours a frame",
        ("-f", "gif"),
        1,
        50,
        _gif_loops,
        palette=True,
        side=65535,
    ),
    ".webp": Animation(
        "animated WebP",
        ("-c:v", "libwebp_anim", "-quality", "90", "-f", "webp"),
        1,
        90,
        lambda plays: ("-loop", str(plays)),
        side=16383,
    ),
    ".png": Animation(
        "animated PNG (also .apng), lossless, 8 or 16 bits",
        ("-c:v", "apng", "-pred", "mixed", "-f", "apng"),
        2,
        90,
        lambda plays: ("-plays", str(plays)),
    ),
}
MAX_PLAYS = 65535  # the limit of all three formats


class Container(NamedTuple):
    """A video file format."""

    codecs: tuple[str, ...]  # the first is the default
    arguments: tuple[str, ...]  # ffmpeg's options
    audio: tuple[str, ...]  # ffmpeg's options for the audio codec


_MOV = ("-movflags", "+faststart+use_metadata_tags")
_AAC = ("-c:a", "aac", "-b:a", "192k")
_OPUS = ("-c:a", "libopus", "-b:a", "160k")
_PCM = ("-c:a", "pcm_s24le")  # as editing programs expect
_FLAC = ("-c:a", "flac")

CONTAINERS: dict[str, Container] = {
    ".mp4": Container(("h264", "h265", "h265-10", "av1"), ("-f", "mp4", *_MOV), _AAC),
    ".mov": Container(
        ("prores-hq", "prores-4444", "h264", "h265", "h265-10"), ("-f", "mov", *_MOV), _PCM
    ),
    ".webm": Container(("vp9", "av1"), ("-f", "webm"), _OPUS),
    ".mkv": Container(tuple(dict.fromkeys(["ffv1", *CODECS])), ("-f", "matroska"), _FLAC),
}
STILLS = ("png", "tif")  # of a folder of frames
_SYNONYMS = {".m4v": ".mp4", ".apng": ".png"}


def suffix_of(path: Path) -> str:
    """Return a path's suffix as a key of the tables: `.MP4` and `.m4v` become `.mp4`, `.apng`
    becomes `.png`.
    """
    suffix = path.suffix.lower()
    return _SYNONYMS.get(suffix, suffix)
