"""`tilecppn status`: show how much of a store is finished."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilecppn.cli.common import OUTPUT, json_option, result
from tilecppn.formatting import counted

if TYPE_CHECKING:
    from tilecppn.film.store import FilmStore
    from tilecppn.inspection.finished_tasks import Found
    from tilecppn.storage.store import Store


@click.command()
@click.argument("store", type=OUTPUT)
@json_option
def command(store: Path, as_json: bool) -> None:
    """Show how much of STORE is finished, by level, or by frame for a film.

    A film that is being rendered into FILE has its store in FILE.parts.

    \b
    tilecppn status poster.zarr
    tilecppn status film.mp4.parts
    """
    from tilecppn.film.store import open_store
    from tilecppn.inspection.finished_tasks import finished_tasks
    from tilecppn.storage.store import Store

    opened = open_store(store)
    shards = opened.plan.tasks
    found = finished_tasks(opened)
    done = found.total()
    finished = done == shards
    if isinstance(opened, Store):
        fingerprint = opened.scene.fingerprint
        inner, lines = _levels(opened, found)
    else:
        fingerprint = opened.timeline.fingerprint
        inner, lines = _frames(opened, found)
    arithmetic = opened.arithmetic
    record = {
        "store": str(store),
        "finished": finished,
        "shards": shards,
        "done": done,
        **inner,
        "fingerprint": fingerprint,
        "arithmetic": arithmetic._asdict(),
    }
    lines = [
        f"{store}: {'finished' if finished else 'not finished'}, "
        f"{done:,} of {counted(shards, 'shard')}",
        *lines,
        f"arithmetic  {arithmetic.kernel} {arithmetic.precision} on {arithmetic.device}, "
        f"revision {arithmetic.revision}",
        f"fingerprint {fingerprint}",
    ]
    result("\n".join(lines), record, as_json)


def _levels(store: "Store", found: "Found") -> tuple[dict[str, Any], list[str]]:
    levels = [
        {
            "level": level.index,
            "width": level.width,
            "height": level.height,
            "shards": level.rows * level.cols,
            "done": found[level.index],
        }
        for level in store.plan.levels
    ]
    lines = [
        f"level {x['level']:2}  {x['width']:>10} × {x['height']:<10}  "
        f"{x['done']:,} of {counted(x['shards'], 'shard')}"
        for x in levels
    ]
    return {"levels": levels}, lines


def _frames(store: "FilmStore", found: "Found") -> tuple[dict[str, Any], list[str]]:
    plan, fps = store.plan, store.timeline.film.fps
    level = plan.still.levels[0]
    clips = [plan.clip_of(frame) for frame in range(plan.frames)]
    record = {
        "width": level.width,
        "height": level.height,
        "fps": str(fps),
        "frames": plan.frames,
        "frames_done": sum(found[frame] == level.rows * level.cols for frame in range(plan.frames)),
        "frames_in_clips": sum(found[clip] for clip in clips if clip),
    }
    line = (
        f"frames      {record['frames_done']} of {plan.frames}, {level.width} × {level.height} "
        f"at {fps} a second"
    )
    if plan.clip is not None:
        line += f"; {record['frames_in_clips']} of them in clips"
    return record, [line]
