"""The coordinator: which shard runs when and where, and what happens when one fails.

The agenda says which shard may run. A receipt counts when the ledger has the shard: a worker's
disk may be another than this machine's. Of several shards that a worker was running when it was
lost, any may have killed it: each is then run alone on a worker, where the next loss would be its
own. A worker that is not like the others gets no shard; one that cannot start is tried again after
a pause. Neither ends the run while others are at work. Everything here is one thread; the state
does not grow with the canvas, nor the cost of a shard with the number of workers.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tilecppn.errors import Interrupted, NoWorkersError, RenderError, TilecppnError
from tilecppn.plan import Shard, Work
from tilecppn.run.events import (
    Event,
    ShardDone,
    ShardFailed,
    WorkerJoined,
    WorkerLost,
    WorkerRejected,
)
from tilecppn.run.executors import Executor, TaskResult, WorkerDied, WorkerReady
from tilecppn.run.jobs import VISIBILITY_TIMEOUT, TaskFailed, TaskSucceeded, WorkerInfo
from tilecppn.run.retry_policy import RetryPolicy, shards_to_blame
from tilecppn.run.task_queue import Ledger, RunResult, TaskQueue
from tilecppn.run.worker_pool import RestartBackoff, WorkerPool

TICK = 0.2  # seconds between looks at the clock and at the wish to stop
ASLEEP = 2.0  # seconds that no step here takes: this process, or its disk, stood still
REMEMBERED = 101  # durations kept of each kind, for the deadline


@dataclass
class _Trouble:
    attempts: int = 0
    workers: set[int] = field(default_factory=set)  # on which it failed
    alone: bool = False  # to be run so: it was one of several when a worker was lost


class _Unseen(NamedTuple):
    """A receipt for a shard that the ledger has not: a network disk may show it late."""

    worker: int
    answer: TaskSucceeded
    until: float


UNTROUBLED = _Trouble()


class Coordinator:
    def __init__(
        self,
        executor: Executor,
        *,
        policy: RetryPolicy | None = None,
        emit: Callable[[Event], None] = lambda event: None,
        stopping: Callable[[], bool] = lambda: False,
        admit: Callable[[WorkerInfo], None] = lambda worker_info: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`admit` raises a TilecppnError for a worker that may not draw into the store."""
        self.executor = executor
        self.policy = policy or RetryPolicy()
        self.emit = emit
        self.stopping = stopping
        self.admit = admit
        self.clock = clock
        self._roster = WorkerPool(executor.threads, executor.depth)
        self._identity: WorkerInfo | None = None
        self._refused: dict[int, str] = {}  # workers that live but may not draw, and why
        self._failed_starts = 0  # since the start, or since a worker was lost at work
        self._vacancies = RestartBackoff(self.policy.backoff, self.policy.longest_backoff)
        self._hurdle: TilecppnError | None = None  # why no worker could begin lately
        self._alone_since = clock()  # without any worker, or with that hurdle
        self._awake = clock()  # when it last was
        self._looked = clock()  # at the deadlines
        self._trouble: dict[Shard, _Trouble] = {}
        self._unseen: dict[Shard, _Unseen] = {}
        self._durations: dict[bool, deque[float]] = {
            kind: deque(maxlen=REMEMBERED) for kind in (True, False)
        }

    def meet(self) -> WorkerInfo:
        """Wait for the first worker. Raises Interrupted, NoWorkersError if none can start, or what
        `admit` raised if none is admitted.
        """
        while self._identity is None:
            self._turn()
        return self._identity

    def run(self, plan: Work, ledger: Ledger, order: Iterable[Shard] | None = None) -> RunResult:
        """Bring every shard of the plan into the ledger.

        Raises Interrupted when asked to stop, NoWorkersError, or RenderError where going on is
        useless.
        """
        start = self.clock()
        order = plan.order() if order is None else order
        self._agenda = TaskQueue(plan, ledger, order, self.emit)
        self._hand_out()
        while not self._agenda.is_through() or self._roster.flying or self._unseen:
            self._turn()
            self._look_for_unseen()
            self._hand_out()
        self._agenda.outcome.seconds = self.clock() - start
        return self._agenda.outcome

    # Workers

    def _turn(self) -> None:
        """Hear what has happened, within one tick, and look at the clock."""
        if self.stopping():
            raise Interrupted("stopped")
        messages = self.executor.poll(TICK)
        self._wake()
        for message in messages:
            match message:
                case WorkerReady(worker, worker_info):
                    self._join(worker, worker_info)
                case TaskResult(worker, shard, result):
                    self._hear(worker, shard, result)
                case WorkerDied(worker, reason):
                    self._lose(worker, reason)
        now = self._wake()
        if now - self._looked >= TICK:
            self._looked = now
            self._look(now)
        for number in self._vacancies.due(now):
            self.executor.replace(number)
        if not self._roster:
            self._hope(now)

    def _wake(self) -> float:
        """The time; what this process, or its disk, stood still is nobody's."""
        before, self._awake = self._awake, self.clock()
        if (asleep := self._awake - before) > ASLEEP:
            self._roster.postpone(asleep)
            self._alone_since += asleep
            for shard, unseen in self._unseen.items():
                self._unseen[shard] = unseen._replace(until=unseen.until + asleep)
        return self._awake

    def _hope(self, now: float) -> None:
        """Raise what stands in the way if there is no worker, and none is likely to come."""
        alone = now - self._alone_since
        if self._hurdle is not None:
            starting = self.executor.workers - len(self._refused) - len(self._vacancies)
            if starting <= 0 or alone > self.policy.grace:
                raise self._hurdle
        if alone > self.policy.startup:
            raise NoWorkersError(
                f"no worker became ready in {self.policy.startup:.0f} s; "
                "is there a free CPU or GPU for one?"
            )

    def _look(self, now: float) -> None:
        """Give up workers that have been at a shard for too long."""
        if not self._roster.flying:
            return
        limits = {kind: self.policy.limit(known) for kind, known in self._durations.items()}
        for number, shards in self._roster.late(now, lambda shard: limits[shard.level == 0]):
            limit = limits[shards[0].level == 0]
            self._lose(number, f"took longer than {limit:.0f} s over one shard", late=shards)

    def _join(self, number: int, worker_info: WorkerInfo) -> None:
        try:
            self._check(worker_info)
        except TilecppnError as error:
            # It is kept: its place would only be taken by another of its kind.
            self._refused[number] = str(error)
            self._meet_hurdle(error)
            if self._identity is not None:
                self.emit(WorkerRejected(number, str(error)))
            return
        if self._identity is None:
            self._identity = worker_info
            for refused, reason in self._refused.items():  # else the error says it, once
                self.emit(WorkerRejected(refused, reason))
        self._hurdle = None
        self._roster.join(number)
        self.emit(WorkerJoined(number, worker_info.place))

    def _check(self, worker_info: WorkerInfo) -> None:
        first = self._identity
        if first is not None and worker_info[:2] != first[:2]:
            raise RenderError(
                f"workers differ: {first.place} has {_words(first)}, "
                f"{worker_info.place} has {_words(worker_info)}; use machines of one kind"
            )
        self.admit(worker_info)

    def _meet_hurdle(self, error: TilecppnError) -> None:
        if self._hurdle is None and not self._roster:
            self._alone_since = self.clock()
        self._hurdle = error

    def _lose(self, number: int, reason: str, late: Sequence[Shard] = ()) -> None:
        """A worker is gone: blame what killed it, give its other shards back, start another."""
        worker = self._roster.leave(number)
        if worker is None:
            self._fail_to_start(number, reason)
            return
        self.emit(WorkerLost(number, reason))
        if not self._roster:
            self._alone_since, self._hurdle = self.clock(), None
        self._failed_starts = 0
        for place in (number, *self._vacancies.clear()):
            self.executor.replace(place)  # all, as the room of what is gone may be anywhere
        running = list(worker.running)
        blamed = shards_to_blame(running, late)
        if not blamed:
            for shard in running:
                self._trouble.setdefault(shard, _Trouble()).alone = True
        others = [shard for shard in (*running, *worker.queued) if shard not in blamed]
        if others:  # else it may be gone before there is an agenda
            self._agenda.ready.extendleft(reversed(others))
        for shard in blamed:
            self._fault(number, shard, TaskFailed(f"worker lost: {reason}", permanent=False))

    def _fail_to_start(self, number: int, reason: str) -> None:
        self._refused.pop(number, None)
        self._failed_starts += 1
        if self._failed_starts < self.policy.failed_starts:
            self.emit(WorkerLost(number, reason))
            self.executor.replace(number)
            return
        self._meet_hurdle(NoWorkersError(f"no worker can start: {reason}"))
        self.emit(WorkerLost(number, reason, self._vacancies.add(number, self.clock())))

    def _hear(self, number: int, shard: Shard, result: TaskSucceeded | TaskFailed) -> None:
        if not self._roster.take(number, shard, self.clock()):
            return  # its worker was given up in the meantime; another has the shard
        if isinstance(result, TaskFailed):
            if result.worker_unusable:
                self._dismiss(number, shard, result.reason)
            else:
                self._fault(number, shard, result)
            return
        if self._agenda.is_done(shard):
            self._done(number, shard, result)
        else:
            self._unseen[shard] = _Unseen(number, result, self.clock() + VISIBILITY_TIMEOUT)

    def _dismiss(self, number: int, shard: Shard, reason: str) -> None:
        """A worker lives, but cannot do its part: others get what it has, and blame no shard."""
        worker = self._roster.leave(number)
        assert worker is not None
        self._agenda.ready.extendleft(reversed([shard, *worker.running, *worker.queued]))
        self._refused[number] = reason
        if not self._roster:
            self._alone_since = self.clock()
        self._meet_hurdle(RenderError(reason))
        self.emit(WorkerRejected(number, reason))

    def _done(self, number: int, shard: Shard, answer: TaskSucceeded) -> None:
        self._trouble.pop(shard, None)
        self._durations[shard.level == 0].append(answer.stats.seconds)
        self.emit(ShardDone(shard, number, answer.stats))
        self._agenda.finish(shard, answer.stats.pixels)

    def _look_for_unseen(self) -> None:
        for shard, (number, answer, until) in list(self._unseen.items()):
            if self._agenda.is_done(shard):
                del self._unseen[shard]
                self._done(number, shard, answer)
            elif self.clock() > until:
                raise RenderError(
                    f"worker {number} has stored {shard.name}, but it is not in the store as seen "
                    f"from here after {VISIBILITY_TIMEOUT:.0f} s: the store must lie on a disk "
                    "that all nodes share, and stay where it is"
                )

    def _fault(self, number: int, shard: Shard, fault: TaskFailed) -> None:
        trouble = self._trouble.setdefault(shard, _Trouble())
        trouble.attempts += 1
        trouble.workers.add(number)
        final = fault.permanent or self.policy.gives_up(trouble.attempts)
        self.emit(ShardFailed(shard, number, fault.reason, trouble.attempts, final))
        if fault.permanent:
            raise RenderError(fault.reason)
        if not final:
            self._agenda.ready.append(shard)
            return
        del self._trouble[shard]
        self._agenda.give_up(shard, fault.reason)

    # Shards

    def _hand_out(self) -> None:
        """Give shards to workers until all are busy or none is left to give."""
        while self._roster.has_room():
            choice = self._next()
            if choice is None:
                return
            number, shard, alone = choice
            self._roster.give(number, shard, self.clock(), alone)
            self.executor.submit(number, shard)

    def _next(self) -> tuple[int, Shard, bool] | None:
        """The least busy worker, not one on which it failed, for a shard, and if it runs alone."""
        while True:
            for i, shard in enumerate(self._agenda.ready):
                trouble = self._trouble.get(shard, UNTROUBLED)
                fit = self._roster.fit(trouble.workers, trouble.alone)
                if fit is not None:
                    del self._agenda.ready[i]
                    return fit, shard, trouble.alone
                if trouble.alone:
                    return None  # until a worker is idle: what comes behind would keep all busy
            if self.stopping():
                raise Interrupted("stopped")
            if not self._agenda.reach():
                return None


def _words(worker_info: WorkerInfo) -> str:
    a = worker_info.arithmetic
    return (
        f"weights {worker_info.network[:12]}, {a.kernel} {a.precision} on {a.device} r{a.revision}"
    )
