"""Find damage in a store, and repair it from the store's own scene."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from threading import Lock

from tilecppn import machine
from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import Interrupted
from tilecppn.plan import Task
from tilecppn.run import events
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render_to, require_complete
from tilecppn.run.task_queue import RunResult
from tilecppn.storage.directory import StoreDirectory
from tilecppn.storage.store import Store


def find_damage(
    store: StoreDirectory,
    tasks: Iterable[Task],
    *,
    unread: Collection[str] = (),
    workers: int | None = None,
    counted: Callable[[int], object] = lambda pixels: None,
    stopping: ShouldStop = never,
) -> dict[Task, str]:
    """Read tasks of a store; return every one whose file is "damaged" or "missing".

    unread: names of arrays whose tasks are passed over. counted: is told of the pixels of each.

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
            damage = None if _array_of(store, task) in unread else own.damage(task)
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


def _array_of(store: StoreDirectory, task: Task) -> str:
    """The name of the array that a task's file is of."""
    return store.name(task).partition("/")[0]


def repair_store(
    store: Store,
    damage: Mapping[Task, str],
    *,
    workers: int | None = None,
    listeners: Sequence[events.Listener] = (),
    stopping: ShouldStop = never,
) -> RunResult:
    """Delete the shards of `damage` and render what is then missing, with all ancestors.

    Raises StoreError if the store is being rendered, or was begun with another arithmetic.
    """
    run = repair_options(store, damage, workers, listeners, stopping)
    _, outcome = render_to(store.scene, store.path, run)
    require_complete(outcome)
    return outcome


def repair_options(
    store: StoreDirectory,
    damage: Mapping[Task, str],
    workers: int | None,
    listeners: Sequence[events.Listener],
    stopping: ShouldStop,
) -> RunOptions:
    """Return options to draw damaged tasks again, here and with the store's own kernel."""
    return RunOptions(
        executor="local",
        workers=workers,
        kernel=store.arithmetic.kernel,
        listeners=listeners,
        discard=list(damage),
        stopping=stopping,
    )
