"""Scene → store: the whole run."""

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import TypeVar

from tilecppn import kernels
from tilecppn.errors import Interrupted, RenderError
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Plan, TaskGraph
from tilecppn.run import events
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.estimates import check_disk, check_fits
from tilecppn.run.executors import EXECUTORS, Executor, choose, local_worker_layout, runs_here
from tilecppn.run.jobs import Job, WorkerInfo
from tilecppn.run.options import RunOptions
from tilecppn.run.render_job import RenderJob, Tiler
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.task_queue import RunResult
from tilecppn.scene.scene import Scene, as_scene
from tilecppn.storage.directory import StoreDirectory, is_store
from tilecppn.storage.store import Store


def render(
    scene: Scene | str | Path,
    path: str | Path,
    *,
    executor: str = "auto",
    address: str | None = None,
    workers: int | None = None,
    kernel: str = "auto",
    overwrite: bool = False,
    policy: RetryPolicy | None = None,
    listeners: Sequence[events.Listener] = (),
) -> Store:
    """Render `scene` and build all levels into the Zarr store at `path`; run again to resume.

    scene: a Scene, or a path that `Scene.load` takes.
    executor: "local" threads, "ray" actors, or "auto". address: of a Ray cluster.
    workers: how many; None for one a core, or a GPU, which is given its share of the cores.
    overwrite: replace a store of ours that is there.

    Raises InvalidRequestError (nothing was done), RenderError (finished shards are kept) or
    Interrupted.
    """
    run = RunOptions(executor, address, workers, kernel, overwrite, policy, listeners)
    store, outcome = render_to(as_scene(scene), path, run)
    require_complete(outcome)
    return store


def render_to(
    scene: Scene, path: str | Path, run: RunOptions, tiler: Tiler | None = None
) -> tuple[Store, RunResult]:
    """As `render`, but with the outcome, and without an error for shards that failed.

    `tiler` is given each shard's pixels before the shard is stored.
    """
    path = Path(path)
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

    def make(arithmetic: Arithmetic) -> AbstractContextManager[Store]:
        return Store.making(path, scene, arithmetic, overwrite=store is not None)

    return run_job(job, plan, store, make, path=path, network=scene.cppn.sha256, run=run)


def check_request(plan: Plan, precision: str, run: RunOptions) -> None:
    """Raise InvalidRequestError where the run's choices are wrong, or this machine has not what
    they need.

    `precision` is `output.precision`.
    """
    name = choose(run.executor, run.address)
    if runs_here(name, run.address):
        here = local_worker_layout(name, run.workers)  # else they are on other machines
        check_fits(plan, here.workers, threads=here.threads)
        kernels.require(run.kernel, precision)
    kernels.resolve(run.kernel)  # a wrong name is refused here; "auto" is decided by each worker


S = TypeVar("S", bound=StoreDirectory)


def run_job(
    job: Job,
    plan: TaskGraph,
    store: S | None,
    make: Callable[[Arithmetic], AbstractContextManager[S]],
    *,
    path: Path,
    network: str,
    run: RunOptions,
    resume_hint: str | None = None,
) -> tuple[S, RunResult]:
    """Bring every task of `plan` into the store at `path`, with an executor of its own.

    `store` is the one that is there, None if none is; without one, or to overwrite it, `make`
    gives a new one with its lock held. `network` is the hash that every worker must report.
    `resume_hint` is what a person does to go on after a stop, where it is not `run.resume_hint`.
    """
    name = choose(run.executor, run.address)
    found = None if run.overwrite else store

    def admit(worker: WorkerInfo) -> None:
        if worker.network != network:
            raise RenderError(
                f"{worker.location} holds other weights; install the same version everywhere"
            )
        if found is not None:
            found.check_arithmetic(worker.arithmetic)

    def emit(event: events.Event) -> None:
        for listener in (events.log, *run.listeners):
            listener(event)

    begun = found is not None  # else what is there, if anything, is not this run's
    resume_hint = resume_hint or run.resume_hint
    kept = f"what is finished is kept in {path}: {resume_hint} to go on"
    with contextlib.ExitStack() as stack:
        if store is not None:
            stack.enter_context(store.lock())
        workforce: Executor | None = None
        try:
            workforce = EXECUTORS[name](job, run.workers, run.address)
            coordinator = Coordinator(
                workforce, policy=run.policy, emit=emit, stopping=run.stopping, admit=admit
            )
            workforce.start()
            arithmetic = coordinator.wait_for_first_worker().arithmetic
            if store is None or run.overwrite:
                store = stack.enter_context(make(arithmetic))
                begun = True
            for task in run.discard:
                store.delete(task)
            count, threads = workforce.workers, workforce.threads
            emit(events.RunStarted(plan, workforce.name, count, threads, arithmetic))
            mixed = None if run.shuffle is None else Random(run.shuffle)
            outcome = coordinator.run(plan, store, plan.order(mixed))
            outcome.resume_hint = resume_hint
        except KeyboardInterrupt:
            raise Interrupted(
                f"stopped; {kept if begun else 'nothing was begun or replaced'}"
            ) from None
        except RenderError as error:
            if not begun:
                raise
            raise type(error)(f"{error}; {kept}") from error
        finally:
            if workforce is not None:
                workforce.stop()  # while the lock is held
        return store, outcome


def require_complete(outcome: RunResult) -> None:
    """Raise RenderError, naming the shards, if some could not be rendered."""
    if not outcome.failed:
        return
    named = "; ".join(f"{s.name}: {why}" for s, why in list(outcome.failed.items())[:3])
    more = f" and {len(outcome.failed) - 3} more" if len(outcome.failed) > 3 else ""
    raise RenderError(
        f"{len(outcome.failed)} shards failed ({named}{more}); {outcome.unbuilt} above them were "
        f"not built; all others are done: {outcome.resume_hint} to try them once more"
    )
