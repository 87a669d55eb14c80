"""The workers, the tasks that each has, and workers that are to be started again."""

import math
from collections import deque
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from tilecppn.plan import Task
from tilecppn.run.retry_policy import RetryPolicy, backoff


@dataclass
class Worker:
    """A worker runs its tasks in the order in which they came, some at once."""

    running: dict[Task, float] = field(default_factory=dict)  # and when each began
    queued: deque[Task] = field(default_factory=deque)  # behind them
    alone: bool = False  # its one task gets no other beside it
    retired: bool = False  # it finishes what it has

    @property
    def load(self) -> int:
        """How many tasks it has."""
        return len(self.running) + len(self.queued)


class WorkerPool:
    """The workers that draw.

    A worker has up to `depth` tasks, of which it runs up to `threads` at once. Workers with free
    capacity are kept by their load, so that a task costs the same with 10,000 workers as with two.
    """

    def __init__(self, threads: int, depth: int) -> None:
        self.threads = threads
        self._workers: dict[int, Worker] = {}
        self._retired: set[int] = set()
        self._by_load: list[dict[int, None]] = [{} for _ in range(depth)]

    def __len__(self) -> int:
        return len(self._workers)

    def add(self, number: int) -> None:
        """Add a worker, without a task."""
        self._workers[number] = Worker()
        self._by_load[0][number] = None

    def remove(self, number: int) -> Worker | None:
        """Remove a worker and return it, with its tasks; None if it is not in the pool."""
        worker = self._workers.pop(number, None)
        if worker is not None:
            self._unlist(number, worker)
            self._retired.discard(number)
        return worker

    def has_capacity(self) -> bool:
        """Return whether any worker can take a task."""
        return any(self._by_load)

    def pick(self, avoided: Set[int] = frozenset(), *, idle: bool = False) -> int | None:
        """Return the least busy worker with capacity; with `idle`, only one without any task.

        It is none of the `avoided`, unless all workers are.
        """
        if avoided and avoided >= self._workers.keys():
            avoided = frozenset()
        loads = self._by_load[:1] if idle else self._by_load
        return next((n for load in loads for n in load if n not in avoided), None)

    def assign(self, number: int, task: Task, now: float, *, alone: bool = False) -> None:
        """Give a worker a task; with `alone`, it gets no other beside it."""
        worker = self._workers[number]
        self._unlist(number, worker)
        worker.alone = alone
        worker.queued.append(task)
        self._update(number, worker, now)

    def complete(self, number: int, task: Task, now: float) -> bool:
        """Take a task from a worker that has answered; False if it did not have it."""
        worker = self._workers.get(number)
        if worker is None or not (task in worker.running or task in worker.queued):
            return False
        self._unlist(number, worker)
        worker.alone = False
        if worker.running.pop(task, None) is None:
            worker.queued.remove(task)
        self._update(number, worker, now)
        return True

    def retire(self, number: int) -> bool:
        """Give a worker nothing more; False if that is known, or it is not in the pool."""
        worker = self._workers.get(number)
        if worker is None or worker.retired:
            return False
        self._unlist(number, worker)
        worker.retired = True
        self._retired.add(number)
        return True

    def idle(self) -> list[int]:
        """Return the workers without a task that may get one."""
        return list(self._by_load[0])

    def finished(self) -> list[int]:
        """Return the retired workers that have finished."""
        return [number for number in self._retired if not self._workers[number].load]

    def late(
        self, now: float, limits: Mapping[str, float], other: float
    ) -> list[tuple[int, list[Task]]]:
        """Return workers with tasks that have run for longer than the limit in seconds of their
        kind, or the `other` for all that have none.
        """
        found: list[tuple[int, list[Task]]] = []
        begun = now - min([other, *limits.values()])  # nothing that began later is late
        for number, worker in self._workers.items():
            running = worker.running
            if next(iter(running.values()), now) < begun:  # the first to begin
                tasks = [t for t, b in running.items() if b < now - limits.get(t.kind, other)]
                found += [(number, tasks)] if tasks else []
        return found

    def slow(self, now: float, limits: Mapping[str, float]) -> list[Task]:
        """Return tasks that have run for longer than their limit, and those queued behind them."""
        found: list[Task] = []
        for number, tasks in self.late(now, limits, math.inf):
            found += [*tasks, *self._workers[number].queued]
        return found

    def _update(self, number: int, worker: Worker, now: float) -> None:
        while worker.queued and len(worker.running) < self.threads:
            worker.running[worker.queued.popleft()] = now
        if self._has_capacity(worker):
            self._by_load[worker.load][number] = None

    def _unlist(self, number: int, worker: Worker) -> None:
        if self._has_capacity(worker):
            del self._by_load[worker.load][number]

    def _has_capacity(self, worker: Worker) -> bool:
        return not (worker.alone or worker.retired) and worker.load < len(self._by_load)


class RestartBackoff:
    """Workers that could not start, until they are tried again.

    The first failures in a row are tried again at once. From then on all wait together, for a
    delay that doubles each time.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures = 0
        self._delays = 0
        self._due = 0.0
        self._waiting: list[int] = []

    def __len__(self) -> int:
        """Count the workers that wait."""
        return len(self._waiting)

    def add_failure(self, number: int, now: float) -> float | None:
        """Count a failed start. Returns the seconds until the next one; None: at once."""
        self._failures += 1
        if self._failures < self._policy.failed_starts:
            return None
        if not self._waiting:
            self._delays += 1
            self._due = now + backoff(
                self._delays, self._policy.restart_delay, self._policy.longest_restart_delay
            )
        self._waiting.append(number)
        return max(0.0, self._due - now)

    def due(self, now: float) -> list[int]:
        """Return the workers that are to be started again now."""
        return self._take() if now >= self._due else []

    def reset(self) -> list[int]:
        """Count from the beginning; return all that wait, to be started again at once."""
        self._failures = self._delays = 0
        return self._take()

    def _take(self) -> list[int]:
        numbers, self._waiting = self._waiting, []
        return numbers
