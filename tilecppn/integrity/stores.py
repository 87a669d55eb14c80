"""Verifies the store of a still or a film, and repairs it from its own scene."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Any

from tilecppn import machine
from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import Interrupted, RenderError, StoreError
from tilecppn.film.animate import repair_film
from tilecppn.film.rescue import rescue_film
from tilecppn.film.store import FilmStore, open_store
from tilecppn.film.timeline.timeline import Timeline, load_timeline
from tilecppn.integrity.report import Progress, StoreReport
from tilecppn.plan import Shard, Task
from tilecppn.run import events
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render_to, require_complete
from tilecppn.run.rescue import rescue_store
from tilecppn.run.task_queue import RunResult
from tilecppn.scene.scene import Scene
from tilecppn.storage.base_store import BaseStore
from tilecppn.storage.store import Store

MOST_MISSING = 100_000  # missing shards that are listed one by one
SAME_FILM = "run the same tilecppn animate again"


def verify_store(
    path: Path,
    repair: bool,
    scene: Scene | Timeline | str | Path | None,
    workers: int | None,
    progress: Progress,
    listeners: Sequence[events.Listener],
    stopping: ShouldStop,
) -> StoreReport:
    """Find what is damaged in a store, and repair it if `repair`."""
    store, rescued = _open(path, repair, scene)
    wrong = store.invalid_metadata()
    if wrong and repair:
        with store.lock():
            pass  # locking a store repairs its metadata
    missing = _missing_by_level(store)
    tasks, total = _tasks_to_read(store, missing)
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
    found = StoreReport(
        path,
        damage,
        tuple(wrong),
        missing,
        remedy=_remedy(store),
        tasks=store.plan.tasks,
        resume=_resume(store),
        rescued=rescued,
    )
    if found.sound or not repair:
        return found
    rendered = 0
    if damage or missing:
        progress("repair", 0, store.plan.pixels, "Mpixel")
        run = RunOptions(
            executor="local",
            workers=workers,
            kernel=store.arithmetic.kernel,
            listeners=listeners,
            discard=list(damage),
            stopping=stopping,
        )
        rendered = _rerender(store, run).rendered
    again: Any = open_store(path)
    if again.invalid_metadata() or any(map(again.damage, damage)):
        raise RenderError(f"{path}: is still damaged after its repair; render it anew")
    return replace(found, rendered=rendered)


def _open(
    path: Path, repair: bool, scene: Scene | Timeline | str | Path | None
) -> tuple[Store | FilmStore, bool]:
    """Open a store; return it, and whether it had to be rescued first. Raises StoreError."""
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


def _missing_by_level(store: Store | FilmStore) -> dict[int, int]:
    """Return the number of missing shards of each level, if too many to be listed; else {}.

    A canvas may have 10¹¹ shards, of which a few exist.
    """
    if isinstance(store, FilmStore) or store.plan.shards <= MOST_MISSING:
        return {}
    found = {
        level.index: level.rows * level.cols - store.count_done(level.index)
        for level in store.plan.levels
    }
    return found if sum(found.values()) > MOST_MISSING else {}


def _tasks_to_read(
    store: Store | FilmStore, missing: Mapping[int, int]
) -> tuple[Iterable[Task], int]:
    """Return the tasks to read: all, or existing ones if many are missing; and their pixels."""
    pixels = store.plan.pixels
    if isinstance(store, FilmStore) or not missing:
        return store.plan.order(), pixels
    level = store.plan.levels[0]
    there = (shard for level in store.plan.levels for shard in store.stored(level.index))
    return there, min(pixels, (level.rows * level.cols - missing[0]) * level.shard**2)


def _rerender(store: Store | FilmStore, run: RunOptions) -> RunResult:
    """Delete what `run` discards, and draw everything missing, with all ancestors.

    Raises StoreError if the store is being rendered, or was begun with another arithmetic.
    """
    if isinstance(store, FilmStore):
        outcome = repair_film(store, run)
    else:
        _, outcome = render_to(store.scene, store.path, run)
    require_complete(outcome)
    return outcome


def _remedy(store: Store | FilmStore) -> str:
    if isinstance(store, FilmStore) and store.plan.clip is not None:
        return SAME_FILM
    return f"tilecppn verify {store.path} --repair"


def _resume(store: Store | FilmStore) -> str:
    """Return how to finish a store whose last task is not done; "" if it is done."""
    if isinstance(store, Store):
        last = Shard(len(store.plan.levels) - 1, 0, 0)  # built when all others exist
        return "" if store.has(last) else "run tilecppn render again"
    clip = store.plan.clip_of(store.plan.frames - 1)
    done = all(map(store.has, store.plan.frame_shards(store.plan.frames - 1)))
    return "" if done and (clip is None or store.has(clip)) else SAME_FILM


def find_damage(
    store: BaseStore,
    tasks: Iterable[Task],
    *,
    unread: Collection[str] = (),
    workers: int | None = None,
    counted: Callable[[int], object] = lambda pixels: None,
    stopping: ShouldStop = never,
) -> dict[Task, str]:
    """Read the files of tasks in a store; return those that are "damaged" or "missing".

    unread: names of arrays whose tasks are skipped. counted: called with the pixels of each task.

    Raises Interrupted.
    """
    threads = workers or machine.cores()
    numbered = enumerate(tasks)
    found: dict[tuple[int, Task], str] = {}
    taking = Lock()

    def read() -> None:
        own = store.for_thread()
        while not stopping():
            with taking:
                number, task = next(numbered, (-1, None))
            if task is None:
                return
            array = store.name(task).partition("/")[0]
            damage = None if array in unread else own.damage(task)
            with taking:
                if damage is not None:
                    found[number, task] = damage
                counted(store.plan.pixels_of(task))

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(read) for _ in range(threads)]:
            done.result()
    if stopping():
        raise Interrupted("stopped")
    return {task: found[number, task] for number, task in sorted(found, key=itemgetter(0))}
