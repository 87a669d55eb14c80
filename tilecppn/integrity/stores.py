"""Verifies the store of a still or a film, and repairs it from its own scene."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tilecppn.cancellation import ShouldStop
from tilecppn.errors import RenderError, StoreError
from tilecppn.film.animate import repair_film
from tilecppn.film.rescue import rescue_film
from tilecppn.film.store import FilmStore, open_store
from tilecppn.film.timeline.timeline import Timeline, load_timeline
from tilecppn.integrity.report import Progress, StoreReport
from tilecppn.plan import Task
from tilecppn.run import events
from tilecppn.run.rescue import rescue_store
from tilecppn.run.task_queue import RunResult
from tilecppn.run.verify import find_damage, repair_store
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

MOST_MISSING = 100_000  # shards that are missing and listed, one by one


def verify_store(
    path: Path,
    repair: bool,
    scene: Scene | Timeline | str | Path | None,
    workers: int | None,
    progress: Progress,
    listeners: Sequence[events.Listener],
    stopping: ShouldStop,
) -> StoreReport:
    """Find what is damaged in a store, and draw it again if so asked."""
    store, rescued = _open(path, repair, scene)
    wrong = store.invalid_metadata()
    if wrong and repair:
        with store.lock():
            pass  # locking a store repairs its metadata
    lacking = _lacking(store)
    tasks, total = _there(store, lacking)
    done = 0

    def counted(pixels: int) -> None:
        nonlocal done
        done += pixels
        progress("verify", done, total, "Mpixel")

    counted(0)
    damage = find_damage(
        store,
        tasks,
        unread=set() if repair else {str(Path(file).parent) for file in wrong},
        workers=workers,
        counted=counted,
        stopping=stopping,
    )
    found = StoreReport(path, damage, tuple(wrong), lacking, _remedy(store), rescued)
    if found.sound or not repair:
        return found
    rendered = 0
    if damage or lacking:
        progress("repair", 0, store.plan.pixels, "Mpixel")
        rendered = _repair(store, damage, workers, listeners, stopping).rendered
    again: Any = open_store(path)
    if again.invalid_metadata() or any(map(again.damage, damage)):
        raise RenderError(f"{path}: is still damaged after its repair; render it anew")
    return replace(found, rendered=rendered)


def _open(
    path: Path, repair: bool, scene: Scene | Timeline | str | Path | None
) -> tuple[Store | FilmStore, bool]:
    """Open a store, and say whether it had to be rescued first. Raises StoreError."""
    picture = _picture(scene)
    try:
        store = open_store(path)
    except StoreError:
        if not repair:
            raise
        if isinstance(picture, Timeline):
            rescue_film(path, picture)
        else:
            rescue_store(path, picture)
        return open_store(path), True
    match store, picture:
        case Store(), Scene():
            store.check(picture)
        case FilmStore(), Timeline():
            store.check(picture)
        case _, (Scene() | Timeline()):
            kinds = ("a still", "a film") if isinstance(store, Store) else ("a film", "a still")
            raise StoreError(f"{path}: holds {kinds[0]}, not {kinds[1]}; give its own scene")
    return store, False


def _picture(scene: Scene | Timeline | str | Path | None) -> Scene | Timeline | None:
    if scene is None or isinstance(scene, Scene | Timeline):
        return scene
    return load_timeline(scene) or Scene.load(scene)


def _lacking(store: Store | FilmStore) -> dict[int, int]:
    """How many shards of each level are missing, if they are too many to be listed; else nothing.

    A canvas may have 10¹¹ shards, of which a few are there.
    """
    if isinstance(store, FilmStore) or store.plan.shards <= MOST_MISSING:
        return {}
    found = {
        level.index: level.rows * level.cols - store.count_done(level.index)
        for level in store.plan.levels
    }
    return found if sum(found.values()) > MOST_MISSING else {}


def _there(store: Store | FilmStore, lacking: Mapping[int, int]) -> tuple[Iterable[Task], int]:
    """What is to be read: all, or what is there where much is missing; and its pixels."""
    pixels = store.plan.pixels
    if isinstance(store, FilmStore) or not lacking:
        return store.plan.order(), pixels
    level = store.plan.levels[0]
    there = (shard for level in store.plan.levels for shard in store.stored(level.index))
    return there, min(pixels, (level.rows * level.cols - lacking[0]) * level.shard**2)


def _remedy(store: Store | FilmStore) -> str:
    if isinstance(store, FilmStore) and store.plan.clip is not None:
        return "run the same tilecppn animate again"
    return f"tilecppn verify {store.path} --repair"


def _repair(
    store: Store | FilmStore,
    damage: Mapping[Task, str],
    workers: int | None,
    listeners: Sequence[events.Listener],
    stopping: ShouldStop,
) -> RunResult:
    if isinstance(store, Store):
        return repair_store(store, damage, workers=workers, listeners=listeners, stopping=stopping)
    return repair_film(store, damage, workers=workers, listeners=listeners, stopping=stopping)
