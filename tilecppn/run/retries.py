"""What is tried again: tasks that failed, and deletions in a store that does not answer."""

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
    """What is known of a task that failed, or ran when a worker died.

    `alone`: it was one of several that ran then, or has its last attempt. Run alone, it can only
    bring itself down.
    """

    failures: Counter[bool] = field(default_factory=Counter)  # of the store, or others
    workers: set[int] = field(default_factory=set)  # on which it failed
    alone: bool = False


class PatientStore:
    """A store, whose deletions by the coordinator outlast a short outage."""

    def __init__(
        self, store: TaskStore, policy: RetryPolicy, random: Random, wait: Callable[[float], None]
    ) -> None:
        self.has = store.has
        self.why_gone = store.why_gone
        self._delete = store.delete
        self._policy = policy
        self._random = random
        self._wait = wait  # so many seconds

    def delete(self, task: Task) -> None:
        """Make a task undone. Raises RenderError if errors of the store do not end."""
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
    """Tasks to be tried again, each from its time on; `now` is in seconds."""

    def __init__(self, policy: RetryPolicy, random: Random) -> None:
        self._policy = policy
        self._random = random
        self._known: dict[Task, Retry] = {}  # also of those that run again
        self._delayed: list[tuple[float, int, Task]] = []  # a heap by the time when they are due
        self._ready: dict[Task, Retry] = {}
        self._order = count()

    def __len__(self) -> int:
        """Count the tasks that wait."""
        return len(self._delayed) + len(self._ready)

    def add_failure(
        self, task: Task, worker: int, now: float, *, store_error: bool
    ) -> tuple[int, float | None]:
        """Count a failure. Returns how many there were, and the delay in seconds; None: give up."""
        retry = self._known.setdefault(task, Retry())
        retry.workers.add(worker)
        retry.failures[store_error] += 1
        if not store_error and retry.failures[False] == self._policy.attempts - 1:
            retry.alone = True  # nobody else's crash ends the last attempt
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
        """Return the tasks that may be tried again, in the order in which they came."""
        while self._delayed and self._delayed[0][0] <= now:
            *_, task = heappop(self._delayed)
            self._ready[task] = self._known[task]
        return iter(self._ready.items())

    def start(self, task: Task) -> None:
        """Note that a task is tried again."""
        del self._ready[task]

    def forget(self, task: Task) -> None:
        """Note that a task is done."""
        self._known.pop(task, None)
