"""Excerpts and drafts of a film: some of its frames, or all of them at another size."""

import math
from dataclasses import replace

from tilecppn.errors import SceneError
from tilecppn.film.timeline.timeline import Timeline


def excerpt(
    timeline: Timeline, start: str | None, stop: str | None, frame: int | None = None
) -> Timeline:
    """Return the timeline limited to the frames from `start` up to `stop`, or to `frame`.

    start, stop: seconds, as in "2.5", or a frame number, as in "60f"; None for the film's own.
    `stop` is exclusive. Raises SceneError.
    """
    if frame is not None:
        if start is not None or stop is not None:
            raise SceneError(f"--frame {frame}: give either --frame, or --from and --to")
        _check("--frame", str(frame), 0 <= frame < timeline.film.all_frames, timeline)
        return timeline.replace(excerpt=(frame, frame + 1))
    if start is None and stop is None:
        return timeline
    first = 0 if start is None else _frame("--from", start, timeline)
    last = timeline.film.all_frames if stop is None else _frame("--to", stop, timeline)
    if first >= last:
        raise SceneError(f"--from {start or 0} --to {stop or last}: no frame lies between them")
    return timeline.replace(excerpt=(first, last))


def _frame(option: str, text: str, timeline: Timeline) -> int:
    """Return the index of the first frame at or after a time."""
    try:
        if text.endswith("f"):
            number = int(text[:-1])
        else:
            number = math.ceil(round(float(text) * float(timeline.film.fps), 6))
    except (ValueError, OverflowError):
        raise SceneError(
            f"{option} {text}: must be seconds, as in 2.5, or a frame number, as in 60f"
        ) from None
    _check(option, text, 0 <= number <= timeline.film.all_frames, timeline)
    return number


def _check(option: str, text: str, allowed: bool, timeline: Timeline) -> None:
    film = timeline.film
    if not allowed:
        raise SceneError(
            f"{option} {text}: the film has {film.seconds:g} seconds, frames 0 to "
            f"{film.all_frames - 1}"
        )


def scaled(timeline: Timeline, factor: float) -> Timeline:
    """Return the timeline with a canvas scaled by `factor`; even sides stay even.

    Raises SceneError.
    """
    if not 0.0 < factor < math.inf:
        raise SceneError(f"--scale {factor:g}: must be a number above 0")
    canvas, sides = timeline.base.canvas, {}
    for name in ("width", "height"):
        side = getattr(canvas, name)
        step = 1 if side % 2 else 2
        sides[name] = max(step, round(side * factor / step) * step)
    return replace(timeline, base=timeline.base.replace(canvas=canvas.resized(**sides)))
