"""The pool of workers with the tasks of each, and the delays of restarts."""

import math
from collections import deque
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from tilecppn.plan import Task
from tilecppn.run.retry_policy import RetryPolicy, backoff


@dataclass
class Worker:
    """A worker, which runs its tasks in the order given, up to `threads` at a time."""

    running: dict[Task, float] = field(default_factory=dict)  # task → when it began
    queued: deque[Task] = field(default_factory=deque)  # not begun yet
    alone: bool = False  # its task runs alone: it gets no other
    retired: bool = False  # it finishes its tasks and gets no more

    @property
    def load(self) -> int:
        """The number of its tasks."""
        return len(self.running) + len(self.queued)


class WorkerPool:
    """The workers that may get tasks.

    A worker has up to `depth` tasks, of which it runs up to `threads` at a time. Workers with free
    capacity are indexed by load, so that assigning a task costs the same with 10,000 workers as
    with two.
    """

    def __init__(self, threads: int, depth: int) -> None:
        self.threads = threads
        self._workers: dict[int, Worker] = {}
        self._retired: set[int] = set()
        self._by_load: list[dict[int, None]] = [{} for _ in range(depth)]

    def __len__(self) -> int:
        return len(self._workers)

    def add(self, number: int) -> None:
        """Add a worker without tasks."""
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
        """Return the least busy worker with capacity; with `idle`, only one without tasks.

        avoided: workers not to pick, unless that is all of them.
        """
        if avoided and avoided >= self._workers.keys():
            avoided = frozenset()
        loads = self._by_load[:1] if idle else self._by_load
        return next((n for load in loads for n in load if n not in avoided), None)

    def assign(self, number: int, task: Task, now: float, *, alone: bool = False) -> None:
        """Give a worker a task; with `alone`, it gets no other until that is done."""
        worker = self._workers[number]
        self._unlist(number, worker)
        worker.alone = alone
        worker.queued.append(task)
        self._update(number, worker, now)

    def complete(self, number: int, task: Task, now: float) -> bool:
        """Remove a finished task from its worker; return False if the worker did not have it."""
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
        """Give a worker no more tasks; return False if it is retired already or not in the pool."""
        worker = self._workers.get(number)
        if worker is None or worker.retired:
            return False
        self._unlist(number, worker)
        worker.retired = True
        self._retired.add(number)
        return True

    def idle(self) -> list[int]:
        """Return the workers without tasks that may get one."""
        return list(self._by_load[0])

    def finished(self) -> list[int]:
        """Return the retired workers that have finished their tasks."""
        return [number for number in self._retired if not self._workers[number].load]

    def late(
        self, now: float, limits: Mapping[str, float], other: float
    ) -> list[tuple[int, list[Task]]]:
        """Return workers with the tasks that have run for longer than their limit.

        limits: seconds for each kind of task. other: seconds for all other kinds.
        """
        found: list[tuple[int, list[Task]]] = []
        begun = now - min([other, *limits.values()])  # no task that began later is late
        for number, worker in self._workers.items():
            running = worker.running
            if next(iter(running.values()), now) < begun:  # of the task that began first
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
    """The workers that could not start, and when to restart them.

    After the first failures in a row workers are restarted at once. From then on all wait
    together, for a delay that doubles each time.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures = 0
        self._delays = 0
        self._due = 0.0
        self._waiting: list[int] = []

    def __len__(self) -> int:
        """Return the number of waiting workers."""
        return len(self._waiting)

    def add_failure(self, number: int, now: float) -> float | None:
        """Count a failed start; return the delay in seconds, or None to restart at once."""
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
        """Remove and return the workers to be restarted now."""
        return self._take() if now >= self._due else []

    def reset(self) -> list[int]:
        """Reset the counts; remove and return all waiting workers, to be restarted at once."""
        self._failures = self._delays = 0
        return self._take()

    def _take(self) -> list[int]:
        numbers, self._waiting = self._waiting, []
        return numbers
