"""Renders a scene into a store: checks the request, starts workers, runs the coordinator."""

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeVar

from tilecppn import kernels
from tilecppn.addresses import AnyPath, as_path
from tilecppn.errors import Interrupted, RenderError, StoreError
from tilecppn.formatting import counted
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Plan, TaskGraph
from tilecppn.run import events
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.estimates import check_disk, check_fits
from tilecppn.run.executors import EXECUTORS, choose, runs_here
from tilecppn.run.executors.base import Executor, local_worker_layout
from tilecppn.run.jobs import Job, WorkerInfo
from tilecppn.run.options import RunOptions
from tilecppn.run.render_job import RenderJob, Tiler
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.task_queue import RunResult, TaskStore
from tilecppn.scene.scene import Scene, as_scene
from tilecppn.storage.base_store import is_store
from tilecppn.storage.disk_storage import sweep_beside
from tilecppn.storage.local_locks import local_locks
from tilecppn.storage.store import Store


def render(
    scene: Scene | AnyPath,
    path: str | Path,
    *,
    executor: str = "auto",
    address: str | None = None,
    workers: int | None = None,
    kernel: str = "auto",
    overwrite: bool = False,
    policy: RetryPolicy | None = None,
    listeners: Sequence[events.Listener] = (),
    gpus_per_worker: float = 1.0,
) -> Store:
    """Render `scene` and build all levels into the Zarr store at `path`; run again to resume.

    scene: a Scene, or a path that `Scene.load` takes.
    executor: "local" threads, "ray" actors, or "auto".
    address: of a Ray cluster.
    workers: how many; None for one per CPU core, or per GPU, which gets its share of the cores.
    kernel: what evaluates the network: "auto", or a name of `tilecppn.kernels.KERNELS`.
    overwrite: replace an existing tilecppn store.
    policy: how failures are handled; None for `RetryPolicy()`.
    listeners: called with each event of `tilecppn.run.events`.
    gpus_per_worker: fraction of a GPU that a Ray actor reserves; below 1, several share one.

    Raises InvalidRequestError (nothing was done), RenderError (finished shards are kept) or
    Interrupted.
    """
    run = RunOptions(
        executor, address, workers, kernel, overwrite, policy, listeners, gpus_per_worker
    )
    store, outcome = render_to(as_scene(scene), path, run)
    require_complete(outcome)
    return store


def render_to(
    scene: Scene, path: str | Path, run: RunOptions, tiler: Tiler | None = None
) -> tuple[Store, RunResult]:
    """Render like `render`; also return the result, and raise nothing for failed shards.

    tiler: receives each shard's pixels before the shard is stored.
    """
    path = as_path(path)
    plan = Plan.of(scene.canvas, scene.output, scene.channels)
    check_request(plan, scene.output.precision, run)
    job = RenderJob(
        scene=scene.to_toml(),
        weights=scene.cppn.to_bytes(),
        store=str(path.absolute()),
        kernel=run.kernel,
        tiler=tiler,
    )
    store = Store(path) if is_store(path) else None
    if store is None:
        check_disk(plan, path)
    elif run.overwrite:
        store.check_safe_to_overwrite()
    else:
        store.check(scene)
        if store.scene.about != scene.about:
            Store.rewrite(path, scene, store.arithmetic)
            store = Store(path)

    def make(arithmetic: Arithmetic) -> AbstractContextManager[Store]:
        sweep_beside(path)
        return Store.create(path, scene, arithmetic, overwrite=store is not None)

    return run_job(job, plan, store, make, network=scene.cppn.sha256, run=run)


def check_request(plan: Plan, precision: str, run: RunOptions) -> None:
    """Raise InvalidRequestError if the options are wrong or this machine cannot carry them out.

    precision: `output.precision` of the scene.
    """
    name = choose(run.executor, run.address)
    if runs_here(name, run.address):
        # Workers on other machines check for themselves.
        here = local_worker_layout(name, run.workers, run.kernel, run.gpus_per_worker)
        check_fits(plan, here.workers, threads=here.threads)
        kernels.require(run.kernel, precision)
    kernels.resolve(run.kernel)  # a wrong name is refused here; "auto" is decided by each worker


