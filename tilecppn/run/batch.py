"""Renders many scenes as one run: one set of workers draws each into a store of its own.

The coordinator sees a batch as one plan and one store. A scene's store is opened or created when
its tasks come up, and closed when they are done, so that few are open at a time. A scene whose
store cannot be opened fails alone.
"""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import NamedTuple

from tilecppn.errors import InvalidRequestError, StoreError
from tilecppn.filesystem import error_text
from tilecppn.kernels import Arithmetic, EvaluationContext
from tilecppn.plan import Plan, TaskGraph
from tilecppn.run import events
from tilecppn.run.batch_job import BatchJob, SceneTask
from tilecppn.run.estimates import check_disk
from tilecppn.run.options import RunOptions
from tilecppn.run.render import RunStore, check_request, run_job
from tilecppn.run.task_queue import RunResult
from tilecppn.scene.scene import Scene
from tilecppn.storage.base_store import is_store
from tilecppn.storage.disk_storage import sweep_beside
from tilecppn.storage.store import Store
from tilecppn.version import VERSION


class BatchItem(NamedTuple):
    """A scene of a batch, and the path of its store."""

    scene: Scene
    path: Path

    @property
    def plan(self) -> Plan:
        """The scene's own plan."""
        return Plan.of(self.scene.canvas, self.scene.output, self.scene.channels)


class ItemResult(NamedTuple):
    """The result of one scene: counts of shards; error: why it is not finished, or None."""

    rendered: int
    skipped: int
    error: str | None


