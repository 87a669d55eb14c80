"""Whether a film fits on its disk, judged by parts of its frames before all of them are drawn."""

from pathlib import Path

from tilecppn.errors import InvalidRequestError, PlanError
from tilecppn.film.encoding.base import DiskFootprint
from tilecppn.film.encoding.frames import as_integers
from tilecppn.film.frame_renderer import FrameRenderer
from tilecppn.film.plan import FilmPlan
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.formatting import format_bytes
from tilecppn.plan import Level, ceil_div
from tilecppn.run.estimates import SAMPLE, SAMPLES, free_disk, sample_windows
from tilecppn.storage.zarr_format import encode_shard

# Of the bytes that samples come to, what a film takes at the least. Whole films of the examples
# took 0.7 of them or more in a store, and frames as PNG or TIFF 0.6 of those in a store or more.
SURE = 1 / 3


def check_film_fits(
    timeline: Timeline, plan: FilmPlan, kept: DiskFootprint, path: Path, kernel: str
) -> None:
    """Raise PlanError if what is kept of a film surely cannot fit on the disk of `path`.

    Draws windows of some frames, where what is kept would not fit uncompressed.
    """
    folder, free = free_disk(path)
    still = plan.still
    values = kept.frames * still.pixels * still.channels
    if values * min(still.itemsize, kept.itemsize) <= free:
        return
    try:
        frame = SURE * still.pixels * _pixel_bytes(timeline, kept, kernel)
    except InvalidRequestError:
        return  # drawn on other machines, with a kernel that this one has not
    if kept.frames * frame <= free:
        return
    fitting = int(free / frame)
    what = "a film" if kept.frames == plan.frames else "clips (--clip)"
    advice = f"{what} of about {fitting} frames, a" if fitting else "a"
    raise PlanError(
        f"{kept.frames} frames need {format_bytes(kept.frames * frame)} at the least, "
        f"{format_bytes(free)} free at {folder}: use {advice} smaller canvas, or a larger disk"
    )


def _pixel_bytes(timeline: Timeline, kept: DiskFootprint, kernel: str) -> float:
    """Bytes that a pixel of a frame takes in a store.

    Raises InvalidRequestError without such a kernel.
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
