"""`tilecppn verify`: find and repair what is damaged in a store or an export."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilecppn.addresses import BucketPath
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

MOST_MISSING = 100_000  # shards that are missing and listed, one by one
NAMED = 20  # missing shards of a level
LISTED = 200  # files of an export


@click.command()
@click.argument("path", type=OUTPUT)
@click.option("--repair", is_flag=True, help="Make damaged or missing files again.")
@click.option(
    "--scene",
    type=OUTPUT,
    help="With --repair: the scene or timeline of a store whose own is lost.",
)
@click.option("--store", type=OUTPUT, help="With --repair: the store that an export was made from.")
@workers_option
@json_option
def command(
    path: Path,
    repair: bool,
    scene: Path | None,
    store: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Read all of PATH, a store or an export, and list every damaged or missing file.

    Exits 1 if there are any, unless --repair has repaired them. What identifies a store, its scene
    and weights, is kept twice; where both copies are lost, give the scene that it was begun with.
    An export is repaired from its store.

    \b
    tilecppn verify poster.zarr
    tilecppn verify film.zarr --repair
    tilecppn verify poster.zarr --repair --scene poster.toml
    tilecppn verify poster.dzi --repair --store poster.zarr
    """
    from tilecppn.errors import InvalidRequestError
    from tilecppn.exporters.export import EXPORTERS
    from tilecppn.exporters.options import suffix_of
    from tilecppn.exporters.verify import is_export
    from tilecppn.storage.identity import attributes

    for name, given in (("--scene", scene), ("--store", store)):
        if given is not None and not repair:
            raise InvalidRequestError(f"{name} is for --repair; add it, or leave {name} out")
    in_bucket = isinstance(path, BucketPath)
    if not in_bucket and attributes(path) is None and is_export(path) and path.suffix != ".toml":
        if scene is not None:
            raise InvalidRequestError("--scene is for stores; an export is repaired with --store")
        if repair and store is None:
            raise InvalidRequestError(f"{path}: an export; give its store, too: --store STORE")
        _verify_export(path, store, workers, as_json)
    elif in_bucket and attributes(path) is None and suffix_of(path) in EXPORTERS:
        raise InvalidRequestError(
            f"{path}: verify reads exports on a disk alone; download it first"
        )
    elif store is not None:
        raise InvalidRequestError("--store is for exports; a store is repaired with --scene")
    else:
        _verify_store(path, repair, scene, workers, as_json)


def _verify_export(path: Path, store: Path | None, workers: int | None, as_json: bool) -> None:
    """Verify an export, and repair it from `store` if there is one."""
    from tilecppn import machine
    from tilecppn.cli.progress import Meter
    from tilecppn.errors import ExportError, RenderError
    from tilecppn.exporters.parallel import Threads
    from tilecppn.exporters.repair import repair_export
    from tilecppn.exporters.verify import (
        DAMAGED,
        FOREIGN,
        MISSING,
        check_made_here,
        find_export_damage,
        outputs_of,
        size_of,
    )

    if not any(output.exists() for output in outputs_of(path)):
        raise ExportError(f"{path}: does not exist")
    if store is None:  # else a person says that it was made from there
        check_made_here(path)

    def find(what: str) -> "dict[Path, str]":
        with Meter(what, unit="MB") as meter:
            meter.begin(size_of(path))
            return find_export_damage(path, meter.add, stop_request())

    damage = find("verify")
    lines = [f"{file}: {what}" for file, what in list(damage.items())[:LISTED]]
    if len(damage) > LISTED:
        lines.append(f"… and {len(damage) - LISTED:,} more")
    record: dict[str, Any] = {
        "export": str(path),
        **{
            name: [str(file) for file, what in damage.items() if what == name]
            for name in (DAMAGED, MISSING, FOREIGN)
        },
    }
    if damage and store is not None:
        with Meter("repair") as meter:
            threads = Threads(workers or machine.cores(), meter.progress, stop_request())
            repair_export(path, damage, store, threads)
        if left := find("verify again"):
            file, what = next(iter(left.items()))
            more = f", and {len(left) - 1:,} more" if len(left) > 1 else ""
            raise RenderError(f"{file}: is still {what}{more}; export it again")
        record["repaired"] = len(damage)
        lines.append(f"{path}: repaired, {counted(len(damage), 'file')} made again")
    elif damage:
        lines.append(
            f"{path}: {counted(len(damage), 'file')} to repair: tilecppn verify {path} --repair "
            "--store STORE, or export it again"
        )
    else:
        lines.append(f"{path}: complete and undamaged")
    result("\n".join(lines), record, as_json)
    if damage and store is None:
        raise SystemExit(1)


