"""Retries failed tasks, and deletions in a store that does not answer."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

from tilecppn.errors import RenderError
from tilecppn.filesystem import error_text
from tilecppn.plan import Task
from tilecppn.run.jobs import TRANSIENT_ERRORS
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.task_queue import TaskStore


@dataclass
class Retry:
    """The state of a task that failed, or ran when a worker died.

    alone: run it with no other task beside it, where it can only harm itself, since it was one of
    several that ran on a dead worker, or has its last attempt.
    """

    failures: Counter[bool] = field(default_factory=Counter)  # by whether the store failed
    workers: set[int] = field(default_factory=set)  # those on which it failed
    alone: bool = False


class RetryingStore:
    """A store whose deletions by the coordinator are retried during a short outage."""

    def __init__(
        self, store: TaskStore, policy: RetryPolicy, random: Random, wait: Callable[[float], None]
    ) -> None:
        self.has = store.has
        self.why_gone = store.why_gone
        self._delete = store.delete
        self._policy = policy
        self._random = random
        self._wait = wait  # for some seconds

    def delete(self, task: Task) -> None:
        """Delete a task's file. Raises RenderError if the store keeps failing."""
        for failures in count(1):
            try:
                self._delete(task)
                return
            except OSError as error:
                delay = None
                if error.errno in TRANSIENT_ERRORS:
                    delay = self._policy.retry_delay(failures, self._random, store_error=True)
                if delay is None:
                    raise RenderError(error_text(error)) from error
                self._wait(delay)


class Retries:
    """The tasks to be retried, each from its due time on; `now` is in seconds."""

    def __init__(self, policy: RetryPolicy, random: Random) -> None:
        self._policy = policy
        self._random = random
        self._known: dict[Task, Retry] = {}  # also of tasks that are running again
        self._delayed: list[tuple[float, int, Task]] = []  # a heap by due time
        self._ready: dict[Task, Retry] = {}
        self._order = count()

    def __len__(self) -> int:
        """Return the number of waiting tasks."""
        return len(self._delayed) + len(self._ready)

    def add_failure(
        self, task: Task, worker: int, now: float, *, store_error: bool
    ) -> tuple[int, float | None]:
        """Count a failure; return their number, and the delay in seconds or None to give up."""
        retry = self._known.setdefault(task, Retry())
        retry.workers.add(worker)
        retry.failures[store_error] += 1
        if not store_error and retry.failures[False] == self._policy.attempts - 1:
            retry.alone = True  # no other task's crash can end the last attempt
        delay = self._policy.retry_delay(
            retry.failures[store_error], self._random, store_error=store_error
        )
        if delay is None:
            del self._known[task]
        else:
            heappush(self._delayed, (now + delay, next(self._order), task))
        return retry.failures.total(), delay

    def add_suspects(self, tasks: Iterable[Task]) -> None:
        """Run each of these tasks alone: one of them may have killed their worker."""
        for task in tasks:
            retry = self._ready[task] = self._known.setdefault(task, Retry())
            retry.alone = True

    def due(self, now: float) -> Iterator[tuple[Task, Retry]]:
        """Return the tasks that may be retried now, in the order in which they became due."""
        while self._delayed and self._delayed[0][0] <= now:
            *_, task = heappop(self._delayed)
            self._ready[task] = self._known[task]
        return iter(self._ready.items())

    def start(self, task: Task) -> None:
        """Note that a task is being retried."""
        del self._ready[task]

    def forget(self, task: Task) -> None:
        """Note that a task is done."""
        self._known.pop(task, None)
