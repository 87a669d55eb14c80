"""`tilecppn verify`: find and repair damaged shards."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilecppn.cli.common import (
    OUTPUT,
    json_option,
    load,
    load_timeline,
    open_store,
    result,
    workers_option,
)
from tilecppn.cli.signals import stop_request
from tilecppn.formatting import counted

if TYPE_CHECKING:
    from tilecppn.film.store import FilmStore
    from tilecppn.plan import Task
    from tilecppn.run.task_queue import RunResult
    from tilecppn.storage.directory import StoreDirectory
    from tilecppn.storage.store import Store

NAMED = 20  # missing shards of a level


@click.command()
@click.argument("store", type=OUTPUT)
@click.option("--repair", is_flag=True, help="Render damaged or missing shards again.")
@click.option(
    "--scene",
    type=OUTPUT,
    help="With --repair: the scene or timeline of a store whose own is lost.",
)
@workers_option
@json_option
def command(
    store: Path, repair: bool, scene: Path | None, workers: int | None, as_json: bool
) -> None:
    """Read all of STORE, of a still or a film, and list every damaged or missing file.

    Exits 1 if there are any, unless --repair has repaired them. What identifies a store, its scene
    and weights, is kept twice; where both copies are lost, give the scene that it was begun with.

    \b
    tilecppn verify poster.zarr
    tilecppn verify film.zarr --repair
    tilecppn verify poster.zarr --repair --scene poster.toml
    """
    from tilecppn.cli.progress import Meter
    from tilecppn.errors import InvalidRequestError, RenderError
    from tilecppn.run.verify import find_damage

    if scene is not None and not repair:
        raise InvalidRequestError("--scene is for --repair; add it, or leave --scene out")
    opened, rescued = _open(store, repair, scene)
    wrong = opened.invalid_metadata()
    if wrong and repair:
        with opened.lock():
            pass  # locking a store mends its metadata
    with Meter("verify") as meter:
        unread = set() if repair else {str(Path(file).parent) for file in wrong}
        damage = find_damage(
            opened, unread=unread, workers=workers, meter=meter, stopping=stop_request()
        )
    record: dict[str, Any] = {
        "store": str(store),
        "invalid_metadata": wrong,
        "damaged": [_place(task) for task, what in damage.items() if what == "damaged"],
        "missing": [_place(task) for task, what in damage.items() if what == "missing"],
    }
    lines = [f"{file}: missing, damaged or wrong" for file in wrong]
    lines += _told(damage)
    if rescued:
        record["rescued"] = True
        lines.append(f"{store}: what identifies it was damaged; written anew")
    if not (wrong or damage):
        lines.append(f"{store}: complete and undamaged")
    elif repair:
        rendered = _repair(opened, damage, workers).rendered if damage else 0
        record["rendered"] = rendered
        again = open_store(store)
        if again.invalid_metadata() or _is_damaged(again, damage):
            raise RenderError(f"{store}: is still damaged after its repair; render it anew")
        lines.append(f"{store}: repaired, {counted(rendered, 'shard')} rendered again")
    else:
        what = [counted(len(wrong), "metadata file")] if wrong else []
        what += [counted(len(damage), "shard")] if damage or not wrong else []
        lines.append(f"{store}: {' and '.join(what)} to repair: {_remedy(store, opened)}")
    result("\n".join(lines), record, as_json)
    if (wrong or damage) and not repair:
        raise SystemExit(1)


def _open(path: Path, repair: bool, scene: Path | None) -> "tuple[Store | FilmStore, bool]":
    """Open a store, and say whether it had to be rescued first. Raises StoreError."""
    from tilecppn.errors import StoreError
    from tilecppn.film.rescue import rescue_film
    from tilecppn.run.rescue import rescue_store

    timeline = None if scene is None else load_timeline(scene, ())
    picture = load(scene, ()) if scene is not None and timeline is None else None
    try:
        store: Any = open_store(path)
    except StoreError:
        if not repair:
            raise
        if timeline is not None:
            rescue_film(path, timeline)
        else:
            rescue_store(path, picture)
        return open_store(path), True
    if (given := timeline or picture) is not None:
        store.check(given)
    return store, False


def _is_damaged(store: "StoreDirectory", tasks: "Iterable[Task]") -> bool:
    return any(store.damage(task) for task in tasks)


def _told(damage: "Mapping[Task, str]") -> list[str]:
    """List the damage, a line per task; many missing ones of a kind are counted."""
    missing = Counter(_group(task) for task, what in damage.items() if what == "missing")
    many = {group: count for group, count in sorted(missing.items()) if count > NAMED}
    return [
        *(f"{group}: {count:,} missing" for group, count in many.items()),
        *(
            f"{task.name}: {what}"
            for task, what in damage.items()
            if what != "missing" or _group(task) not in many
        ),
    ]


def _group(task: "Task") -> str:
    from tilecppn.film.plan import ClipTask
    from tilecppn.plan import Shard

    if isinstance(task, Shard):
        return f"shards of level {task.level}"
    return "clips" if isinstance(task, ClipTask) else "shards of frames"


def _place(task: "Task") -> list[int]:
    """Level, row and column, and a film's frame; a clip is on level 1."""
    from tilecppn.film.plan import ClipTask, FrameShard

    match task:
        case FrameShard(frame, row, col):
            return [0, row, col, frame]
        case ClipTask(first):
            return [1, 0, 0, first]
    assert isinstance(task, tuple)
    return list(task)


def _remedy(path: Path, store: "Store | FilmStore") -> str:
    from tilecppn.film.store import FilmStore

    if isinstance(store, FilmStore) and store.plan.clip is not None:
        return "run the same tilecppn animate again"
    return f"tilecppn verify {path} --repair"


def _repair(
    store: "Store | FilmStore", damage: "Mapping[Task, str]", workers: int | None
) -> "RunResult":
    from tilecppn.cli.run_meter import RenderMeter
    from tilecppn.film.animate import repair_film
    from tilecppn.run.verify import repair_store
    from tilecppn.storage.store import Store

    with RenderMeter("repair") as meter:
        if isinstance(store, Store):
            return repair_store(
                store, damage, workers=workers, listeners=[meter], stopping=stop_request()
            )
        return repair_film(
            store, damage, workers=workers, listeners=[meter], stopping=stop_request()
        )
