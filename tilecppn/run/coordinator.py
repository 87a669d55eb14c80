"""The coordinator: decides which task runs when and where, and what happens when one fails.

A result counts only once its file is visible in the store, since a worker may see another disk
than this machine does. A failed task is retried. When a worker dies, any of several tasks that it
was running may have killed it: each is then run alone, where it can only harm itself. If no other
task waits, a slow worker's tasks are hedged: an idle worker gets them as well, and the first result
counts. All of this runs in one thread; its memory does not grow with the canvas, nor the cost of a
task with the number of workers.

A worker is given up when it dies or misses a deadline: it is replaced, and its tasks are requeued.
It is rejected when it runs, but cannot draw into the store: it is kept without tasks. It is retired
when its node is about to be shut down: it finishes its tasks and gets no more.
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import Interrupted, RenderError
from tilecppn.plan import Task, TaskGraph
from tilecppn.run.events import AttemptFailed, Event, TaskDone, TaskHedged, WorkerJoined, WorkerLost
from tilecppn.run.executors.base import (
    Executor,
    Message,
    TaskResult,
    WorkerDied,
    WorkerLeaving,
    WorkerReady,
)
from tilecppn.run.hedges import Hedges
from tilecppn.run.jobs import TaskFailed, TaskStats, WorkerInfo
from tilecppn.run.retries import Retries, RetryingStore
from tilecppn.run.retry_policy import RetryPolicy, tasks_to_blame
from tilecppn.run.run_clock import RunClock
from tilecppn.run.task_queue import RunResult, TaskQueue, TaskStore
from tilecppn.run.visibility import VISIBILITY_TIMEOUT
from tilecppn.run.workers import Workers

TICK = 0.2  # seconds that one step waits for messages at most
DURATIONS = 101  # remembered for each kind of task, to set its deadline


class _Unconfirmed(NamedTuple):
    """A task that a worker reported as done, but whose file is not visible yet."""

    worker: int
    stats: TaskStats
    give_up_at: float  # in seconds of RunClock.awake


class Coordinator:
    """Runs the tasks of a plan on an executor.

    policy: how failures are handled.
    emit: called with each event.
    stopping: called in each step; once it returns true, Interrupted is raised.
    admit: raises a TilecppnError for a worker that may not draw into the store.
    clock: returns the time in seconds. random: adds jitter to delays.
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
        self.clock = clock
        self._time = RunClock(clock)  # read once a step; `awake` leaves out suspensions
        self._workers = Workers(executor, self.policy, self._time, self._emit, admit)
        self._pool = self._workers.pool
        self._random = random or Random()
        self._retries = Retries(self.policy, self._random)
        self._hedges = Hedges()
        self._messages: list[Message] = []  # received while the store did not answer
        self._unconfirmed: dict[Task, _Unconfirmed] = {}
        self._durations: defaultdict[str, deque[float]] = defaultdict(
            partial(deque, maxlen=DURATIONS)
        )

    def start(self, *, majority: bool = False) -> WorkerInfo:
        """Start the workers, and wait until one is chosen that all others must match; return it.

        majority: choose one of the most frequent kind, instead of the first.

        Raises Interrupted, NoWorkersError if none can start, or what `admit` raised if none is
        admitted.
        """
        self._workers.start(self.executor.workers)
        while (chosen := self._workers.choose(majority=majority)) is None:
            self._step()
        return chosen

    def run(
        self, plan: TaskGraph, store: TaskStore, order: Iterable[Task] | None = None
    ) -> RunResult:
        """Run every task of the plan that is not in the store yet.

        Raises Interrupted when asked to stop, NoWorkersError, or RenderError if continuing cannot
        help.
        """
        start = self.clock()
        order = plan.order() if order is None else order
        self._store = RetryingStore(store, self.policy, self._random, self._wait)
        self._queue = TaskQueue(plan, self._store, order, self._emit, self._check_cancelled)
        self._workers.tasks_left = self._queue.left
        self._assign_tasks()
        checked = self._time.now
        while not self._queue.is_finished():
            self._step()
            self._check_unconfirmed()
            self._assign_tasks()
            if self._time.now - checked >= TICK:
                checked = self._time.now
                self._workers.tasks_left = self._queue.left
                self._hedge()
                self._check_deadlines()
        result, counts = self._queue.result, self._counts
        result.seconds = self.clock() - start
        result.workers_joined, result.workers_lost = counts[WorkerJoined], counts[WorkerLost]
        result.attempts = counts[TaskDone] + counts[AttemptFailed] + counts[TaskHedged]
        return result

    def _emit(self, event: Event) -> None:
        self._counts[type(event)] += 1
        self._listener(event)

    def _check_cancelled(self) -> None:
        if self.stopping():
            raise Interrupted("stopped")

    def _wait(self, seconds: float) -> None:
        """Wait, and keep the messages that workers send meanwhile for later."""
        until = self.clock() + seconds
        while self.clock() < until:
            self._check_cancelled()
            self._messages += self.executor.poll(TICK)

    def _step(self) -> None:
        """Wait for messages for up to one tick, and handle them."""
        self._check_cancelled()
        messages, self._messages = [*self._messages, *self.executor.poll(TICK)], []
        self._time.read()
        for message in messages:
            match message:
                case WorkerReady(worker, worker_info):
                    self._workers.on_ready(worker, worker_info)
                case TaskResult(worker, task, result):
                    self._on_result(worker, task, result)
                case WorkerDied(worker, reason, node_lost):
                    self._on_death(worker, reason, node_lost=node_lost)
                case WorkerLeaving(worker, reason, task):
                    self._on_leaving(worker, reason, task)
        self._workers.check()

    # Workers

    def _on_death(
        self, number: int, reason: str, late: Sequence[Task] = (), *, node_lost: bool = False
    ) -> None:
        """Count a failure of the tasks to blame for a worker's death, and requeue its other tasks.

        late: those of its tasks that missed their deadline, if it was given up for that. node_lost:
        the failure counts as an error of the store, which allows more attempts.
        """
        worker = self._workers.on_death(number, reason)
        if worker is None:
            return
        running = list(worker.running)
        blamed = [] if worker.retired else list(tasks_to_blame(running, late))
        unfinished = self._take_unfinished(running)
        if not blamed and not worker.retired:
            self._retries.add_suspects(unfinished)
            unfinished = []
        self._give_back([t for t in unfinished if t not in blamed])
        self._give_back(self._take_unfinished(worker.queued))
        for task in blamed:
            if task in unfinished:
                self._on_failure(
                    number, task, TaskFailed(f"worker lost: {reason}", store_error=node_lost)
                )

    def _on_leaving(self, number: int, reason: str, task: Task | None) -> None:
        """Give a worker no more tasks, and requeue a task that it has not begun."""
        if task is not None and self._pool.complete(number, task, self._time.awake):
            self._give_back(self._take_unfinished([task]))
        self._workers.retire(number, reason)

    def _reject(self, number: int, task: Task, reason: str) -> None:
        """Give no more tasks to a worker that cannot run any; requeue its tasks without blame."""
        worker = self._workers.reject(number, reason)
        self._give_back(self._take_unfinished([task, *worker.running, *worker.queued]))

    def _take_unfinished(self, tasks: Iterable[Task]) -> list[Task]:
        """Drop a lost worker's copies of its tasks; return those that no other has done or runs."""
        return [task for task in tasks if not self._hedges.drop(task)]

    def _give_back(self, tasks: Sequence[Task]) -> None:
        if tasks:  # else there may be no queue yet
            self._queue.put_back(tasks)

    def _check_deadlines(self) -> None:
        """Give up workers that have missed a task's deadline."""
        known = {k: self.policy.deadline_after(d) for k, d in self._durations.items()}
        unknown = self.policy.deadline_after(())
        now = self._time.awake
        for number, tasks in self._pool.late(now, known, unknown):
            seconds = known.get(tasks[0].kind, unknown)
            self._on_death(number, f"took longer than {seconds:.0f} s for one task", late=tasks)

    # Tasks

    def _on_result(self, number: int, task: Task, result: TaskStats | TaskFailed) -> None:
        if not self._pool.complete(number, task, self._time.awake):
            return  # its worker was given up meanwhile; another one has the task
        if isinstance(result, TaskFailed):
            if result.worker_unusable:
                self._reject(number, task, result.reason)
            elif not self._hedges.drop(task):
                self._on_failure(number, task, result)
        elif self._hedges.succeed(task):
            if self._store.has(task):
                self._on_success(number, task, result)
            else:
                give_up_at = self._time.awake + VISIBILITY_TIMEOUT
                self._unconfirmed[task] = _Unconfirmed(number, result, give_up_at)

    def _on_success(self, number: int, task: Task, stats: TaskStats) -> None:
        self._retries.forget(task)
        self._durations[task.kind].append(stats.seconds)
        self._emit(TaskDone(task, number, stats))
        self._queue.mark_done(task, stats.pixels)

    def _check_unconfirmed(self) -> None:
        for task, (number, stats, give_up_at) in list(self._unconfirmed.items()):
            if self._store.has(task):
                del self._unconfirmed[task]
                self._on_success(number, task, stats)
            elif gone := self._store.why_gone(task):
                del self._unconfirmed[task]
                self._on_failure(number, task, TaskFailed(gone))
            elif self._time.awake > give_up_at:
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
            task, number, self._time.now, store_error=failure.store_error
        )
        final = delay is None
        self._emit(AttemptFailed(task, number, failure.reason, attempt, final, delay or 0.0))
        if final:
            self._queue.mark_failed(task, failure.reason)

    def _assign_tasks(self) -> None:
        """Give tasks to workers until all are busy or none is left."""
        while self._pool.has_capacity() and (found := self._next_assignment()) is not None:
            task, number, alone = found
            self._assign(number, task, alone=alone)

    def _assign(self, number: int, task: Task, *, alone: bool) -> None:
        self._pool.assign(number, task, self._time.awake, alone=alone)
        self.executor.submit(number, task)

    def _next_assignment(self) -> tuple[Task, int, bool] | None:
        """Return a task, the worker that gets it, and whether it is to run alone there."""
        for task, retry in self._retries.due(self._time.now):
            number = self._pool.pick(retry.workers, idle=retry.alone)
            if number is not None:
                self._retries.start(task)
                return task, number, retry.alone
            if retry.alone:
                return None  # wait for an idle worker: later tasks would keep all busy
        fresh = self._queue.next_task()
        number = self._pool.pick()
        return None if fresh is None or number is None else (fresh, number, False)

    def _hedge(self) -> None:
        """Give slow workers' tasks to idle ones as well, if no other task waits."""
        if not self.executor.remote or self._retries or self._pool.pick(idle=True) is None:
            return
        limits = {kind: self.policy.hedge_after(d) for kind, d in self._durations.items()}
        for task in self._pool.slow(self._time.awake, limits):
            number = self._pool.pick(idle=True)
            if number is None:
                return
            if self._hedges.may_add(task):
                self._hedges.add(task)
                self._assign(number, task, alone=True)
                self._emit(TaskHedged(task, number))