@dataclass
class Batch(TaskGraph, RunStore):
    """The plan and the store of a batch, as a run sees them.

    Attributes: items; path, the folder of the stores; overwrite, whether existing stores are
    replaced; errors, by the number of each scene that failed.
    """

    items: Sequence[BatchItem]
    path: Path
    overwrite: bool = False
    errors: dict[int, str] = field(default_factory=dict)
    _open: dict[int, Store] = field(default_factory=dict)
    _locks: dict[int, contextlib.ExitStack] = field(default_factory=dict)
    _counts: defaultdict[int, Counter[type[events.Event]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    _arithmetic: Arithmetic | None = None

    # The plan

    @cached_property
    def plans(self) -> list[Plan]:
        """The plans of the scenes."""
        return [item.plan for item in self.items]

    @cached_property
    def tasks(self) -> int:
        return sum(plan.tasks for plan in self.plans)

    @cached_property
    def pixels(self) -> int:
        return sum(plan.pixels for plan in self.plans)

    def pixels_of(self, task: SceneTask) -> int:
        return self.plans[task.scene].pixels_of(task.shard)

    def parent(self, task: SceneTask) -> SceneTask | None:
        shard = self.plans[task.scene].parent(task.shard)
        return None if shard is None else task._replace(shard=shard)

    def ancestors(self, task: SceneTask) -> Iterator[SceneTask]:
        for shard in self.plans[task.scene].ancestors(task.shard):
            yield task._replace(shard=shard)

    def order(self, shuffle: Random | None = None) -> Iterator[SceneTask]:
        """Yield every task, scene by scene; open each scene's store first, or skip the scene."""
        for number, (item, plan) in enumerate(zip(self.items, self.plans, strict=True)):
            if self._opened(number):
                for shard in plan.order(shuffle):
                    yield SceneTask(number, item.path.name.removesuffix(".zarr"), shard)

    # The store

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Remove what killed runs left; at the end of the block close the stores still open."""
        sweep_beside(*(item.path for item in self.items))
        try:
            yield
        finally:
            self.sync()

    def check_arithmetic(self, arithmetic: Arithmetic) -> None:
        """Raise StoreError if the first scene's store exists and was begun with another."""
        if self.begun is not None:
            self.begun.check_arithmetic(arithmetic)

    @cached_property
    def begun(self) -> Store | None:
        """The first scene's store, if the batch resumes it: the workers must have its arithmetic.

        None otherwise: the workers decide, as for any new store.
        """
        scene, path = self.items[0]
        try:
            if self.overwrite or not is_store(path):
                return None
            store = Store(path)
            store.check(scene)
        except (InvalidRequestError, OSError):  # reported when its turn comes
            return None
        return store

    def has(self, task: SceneTask) -> bool:
        store = self._open.get(task.scene)
        return store is None or store.has(task.shard)

    def delete(self, task: SceneTask) -> None:
        """Delete a task's file; do nothing if its store was moved, which its worker will report."""
        with contextlib.suppress(StoreError):
            self._open[task.scene].delete(task.shard)

    def why_gone(self, task: SceneTask) -> str | None:
        try:
            self._open[task.scene].check_in_place()
        except StoreError as error:
            return str(error)
        return None

    def note_written(self, task: SceneTask) -> None:
        self._open[task.scene].note_written(task.shard)

    def check_in_place(self) -> None:
        for store in self._open.values():
            store.check_in_place()

    def sync(self) -> None:
        """Close the stores that are still open, so that their files survive a power cut."""
        for number in list(self._open):
            self._close(number)

    # Scenes

    def on_event(self, event: events.Event) -> None:
        """Count the outcomes of each scene's tasks, and close the stores of finished scenes."""
        match event:
            case events.RunStarted(arithmetic=arithmetic):
                self._arithmetic = arithmetic
            case (
                events.TaskDone(SceneTask() as task)
                | events.TaskSkipped(SceneTask() as task)
                | events.TaskUnbuilt(SceneTask() as task)
            ):
                self._count(task, event)
            case events.AttemptFailed(SceneTask() as task, reason=reason, final=True):
                self.errors.setdefault(task.scene, f"{task.shard.name}: {reason}")
                self._count(task, event)

    def _count(self, task: SceneTask, event: events.Event) -> None:
        counts = self._counts[task.scene]
        counts[type(event)] += 1
        if counts.total() == self.plans[task.scene].tasks:
            self._close(task.scene)

    def result_of(self, number: int) -> ItemResult:
        """Return the result of a scene."""
        counts = self._counts[number]
        error = self.errors.get(number)
        if error is None and counts.total() < self.plans[number].tasks:
            error = "not finished"
        return ItemResult(counts[events.TaskDone], counts[events.TaskSkipped], error)

    def _opened(self, number: int) -> bool:
        """Open or create a scene's store; on failure keep the error and return False."""
        item, stack = self.items[number], contextlib.ExitStack()
        try:
            self._open[number] = self._open_store(item, stack)
        except (InvalidRequestError, OSError) as error:
            stack.close()
            self.errors[number] = error_text(error) if isinstance(error, OSError) else str(error)
            return False
        self._locks[number] = stack
        return True

    def _open_store(self, item: BatchItem, stack: contextlib.ExitStack) -> Store:
        scene, path = item
        store = Store(path) if is_store(path) else None
        if store is None:
            check_disk(item.plan, path)
        else:
            if self.overwrite:
                store.check_safe_to_overwrite()
            else:
                store.check(scene)
                store.check_arithmetic(self._arithmetic_of(scene))
            stack.enter_context(store.lock())
        if store is None or self.overwrite:
            arithmetic = self._arithmetic_of(scene)
            make = Store.create(path, scene, arithmetic, overwrite=store is not None)
            store = stack.enter_context(make)
        return store

    def _arithmetic_of(self, scene: Scene) -> Arithmetic:
        """Return the workers' arithmetic for a scene; the llvm kernel's depends on the network."""
        found = self._arithmetic
        assert found is not None  # a worker is ready before the first task
        if found.kernel == "llvm":
            from tilecppn.kernels.llvm.kernel import arithmetic_of

            return arithmetic_of(EvaluationContext.of(scene))
        return found._replace(precision=scene.output.precision)

    def _close(self, number: int) -> None:
        """Sync a scene's store and release its lock; an error fails only this scene."""
        try:
            with self._locks.pop(number):
                self._open.pop(number).sync()
        except (InvalidRequestError, OSError) as error:
            self.errors.setdefault(number, str(error))


def render_batch(
    items: Sequence[BatchItem], folder: Path, run: RunOptions
) -> tuple[Batch, RunResult]:
    """Render scenes into stores of their own, as one run; raise nothing for a scene that fails.

    folder: the folder of the stores, for messages. Raises InvalidRequestError, RenderError if no
    worker is left, or Interrupted.
    """
    batch = Batch(items, folder, run.overwrite)
    largest = max(items, key=lambda item: item.plan.shard_bytes)
    check_request(largest.plan, largest.scene.output.precision, run)
    first = items[0].scene
    job = BatchJob(
        tuple(str(item.path.absolute()) for item in items),
        run.kernel,
        (first.to_toml(), first.cppn.to_bytes()),
    )
    options = replace(run, overwrite=False, listeners=[*run.listeners, batch.on_event])

    @contextlib.contextmanager
    def make(arithmetic: Arithmetic) -> Iterator[Batch]:
        with batch.lock():
            yield batch

    hint = run.resume_hint
    begun = None if batch.begun is None else batch
    _, result = run_job(job, batch, begun, make, network=VERSION, run=options, resume_hint=hint)
    return batch, result
