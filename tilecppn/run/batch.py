"""Many scenes as one run: one set of workers draws them into stores of their own.

To the coordinator a batch is one plan and one store. A scene's store is opened, or made, when its
tasks come up, and closed when they are done, so that few are open at once. A scene whose store
cannot be opened fails alone.
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
from tilecppn.kernels import Arithmetic, EvaluationContext
from tilecppn.plan import Plan
from tilecppn.run import events
from tilecppn.run.batch_job import BatchJob, SceneTask
from tilecppn.run.estimates import check_disk
from tilecppn.run.options import RunOptions
from tilecppn.run.render import check_request, run_job
from tilecppn.run.task_queue import RunResult
from tilecppn.scene.scene import Scene
from tilecppn.storage.directory import is_store
from tilecppn.storage.store import Store
from tilecppn.version import VERSION


class BatchItem(NamedTuple):
    """A scene of a batch, and where its store is, or will be."""

    scene: Scene
    path: Path

    @property
    def plan(self) -> Plan:
        """The scene's own plan."""
        return Plan.of(self.scene.canvas, self.scene.output, self.scene.channels)


class ItemResult(NamedTuple):
    """What came of one scene; error: why it is not finished."""

    rendered: int
    skipped: int
    error: str | None


@dataclass
class Batch:
    """The plan and the store of a batch, as a run sees them.

    Attributes: items; path, the folder that they lie in; overwrite, whether existing stores are
    replaced; errors, of each scene that is not finished.
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
        """The scenes' plans."""
        return [item.plan for item in self.items]

    @cached_property
    def tasks(self) -> int:
        """The shards of all scenes."""
        return sum(plan.tasks for plan in self.plans)

    @cached_property
    def pixels(self) -> int:
        """The pixels of all canvases."""
        return sum(plan.pixels for plan in self.plans)

    def pixels_of(self, task: SceneTask) -> int:
        """Pixels of the canvas that a task draws."""
        return self.plans[task.scene].pixels_of(task.shard)

    def parent(self, task: SceneTask) -> SceneTask | None:
        """Return the task of the shard that is built from this one."""
        shard = self.plans[task.scene].parent(task.shard)
        return None if shard is None else task._replace(shard=shard)

    def ancestors(self, task: SceneTask) -> Iterator[SceneTask]:
        """Parent, grandparent, and so on."""
        for shard in self.plans[task.scene].ancestors(task.shard):
            yield task._replace(shard=shard)

    def order(self, shuffle: Random | None = None) -> Iterator[SceneTask]:
        """Every task, scene by scene, whose store is open by then."""
        for number, (item, plan) in enumerate(zip(self.items, self.plans, strict=True)):
            if self._opened(number):
                for shard in plan.order(shuffle):
                    yield SceneTask(number, item.path.name.removesuffix(".zarr"), shard)

    # The store

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Close, at the end of the block, the stores that are still open."""
        try:
            yield
        finally:
            self.sync()

    def check_arithmetic(self, arithmetic: Arithmetic) -> None:
        """Raise StoreError if the first scene's store is there, and was begun with another."""
        if self.begun is not None:
            self.begun.check_arithmetic(arithmetic)

    @cached_property
    def begun(self) -> Store | None:
        """The first scene's store, if the batch goes on with it: its arithmetic binds the workers.

        Elsewhere the workers decide, as for any new store.
        """
        scene, path = self.items[0]
        try:
            if self.overwrite or not is_store(path):
                return None
            store = Store(path)
            store.check(scene)
        except (InvalidRequestError, OSError):  # is said when its turn comes
            return None
        return store

    def has(self, task: SceneTask) -> bool:
        """Return whether a task is done."""
        store = self._open.get(task.scene)
        return store is None or store.has(task.shard)

    def delete(self, task: SceneTask) -> None:
        """Make a task undone; in a store that was moved it fails, as its worker finds."""
        with contextlib.suppress(StoreError):
            self._open[task.scene].delete(task.shard)

    def why_gone(self, task: SceneTask) -> str | None:
        """Why a scene's store is gone, as where somebody has moved it; None while it is there."""
        try:
            self._open[task.scene].check_in_place()
        except StoreError as error:
            return str(error)
        return None

    def note_written(self, task: SceneTask) -> None:
        """Let a task's store remember that it was written."""
        self._open[task.scene].note_written(task.shard)

    def check_in_place(self) -> None:
        """Raise StoreError if a store that is open was moved."""
        for store in self._open.values():
            store.check_in_place()

    def sync(self) -> None:
        """Close the stores that are still open, whose files then outlive a power cut."""
        for number in list(self._open):
            self._close(number)

    # Scenes

    def on_event(self, event: events.Event) -> None:
        """Count what becomes of each scene, and close the store of one that is finished."""
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
        """What came of a scene."""
        counts = self._counts[number]
        error = self.errors.get(number)
        if error is None and counts.total() < self.plans[number].tasks:
            error = "not finished"
        return ItemResult(counts[events.TaskDone], counts[events.TaskSkipped], error)

    def _opened(self, number: int) -> bool:
        """Open a scene's store, or make it; False, with the error kept, where that fails."""
        item, stack = self.items[number], contextlib.ExitStack()
        try:
            self._open[number] = self._open_store(item, stack)
        except (InvalidRequestError, OSError) as error:
            stack.close()
            self.errors[number] = str(error)
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
        """What the workers' kernel has for a scene; that of llvm depends on the network."""
        found = self._arithmetic
        assert found is not None  # a worker is ready before the first task
        if found.kernel == "llvm":
            from tilecppn.kernels.llvm.kernel import arithmetic_of

            return arithmetic_of(EvaluationContext.of(scene))
        return found._replace(precision=scene.output.precision)

    def _close(self, number: int) -> None:
        """Bring a scene's store to the disk and give its lock back; what fails is its own."""
        try:
            with self._locks.pop(number):
                self._open.pop(number).sync()
        except (InvalidRequestError, OSError) as error:
            self.errors.setdefault(number, str(error))


def render_batch(
    items: Sequence[BatchItem], folder: Path, run: RunOptions
) -> tuple[Batch, RunResult]:
    """Render scenes into stores of their own, as one run; raises nothing for a scene that fails.

    folder: what the stores lie in, for messages. Raises InvalidRequestError, RenderError where no
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
