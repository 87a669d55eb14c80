"""What a third program, PyAV, makes of a video."""

from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av


class Seen(NamedTuple):
    """What a third program makes of a video."""

    codec: str
    pixels: str
    size: tuple[int, int]
    rate: Fraction
    seconds: float  # 0 where the file says none
    times: list[float]
    frames: list[Any]
    context: Any


def seen(path: Path) -> Seen:
    with av.open(path) as file:
        stream = file.streams.video[0]
        frames = list(file.decode(video=0))
        rate, context = stream.average_rate, stream.codec_context
        assert rate is not None
        times = [float(f.pts * f.time_base) for f in frames if f.pts is not None and f.time_base]
        return Seen(
            context.name,
            str(context.pix_fmt),
            (context.width, context.height),
            rate,
            (file.duration or 0) / 1e6,
            times,
            frames,
            context,
        )