def _verify_store(
    store: Path, repair: bool, scene: Path | None, workers: int | None, as_json: bool
) -> None:
    """Verify a store, and repair it if so asked."""
    from tilecppn.cli.progress import Meter
    from tilecppn.errors import RenderError
    from tilecppn.run.verify import find_damage

    opened, rescued = _open(store, repair, scene)
    wrong = opened.invalid_metadata()
    if wrong and repair:
        with opened.lock():
            pass  # locking a store repairs its metadata
    with Meter("verify") as meter:
        unread = set() if repair else {str(Path(file).parent) for file in wrong}
        lacking = _lacking(opened)
        damage = find_damage(
            opened,
            there=_there(opened) if lacking else None,
            pixels=_pixels_there(opened, lacking),
            unread=unread,
            workers=workers,
            meter=meter,
            stopping=stop_request(),
        )
    record: dict[str, Any] = {
        "store": str(store),
        "invalid_metadata": wrong,
        "damaged": [_place(task) for task, what in damage.items() if what == "damaged"],
        "missing": [_place(task) for task, what in damage.items() if what == "missing"],
    }
    if lacking:  # too many to be listed
        record["missing_of_level"] = lacking
    lines = [f"{file}: missing, damaged or wrong" for file in wrong]
    lines += [f"shards of level {level}: {n:,} missing" for level, n in lacking.items() if n]
    lines += _told(damage)
    if rescued:
        record["rescued"] = True
        lines.append(f"{store}: its metadata and the copy were damaged; written again")
    if not (wrong or damage or lacking):
        lines.append(f"{store}: complete and undamaged")
    elif repair:
        rendered = _repair(opened, damage, workers).rendered if damage or lacking else 0
        record["rendered"] = rendered
        again = open_store(store)
        if again.invalid_metadata() or _is_damaged(again, damage):
            raise RenderError(f"{store}: is still damaged after its repair; render it anew")
        lines.append(f"{store}: repaired, {counted(rendered, 'shard')} rendered again")
    else:
        what = [counted(len(wrong), "metadata file")] if wrong else []
        many = len(damage) + sum(lacking.values())
        what += [counted(many, "shard")] if many or not wrong else []
        lines.append(f"{store}: {' and '.join(what)} to repair: {_remedy(store, opened)}")
    result("\n".join(lines), record, as_json)
    if (wrong or damage or lacking) and not repair:
        raise SystemExit(1)


def _lacking(store: "Store | FilmStore") -> dict[int, int]:
    """How many shards of each level are missing, if they are too many to be listed; else nothing.

    A canvas may have 10¹¹ shards, of which a few are there.
    """
    from tilecppn.storage.store import Store

    if not isinstance(store, Store) or store.plan.shards <= MOST_MISSING:
        return {}
    found = {
        level.index: level.rows * level.cols - store.count_done(level.index)
        for level in store.plan.levels
    }
    return found if sum(found.values()) > MOST_MISSING else {}


def _pixels_there(store: "Store | FilmStore", lacking: "Mapping[int, int]") -> int:
    """Pixels of the canvas whose shards are there; all unless many are missing."""
    from tilecppn.storage.store import Store

    pixels = store.plan.pixels
    if not isinstance(store, Store) or not lacking:
        return pixels
    level = store.plan.levels[0]
    return min(pixels, (level.rows * level.cols - lacking[0]) * level.shard**2)


def _there(store: "Store | FilmStore") -> "Iterable[Task]":
    """The shards that are there, by listing them."""
    from tilecppn.storage.store import Store

    assert isinstance(store, Store)
    return (shard for level in store.plan.levels for shard in store.stored(level.index))


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
