"""Fail early if a film cannot fit on its disk, judging by samples of its frames."""

from pathlib import Path

from tilecppn.errors import InvalidRequestError, PlanError
from tilecppn.film.encoding.base import DiskFootprint
from tilecppn.film.encoding.frames import as_integers
from tilecppn.film.frame_renderer import FrameRenderer
from tilecppn.film.plan import FilmPlan
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.formatting import counted, format_bytes
from tilecppn.plan import Level, ceil_div
from tilecppn.run.estimates import SAMPLE, SAMPLES, free_disk, sample_windows
from tilecppn.storage.shard_file import encode_shard

# A film takes at least this share of its estimate from samples. Films of the examples took 0.7 or
# more in a store, and as PNG or TIFF at least 0.6 of that.
SURE = 1 / 3


def check_film_fits(
    timeline: Timeline, plan: FilmPlan, kept: DiskFootprint, path: Path, kernel: str
) -> None:
    """Raise PlanError if the frames of `kept` cannot fit on the disk of `path`.

    Draws samples only if the frames would not fit uncompressed.
    """
    space = free_disk(path)
    still = plan.still
    values = kept.frames * still.pixels * still.channels
    if values * min(still.itemsize, kept.itemsize) <= space.bytes:
        return
    try:
        frame = SURE * still.pixels * _pixel_bytes(timeline, kept, kernel)
    except InvalidRequestError:
        return  # drawn elsewhere, with a kernel that this machine lacks
    if kept.frames * frame <= space.bytes:
        return
    fitting = int(space.bytes / frame)
    what = "a film" if kept.frames == plan.frames else "clips (--clip)"
    advice = f"{what} of about {counted(fitting, 'frame')}, a" if fitting else "a"
    raise PlanError(
        f"{counted(kept.frames, 'frame')} need {format_bytes(kept.frames * frame)} at the least, "
        f"{space}: use {advice} smaller canvas, or a larger disk"
    )


def _pixel_bytes(timeline: Timeline, kept: DiskFootprint, kernel: str) -> float:
    """Return the stored bytes per pixel, estimated from samples.

    Raises InvalidRequestError if there is no such kernel.
    """
    renderer = FrameRenderer(timeline, kernel)
    level = Level(0, SAMPLE, SAMPLE, SAMPLE, SAMPLE)
    windows = sample_windows(timeline.base.canvas)
    frames = range(0, timeline.frames, ceil_div(timeline.frames, SAMPLES))
    written = 0
    for frame in frames:
        for window in windows:
            pixels = renderer.render(frame, window, lambda: None)
            if pixels.itemsize > kept.itemsize:
                pixels = as_integers(pixels, kept.itemsize)
            written += len(encode_shard(pixels, level))
    return written / (len(frames) * sum(window.pixels for window in windows))
