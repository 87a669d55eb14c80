"""Starts, compares, rejects, replaces and releases the workers of a run.

All must match a chosen one in weights and arithmetic. For a new store the most frequent kind is
chosen, so that an odd node that starts first does not decide. A worker that does not match gets no
tasks. A worker that cannot start is restarted after a delay. None of this ends the run while other
workers draw.
"""

import math
from collections.abc import Callable

from tilecppn.errors import NoWorkersError, RenderError, TilecppnError
from tilecppn.run.events import (
    Event,
    WorkerJoined,
    WorkerLost,
    WorkerRejected,
    WorkerReleased,
    WorkerRetired,
    WorkersWaiting,
)
from tilecppn.run.executors.base import Executor
from tilecppn.run.jobs import WorkerInfo
from tilecppn.run.retry_policy import RetryPolicy, useful_workers
from tilecppn.run.run_clock import RunClock
from tilecppn.run.worker_pool import RestartBackoff, Worker, WorkerPool


class Workers:
    """The workers of an executor; those that may get tasks are in `pool`.

    admit: raises a TilecppnError for a worker that may not draw into the store.
    chosen: the worker that all others must match, once it is known.
    tasks_left: the number of unfinished tasks, as far as is known.
    """

    def __init__(
        self,
        executor: Executor,
        policy: RetryPolicy,
        clock: RunClock,
        emit: Callable[[Event], None],
        admit: Callable[[WorkerInfo], None],
    ) -> None:
        self.pool = WorkerPool(executor.threads, executor.depth)
        self.chosen: WorkerInfo | None = None
        self.tasks_left: float = math.inf
        self._executor = executor
        self._policy = policy
        self._clock = clock
        self._emit = emit
        self._admit = admit
        self._starting: dict[int, float] = {}  # worker → when its start began
        self._ready: dict[int, WorkerInfo] = {}  # workers that wait until one is chosen
        self._first_ready = 0.0
        self._rejected: dict[int, str] = {}  # live workers that get no tasks, and why
        self._restarts = RestartBackoff(policy)
        self._startup_error: TilecppnError | None = None  # why no worker could start lately
        self._no_workers_since = 0.0  # or since that error
        self._said_waiting = False

    def start(self, count: int) -> None:
        """Begin to start so many workers."""
        for number in self._executor.start(count):
            self._starting[number] = self._clock.awake

    def choose(self, *, majority: bool) -> WorkerInfo | None:
        """Return the worker that all must match: the first, or one of the majority; None: open."""
        if self.chosen is None and self._ready:
            waited = self._clock.awake - self._first_ready
            workers = self._executor.workers if majority else 1
            self.chosen = self._policy.elect(list(self._ready.values()), workers, waited)
            if self.chosen is not None:
                for number, reason in self._rejected.items():
                    self._emit(WorkerRejected(number, reason))
                ready, self._ready = self._ready, {}
                for number, worker_info in ready.items():
                    self.on_ready(number, worker_info)
        return self.chosen

    def on_ready(self, number: int, worker_info: WorkerInfo) -> None:
        """Add a worker to the pool if it matches the chosen one."""
        self._starting.pop(number, None)
        try:
            self._check(worker_info)
        except TilecppnError as error:
            # It is kept: a replacement would probably be of the same kind.
            self._rejected[number] = str(error)
            self._set_startup_error(error)
            if self.chosen is not None:  # else the error itself is raised
                self._emit(WorkerRejected(number, str(error)))
            return
        if self.chosen is None:
            if not self._ready:
                self._first_ready = self._clock.awake
            self._ready[number] = worker_info
            return
        self._startup_error = None
        self.pool.add(number)
        self._emit(WorkerJoined(number, worker_info.location))

    def _check(self, worker_info: WorkerInfo) -> None:
        chosen = self.chosen
        if chosen is not None and worker_info[:2] != chosen[:2]:
            raise RenderError(
                f"workers differ: {chosen.location} has {_describe(chosen)}, "
                f"{worker_info.location} has {_describe(worker_info)}; use machines of one kind"
            )
        self._admit(worker_info)

    def on_death(self, number: int, reason: str) -> Worker | None:
        """Replace a dead worker; return it if it was in the pool."""
        worker = self._remove(number)
        if worker is None:
            self._on_failed_start(number, reason)
            return None
        self._emit(WorkerLost(number, reason))
        if not self.pool:
            self._startup_error = None
        # Resources became free, so that workers that could not start may start now.
        for freed in (number, *self._restarts.reset()):
            self._replace(freed)
        return worker

    def _on_failed_start(self, number: int, reason: str) -> None:
        for group in (self._starting, self._ready, self._rejected):
            group.pop(number, None)
        delay = self._restarts.add_failure(number, self._clock.now)
        self._emit(WorkerLost(number, reason, delay or 0.0))
        if delay is None:
            self._replace(number)
        else:
            self._set_startup_error(NoWorkersError(f"no worker can start: {reason}"))

    def reject(self, number: int, reason: str) -> Worker:
        """Give no more tasks to a worker that cannot run any; return it."""
        worker = self._remove(number)
        assert worker is not None
        self._rejected[number] = reason
        self._set_startup_error(RenderError(reason))
        self._emit(WorkerRejected(number, reason))
        return worker

    def retire(self, number: int, reason: str) -> None:
        """Let a worker finish its tasks, since its node is about to be shut down."""
        if self.pool.retire(number):
            self._emit(WorkerRetired(number, reason))

    def check(self) -> None:
        """Replace, start and release workers as needed; raise if none is likely to come.

        More are started if there is room and work for them; some are released if fewer tasks are
        left than workers can use.
        """
        for number in (*self.pool.finished(), *self._restarts.due(self._clock.now)):
            self._remove(number)
            self._replace(number)
        surplus = self._surplus()
        if surplus < 0 and self._executor.room:
            self.start(min(self._executor.room, -surplus))
        elif surplus > 0 and self._executor.remote:
            self._release(surplus)
        oldest = next(iter(self._starting.values()), math.inf)
        waited = self._clock.awake - oldest
        late = self._executor.remote and waited > self._policy.waiting_notice
        if late and not self._said_waiting:
            self._said_waiting = True
            self._emit(WorkersWaiting(len(self._starting)))
        if not self.pool and not self._ready:
            self._check_no_workers()

    def _surplus(self) -> int:
        """Return the number of workers without work; below 0, the number that could be added."""
        workers = len(self._starting) + len(self._ready) + len(self._restarts) + len(self.pool)
        return workers - useful_workers(self.tasks_left)

    def _release(self, count: int) -> None:
        """End workers for which no task is left, so that a cluster can shrink.

        Those that have not started go first: an autoscaler would start machines for them.
        """
        useless = [*self._restarts.reset(), *self._rejected]
        self._rejected.clear()
        useless += list(self._starting)[: max(0, count - len(useless))]
        idle = self.pool.idle()[: max(0, count - len(useless))]
        for number in (*useless, *idle):
            self._starting.pop(number, None)
            self._executor.release(number)
        for number in idle:
            self._remove(number)
            self._emit(WorkerReleased(number))

    def _check_no_workers(self) -> None:
        """Raise the startup error if there is no worker, and none is likely to come."""
        waited = self._clock.awake - self._no_workers_since
        if self._startup_error is not None and (
            not self._starting or waited > self._policy.grace_period
        ):
            raise self._startup_error
        if waited > self._policy.startup_timeout:
            raise NoWorkersError(
                f"no worker became ready in {self._policy.startup_timeout:.0f} s; "
                "is there a free CPU or GPU for one?"
            )

    def _set_startup_error(self, error: TilecppnError) -> None:
        if self._startup_error is None and not self.pool:
            self._no_workers_since = self._clock.awake
        self._startup_error = error

    def _remove(self, number: int) -> Worker | None:
        worker = self.pool.remove(number)
        if worker is not None and not self.pool:
            self._no_workers_since = self._clock.awake
        return worker

    def _replace(self, number: int) -> None:
        self._executor.release(number)
        self.start(1)


def _describe(worker_info: WorkerInfo) -> str:
    a = worker_info.arithmetic
    return (
        f"weights {worker_info.network[:12]}, {a.kernel} {a.precision} on {a.device} r{a.revision}"
    )
