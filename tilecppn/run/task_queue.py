"""The queue of a plan's tasks, which respects dependencies and counts results.

Tasks come in the plan's order, children before parents. A task that is in the store is skipped.
The ancestors of one that is not are deleted first and built again, so that nothing in the store is
older than what it was built from. A task whose child failed is not run. The state does not grow
with the canvas.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tilecppn.cancellation import CheckCancelled
from tilecppn.plan import Task, TaskGraph
from tilecppn.run.events import Event, TaskSkipped, TaskUnbuilt
from tilecppn.run.options import SAME_COMMAND


class TaskStore(Protocol):
    """The part of a store that a queue uses: which tasks are done."""

    def has(self, task: Any, /) -> bool:
        """Return whether a task is done."""

    def delete(self, task: Any, /) -> None:
        """Delete a task's file."""

    def why_gone(self, task: Any, /) -> str | None:
        """Return why a task's store is gone, if other tasks can go on in theirs; else None."""


@dataclass
class RunResult:
    """The result of a run.

    tasks: number of tasks in the plan. rendered: done in this run. skipped: already in the store.
    failed: tasks that were given up, each with the reason. unbuilt: number of ancestors of failed
    tasks. pixels: drawn in this run. seconds: the run's time. workers_joined: workers that became
    ready. workers_lost: workers that died or could not start. attempts: at all tasks. resume_hint:
    the instruction to retry failed tasks.
    """

    tasks: int
    rendered: int = 0
    skipped: int = 0
    failed: dict[Task, str] = field(default_factory=dict)
    unbuilt: int = 0
    pixels: int = 0
    seconds: float = 0.0
    workers_joined: int = 0
    workers_lost: int = 0
    attempts: int = 0
    resume_hint: str = SAME_COMMAND


class TaskQueue:
    """The queue of one run. Attributes: result."""

    def __init__(
        self,
        plan: TaskGraph,
        store: TaskStore,
        order: Iterable[Task],
        emit: Callable[[Event], None] = lambda event: None,
        check_cancelled: CheckCancelled = lambda: None,
    ) -> None:
        self.result = RunResult(plan.tasks)
        self._plan = plan
        self._store = store
        self._order: Iterator[Task] = iter(order)
        self._emit = emit
        self._check_cancelled = check_cancelled
        self._ready: deque[Task] = deque()
        self._exhausted = False
        self._out = 0  # number of tasks handed out and not finished
        self._open_children: dict[Task, int] = {}  # parent → unfinished children so far
        self._waiting: set[Task] = set()  # parents whose children are not finished
        self._stale: set[Task] = set()  # ancestors of tasks run now: to be built again
        self._blocked: set[Task] = set()  # parents of failed tasks: not to be run

    def __len__(self) -> int:
        """Return the number of tasks in memory."""
        parts = (self._ready, self._open_children, self._waiting, self._stale, self._blocked)
        return sum(map(len, parts))

    def next_task(self) -> Task | None:
        """Return the next task to run; None if all others wait for unfinished ones."""
        while not self._ready and not self._exhausted:
            self._check_cancelled()
            self._advance()
        if not self._ready:
            return None
        self._out += 1
        return self._ready.popleft()

    @property
    def left(self) -> int:
        """The number of unfinished tasks; some may still be found in the store."""
        result = self.result
        finished = result.rendered + result.skipped + len(result.failed) + result.unbuilt
        return result.tasks - finished

    def is_finished(self) -> bool:
        """Return whether every task is finished or given up."""
        return self._exhausted and not self._ready and not self._out

    def put_back(self, tasks: Sequence[Task]) -> None:
        """Put tasks that were handed out and did not run at the front of the queue."""
        self._out -= len(tasks)
        self._ready.extendleft(reversed(tasks))

    def mark_done(self, task: Task, pixels: int) -> None:
        """Note that a task is in the store; pixels: how many it drew."""
        self.result.rendered += 1
        self.result.pixels += pixels
        self._out -= 1
        self._close(task)

    def mark_failed(self, task: Task, reason: str) -> None:
        """Note that a task is given up."""
        self.result.failed[task] = reason
        self._out -= 1
        self._block_parent(task)
        self._close(task)

    def _advance(self) -> None:
        """Take the plan's next task."""
        task = next(self._order, None)
        if task is None:
            self._exhausted = True
            return
        if task in self._open_children:
            self._waiting.add(task)
        elif not self._prepare(task):
            return
        parent = self._plan.parent(task)
        if parent is not None:
            self._open_children[parent] = self._open_children.get(parent, 0) + 1

    def _prepare(self, task: Task) -> bool:
        """Skip, block or queue a task whose children are finished; return whether it will run."""
        stale = task in self._stale
        self._stale.discard(task)
        if task in self._blocked:
            self._blocked.discard(task)
            self.result.unbuilt += 1
            self._emit(TaskUnbuilt(task))
            self._block_parent(task)
            return False
        if not stale and self._store.has(task):
            self.result.skipped += 1
            self._emit(TaskSkipped(task))
            return False
        for ancestor in self._plan.ancestors(task):
            if ancestor in self._stale:
                break
            self._stale.add(ancestor)
            self._store.delete(ancestor)
        self._ready.append(task)
        return True

    def _close(self, task: Task) -> None:
        """Note that a task is finished or given up, so that its parent may be ready."""
        parent = self._plan.parent(task)
        if parent is None:
            return
        self._open_children[parent] -= 1
        if self._open_children[parent] == 0:
            del self._open_children[parent]
            if parent in self._waiting:
                self._waiting.remove(parent)
                if not self._prepare(parent):
                    self._close(parent)

    def _block_parent(self, task: Task) -> None:
        parent = self._plan.parent(task)
        if parent is not None:
            self._blocked.add(parent)