class RunStore(TaskStore, Protocol):
    """The part of a store that a run uses; a BaseStore or a Batch."""

    path: Path

    def lock(self) -> AbstractContextManager[None]:
        """Hold the store's lock for the block."""

    def check_arithmetic(self, arithmetic: Arithmetic) -> None:
        """Raise InvalidRequestError if the store was begun with another arithmetic."""

    def note_written(self, task: Any, /) -> None:
        """Remember that a worker has written a task's file, for `sync`."""

    def sync(self) -> None:
        """Sync the folders of files that workers wrote, to survive a power cut."""

    def check_in_place(self) -> None:
        """Raise StoreError if the store was moved or replaced."""


S = TypeVar("S", bound=RunStore)


def run_job(
    job: Job,
    plan: TaskGraph,
    store: S | None,
    make: Callable[[Arithmetic], AbstractContextManager[S]],
    *,
    network: str,
    run: RunOptions,
    resume_hint: str | None = None,
) -> tuple[S, RunResult]:
    """Run every task of `plan` that is not in its store yet, with a new executor.

    store: the existing store, if any.
    make: creates a new store and holds its lock, if there is none or it is to be overwritten.
    network: the hash of the weights that every worker must report.
    resume_hint: the instruction to resume after a stop; None for `run.resume_hint`.

    Raises InvalidRequestError, RenderError, or Interrupted, also for a KeyboardInterrupt.
    """
    name = choose(run.executor, run.address)
    resume_hint = resume_hint or run.resume_hint
    current = None if run.overwrite else store  # the store of this run, once it exists

    def admit(worker: WorkerInfo) -> None:
        _check_worker(worker, network, has_gpu=executor is not None and executor.gpus > 0)
        if current is not None:
            current.check_arithmetic(worker.arithmetic)

    def emit(event: events.Event) -> None:
        if isinstance(event, events.TaskDone):
            assert current is not None
            current.note_written(event.task)
        brought = executor.listeners if executor is not None else ()
        for listener in (events.log, *run.listeners, *brought):
            listener(event)

    executor: Executor | None = None
    with contextlib.ExitStack() as stack:
        if store is not None:
            stack.enter_context(store.lock())
        try:
            executor = EXECUTORS[name](job, run)
            coordinator = Coordinator(
                executor, policy=run.policy, emit=emit, stopping=run.stopping, admit=admit
            )
            # Threads of one process are alike: the first may decide.
            majority = current is None and executor.remote
            arithmetic = coordinator.start(majority=majority).arithmetic
            if current is None:
                current = stack.enter_context(make(arithmetic))
            for task in run.discard:
                current.delete(task)
            if reason := local_locks(current.path):
                emit(events.LocksAreLocal(reason))
            emit(events.RunStarted(plan, name, executor.workers, executor.threads, arithmetic))
            shuffle = None if run.shuffle is None else Random(run.shuffle)
            result = coordinator.run(plan, current, plan.order(shuffle))
            result.resume_hint = resume_hint
            current.sync()
        except KeyboardInterrupt:
            raise Interrupted(f"stopped; {_what_is_kept(current, resume_hint)}") from None
        except RenderError as error:
            if current is None:
                raise
            raise type(error)(f"{error}; {_what_is_kept(current, resume_hint)}") from error
        finally:
            if executor is not None:
                executor.stop()  # while the lock is held
        return current, result


def _check_worker(worker: WorkerInfo, network: str, *, has_gpu: bool) -> None:
    """Raise RenderError if a worker has another network, or cannot use its GPU."""
    if worker.network != network:
        raise RenderError(
            f"{worker.location} holds other weights; install the same version everywhere"
        )
    if has_gpu and worker.arithmetic.device == "cpu":
        raise RenderError(
            f"{worker.location} holds a GPU of Ray's but finds no CUDA there: mend its driver "
            'or torch (pip install "tilecppn[cuda]"), or draw on CPUs with --kernel llvm'
        )


def _what_is_kept(store: RunStore | None, resume_hint: str) -> str:
    if store is None:
        return "nothing was begun or replaced"
    try:
        store.check_in_place()
    except StoreError:
        return "what was finished is kept where the store is now, if it was moved"
    return f"what is finished is kept in {store.path}: {resume_hint} to go on"


def require_complete(result: RunResult) -> None:
    """Raise RenderError, naming the tasks, if some failed."""
    if not result.failed:
        return
    named = "; ".join(f"{task.name}: {why}" for task, why in list(result.failed.items())[:3])
    more = f" and {len(result.failed) - 3} more" if len(result.failed) > 3 else ""
    above = f"; {result.unbuilt} that need them were not tried" if result.unbuilt else ""
    raise RenderError(
        f"{counted(len(result.failed), 'task')} failed ({named}{more}){above}; all others are "
        f"done: {result.resume_hint} to try again"
    )
