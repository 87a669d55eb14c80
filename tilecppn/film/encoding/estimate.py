"""Estimate how long an encoder takes, from a few frames."""

import tempfile
import time
from pathlib import Path

from tilecppn.cancellation import CheckCancelled
from tilecppn.film.encoding.base import Encoding
from tilecppn.film.encoding.frames import Frames
from tilecppn.film.frame_renderer import FrameRenderer
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.plan import Window

SAMPLES = 6  # frames


def encoding_seconds(
    timeline: Timeline, encoding: Encoding, check_cancelled: CheckCancelled
) -> float:
    """Return the estimated seconds to encode all frames, from those in the middle of the film.

    Raises RenderError, OSError, and what `check_cancelled` raises.
    """
    canvas, count = timeline.base.canvas, min(SAMPLES, timeline.frames)
    window = Window(0, 0, canvas.height, canvas.width)
    first = (timeline.frames - count) // 2
    numbers = range(first, first + count)
    renderer = FrameRenderer(timeline, "auto")
    drawn = {n: renderer.render(n, window, check_cancelled).copy() for n in numbers}
    frames = Frames(
        numbers,
        lambda number: iter([drawn[number].transpose(1, 2, 0)]),
        lambda number: timeline.scene(number).shared_toml(),
        check_cancelled,
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        encoding.write(Path(folder, "clip"), frames)
        return (time.perf_counter() - start) / count * timeline.frames
