"""The coordinator: decides which task runs when and where, and what happens when one fails.

A result counts only once its file is visible in the store, since a worker may see another disk
than this machine does. A task that fails is tried again. When a worker dies, any of several tasks
that it was running may have killed it: each is then run alone, where it could only bring itself
down. A worker that is not like the others gets no tasks. A worker that cannot start is tried again
after a delay. None of this ends the run while other workers draw. All of it is one thread; its
memory does not grow with the canvas, nor the cost of a task with the number of workers.
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import Interrupted, NoWorkersError, RenderError, TilecppnError
from tilecppn.plan import Task, TaskGraph
from tilecppn.run.events import (
    AttemptFailed,
    Event,
    TaskDone,
    WorkerJoined,
    WorkerLost,
    WorkerRejected,
)
from tilecppn.run.executors import Executor, Message, TaskResult, WorkerDied, WorkerReady
from tilecppn.run.jobs import TaskFailed, TaskStats, TaskSucceeded, WorkerInfo
from tilecppn.run.retries import PatientStore, Retries
from tilecppn.run.retry_policy import RetryPolicy, tasks_to_blame
from tilecppn.run.task_queue import RunResult, TaskQueue, TaskStore
from tilecppn.run.visibility import VISIBILITY_TIMEOUT
from tilecppn.run.worker_pool import RestartBackoff, Worker, WorkerPool

TICK = 0.2  # seconds that one step waits for messages
LONGEST_STEP = 2.0  # seconds that one step counts at most
DURATIONS = 101  # remembered of each kind of task, for its deadline


class _Unconfirmed(NamedTuple):
    """A worker says that a task is done, but its file is not visible yet."""

    worker: int
    stats: TaskStats
    until: float


class Coordinator:
    """Runs the tasks of a plan on an executor.

    policy: how failures are dealt with.
    emit: is called with each event.
    stopping: is asked in each step; once it is true, Interrupted is raised.
    admit: raises a TilecppnError for a worker that may not draw into the store.
    clock: gives seconds. random: mixes delays.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        policy: RetryPolicy | None = None,
        emit: Callable[[Event], None] = lambda event: None,
        stopping: ShouldStop = never,
        admit: Callable[[WorkerInfo], None] = lambda worker_info: None,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self.executor = executor
        self.policy = policy or RetryPolicy()
        self._listener = emit
        self._counts: Counter[type[Event]] = Counter()
        self.stopping = stopping
        self.admit = admit
        self.clock = clock
        self._now = clock()
        self._awake = 0.0  # seconds of this run, but for those in which it stood still
        self._deadlines_checked = self._now
        self._pool = WorkerPool(executor.threads, executor.depth)
        self._random = random or Random()
        self._first_worker: WorkerInfo | None = None
        self._rejected: dict[int, str] = {}  # live workers that get no tasks, and why
        self._restarts = RestartBackoff(self.policy)
        self._startup_error: TilecppnError | None = None  # why no worker could begin lately
        self._no_workers_since = 0.0  # or since that error
        self._retries = Retries(self.policy, self._random)
        self._messages: list[Message] = []  # that came while the store did not answer
        self._unconfirmed: dict[Task, _Unconfirmed] = {}
        self._durations: defaultdict[str, deque[float]] = defaultdict(
            partial(deque, maxlen=DURATIONS)
        )

    def wait_for_first_worker(self) -> WorkerInfo:
        """Wait until a worker is ready.

        Raises Interrupted, NoWorkersError if none can start, or what `admit` raised if none is
        admitted.
        """
        while self._first_worker is None:
            self._step()
        return self._first_worker

    def run(
        self, plan: TaskGraph, store: TaskStore, order: Iterable[Task] | None = None
    ) -> RunResult:
        """Bring every task of the plan into the store.

        Raises Interrupted when asked to stop, NoWorkersError, or RenderError where going on is
        useless.
        """
        start = self.clock()
        order = plan.order() if order is None else order
        self._store = PatientStore(store, self.policy, self._random, self._wait)
        self._queue = TaskQueue(plan, self._store, order, self._emit, self._check_cancelled)
        self._assign_tasks()
        while self._is_busy():
            self._step()
            self._check_unconfirmed()
            self._assign_tasks()
        result, counts = self._queue.result, self._counts
        result.seconds = self.clock() - start
        result.workers_joined, result.workers_lost = counts[WorkerJoined], counts[WorkerLost]
        result.attempts = counts[TaskDone] + counts[AttemptFailed]
        return result

    def _emit(self, event: Event) -> None:
        self._counts[type(event)] += 1
        self._listener(event)

    def _is_busy(self) -> bool:
        waiting = self._pool.in_flight or self._unconfirmed or self._retries
        return bool(waiting) or not self._queue.is_empty()

    def _check_cancelled(self) -> None:
        if self.stopping():
            raise Interrupted("stopped")

    def _wait(self, seconds: float) -> None:
        """Let time pass, and keep what workers report meanwhile for later."""
        until = self.clock() + seconds
        while self.clock() < until:
            self._check_cancelled()
            self._messages += self.executor.poll(TICK)

    def _step(self) -> None:
        """Wait for messages, within one tick, and do what is due."""
        self._check_cancelled()
        messages, self._messages = [*self._messages, *self.executor.poll(TICK)], []
        self._read_clock()
        for message in messages:
            match message:
                case WorkerReady(worker, worker_info):
                    self._on_ready(worker, worker_info)
                case TaskResult(worker, task, result):
                    self._on_result(worker, task, result)
                case WorkerDied(worker, reason):
                    self._on_death(worker, reason)
        if self._now - self._deadlines_checked >= TICK:
            self._deadlines_checked = self._now
            self._check_deadlines()
        for number in self._restarts.due(self._now):
            self.executor.replace(number)
        if not self._pool:
            self._check_no_workers()

    def _read_clock(self) -> None:
        """Count the last step. If this process or its disk stood still, no worker is to blame."""
        before, self._now = self._now, self.clock()
        self._awake += min(self._now - before, LONGEST_STEP)

    # Workers

    def _check_no_workers(self) -> None:
        """Raise the startup error if there is no worker and none is likely to come."""
        waited = self._awake - self._no_workers_since
        if self._startup_error is not None:
            starting = self.executor.workers - len(self._rejected) - len(self._restarts)
            if starting <= 0 or waited > self.policy.grace_period:
                raise self._startup_error
        if waited > self.policy.startup_timeout:
            raise NoWorkersError(
                f"no worker became ready in {self.policy.startup_timeout:.0f} s; "
                "is there a free CPU or GPU for one?"
            )

    def _on_ready(self, number: int, worker_info: WorkerInfo) -> None:
        try:
            self._check_worker(worker_info)
        except TilecppnError as error:
            # It is kept: another one in its place would be of the same kind.
            self._rejected[number] = str(error)
            self._set_startup_error(error)
            if self._first_worker is not None:  # else the error is raised, which says it
                self._emit(WorkerRejected(number, str(error)))
            return
        if self._first_worker is None:
            self._first_worker = worker_info
            for rejected, reason in self._rejected.items():
                self._emit(WorkerRejected(rejected, reason))
        self._startup_error = None
        self._pool.add(number)
        self._emit(WorkerJoined(number, worker_info.location))

    def _check_worker(self, worker_info: WorkerInfo) -> None:
        first = self._first_worker
        if first is not None and worker_info[:2] != first[:2]:
            raise RenderError(
                f"workers differ: {first.location} has {_describe(first)}, "
                f"{worker_info.location} has {_describe(worker_info)}; use machines of one kind"
            )
        self.admit(worker_info)

    def _set_startup_error(self, error: TilecppnError) -> None:
        if self._startup_error is None and not self._pool:
            self._no_workers_since = self._awake
        self._startup_error = error

    def _on_death(self, number: int, reason: str, late: Sequence[Task] = ()) -> None:
        """Start another worker, blame what killed this one, and give its other tasks back."""
        worker = self._remove(number)
        if worker is None:
            self._on_failed_start(number, reason)
            return
        self._emit(WorkerLost(number, reason))
        if not self._pool:
            self._startup_error = None
        # Resources became free, perhaps where no worker could start before.
        for freed in (number, *self._restarts.reset()):
            self.executor.replace(freed)
        running = list(worker.running)
        blamed = tasks_to_blame(running, late)
        if not blamed:
            self._retries.add_suspects(running)
        others = [*(running if blamed else ()), *worker.queued]
        self._give_back([task for task in others if task not in blamed])
        for task in blamed:
            self._on_failure(number, task, TaskFailed(f"worker lost: {reason}"))

    def _remove(self, number: int) -> Worker | None:
        worker = self._pool.remove(number)
        if worker is not None and not self._pool:
            self._no_workers_since = self._awake
        return worker

    def _on_failed_start(self, number: int, reason: str) -> None:
        self._rejected.pop(number, None)
        delay = self._restarts.add_failure(number, self._now)
        self._emit(WorkerLost(number, reason, delay or 0.0))
        if delay is None:
            self.executor.replace(number)
        else:
            self._set_startup_error(NoWorkersError(f"no worker can start: {reason}"))

    def _disable(self, number: int, task: Task, reason: str) -> None:
        """Give no more tasks to a worker that lives but cannot do its part; blame none for it."""
        worker = self._remove(number)
        assert worker is not None
        self._give_back([task, *worker.running, *worker.queued])
        self._rejected[number] = reason
        self._set_startup_error(RenderError(reason))
        self._emit(WorkerRejected(number, reason))

    def _check_deadlines(self) -> None:
        """Give up workers that have missed a task's deadline."""
        if not self._pool.in_flight:
            return
        known = {k: self.policy.deadline_after(d) for k, d in self._durations.items()}
        unknown = self.policy.deadline_after(())
        for number, tasks in self._pool.late(self._awake, lambda t: known.get(t.kind, unknown)):
            seconds = known.get(tasks[0].kind, unknown)
            self._on_death(number, f"took longer than {seconds:.0f} s for one task", late=tasks)

    # Tasks

    def _on_result(self, number: int, task: Task, result: TaskSucceeded | TaskFailed) -> None:
        if not self._pool.complete(number, task, self._awake):
            return  # its worker was given up in the meantime; another one has the task
        if isinstance(result, TaskSucceeded):
            if self._store.has(task):
                self._on_success(number, task, result.stats)
            else:
                until = self._awake + VISIBILITY_TIMEOUT
                self._unconfirmed[task] = _Unconfirmed(number, result.stats, until)
        elif result.worker_unusable:
            self._disable(number, task, result.reason)
        else:
            self._on_failure(number, task, result)

    def _on_success(self, number: int, task: Task, stats: TaskStats) -> None:
        self._retries.forget(task)
        self._durations[task.kind].append(stats.seconds)
        self._emit(TaskDone(task, number, stats))
        self._queue.mark_done(task, stats.pixels)

    def _check_unconfirmed(self) -> None:
        for task, (number, stats, until) in list(self._unconfirmed.items()):
            if self._store.has(task):
                del self._unconfirmed[task]
                self._on_success(number, task, stats)
            elif self._awake > until:
                raise RenderError(
                    f"worker {number} has stored {task.name}, but its file is not visible from "
                    f"here after {VISIBILITY_TIMEOUT:.0f} s: the store must lie on a disk that "
                    "all nodes share, and stay where it is"
                )

    def _on_failure(self, number: int, task: Task, failure: TaskFailed) -> None:
        if failure.permanent:
            self._emit(AttemptFailed(task, number, failure.reason, 1, final=True))
            raise RenderError(failure.reason)
        attempt, delay = self._retries.add_failure(
            task, number, self._now, store_error=failure.store_error
        )
        final = delay is None
        self._emit(AttemptFailed(task, number, failure.reason, attempt, final, delay or 0.0))
        if final:
            self._queue.mark_failed(task, failure.reason)

    def _give_back(self, tasks: Sequence[Task]) -> None:
        if tasks:  # else it may be before there is a queue
            self._queue.put_back(tasks)

    def _assign_tasks(self) -> None:
        """Give tasks to workers until all are busy or none is left."""
        while self._pool.has_capacity() and (found := self._next_assignment()) is not None:
            task, number, alone = found
            self._pool.assign(number, task, self._awake, alone=alone)
            self.executor.submit(number, task)

    def _next_assignment(self) -> tuple[Task, int, bool] | None:
        """Return a task, the worker that gets it, and whether it is to run alone there."""
        for task, retry in self._retries.due(self._now):
            number = self._pool.pick(retry.workers, idle=retry.alone)
            if number is not None:
                self._retries.start(task)
                return task, number, retry.alone
            if retry.alone:
                return None  # until a worker is idle: what comes behind would keep all busy
        fresh = self._queue.next_task()
        number = self._pool.pick()
        return None if fresh is None or number is None else (fresh, number, False)


def _describe(worker_info: WorkerInfo) -> str:
    a = worker_info.arithmetic
    return (
        f"weights {worker_info.network[:12]}, {a.kernel} {a.precision} on {a.device} r{a.revision}"
    )
