"""Rescue a film's store whose timeline or weights are lost, both copies included."""

from itertools import islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tilecppn.film.frame_renderer import FrameRenderer
from tilecppn.film.plan import FrameShard
from tilecppn.film.store import FilmStore, film_plan, frame_name
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.run.rescue import LOOKED_AT, check_drawn, kernel_left, recorded_arithmetic
from tilecppn.storage.metadata import attributes


def rescue_film(path: Path, timeline: Timeline) -> None:
    """Rewrite the metadata that identifies the store at `path`, as `rescue_store` does
    for a still.
    """
    record = attributes(path) or {}
    arithmetic = recorded_arithmetic(record, timeline.fingerprint)
    if arithmetic is not None:  # the given timeline may have another layout
        timeline = Timeline.parse(record["timeline"], embedded=timeline.networks)
    else:
        plan = film_plan(timeline, None)
        # Two films may share some frames, so the last and the middle one are compared first.
        frames = dict.fromkeys([timeline.frames - 1, timeline.frames // 2, *range(timeline.frames)])
        shards = (shard for frame in frames for shard in plan.frame_shards(frame))
        files = ((shard, frame_name(shard)) for shard in islice(shards, LOOKED_AT))
        renderer = FrameRenderer(timeline, kernel_left(path))

        def draw(shard: FrameShard) -> NDArray[Any]:
            return renderer.render(shard.frame, plan.window(shard), lambda: None)

        check_drawn(path, files, plan.still.levels[0], draw)
        arithmetic = renderer.arithmetic
    FilmStore.rewrite(path, timeline, arithmetic)
