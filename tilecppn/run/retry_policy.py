"""The retry policy: when to retry, hedge and give up, and which workers to accept."""

import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median

from tilecppn.errors import InvalidRequestError
from tilecppn.plan import Task
from tilecppn.run.jobs import WorkerInfo

FEW = 3  # durations that a median needs at least


@dataclass(frozen=True)
class RetryPolicy:
    """The policy of a run for failures. All times are in seconds.

    attempts: how often a task is tried before it is given up. The next attempt follows at once, on
        another worker if there is one.
    store_attempts: the same for input and output errors of the store (EIO, time-outs), which are
        retried after `store_delay`; the delay doubles up to `longest_store_delay`.
    deadline: the longest time for a task on one worker. None derives it for each kind of task: ten
        times the median of those done so far, but at least `min_deadline`, and `first_deadline`
        before any is done.
    hedge_factor: a task that takes longer than this many times the median, and than `min_hedge`,
        is given to an idle worker as well.
    election_timeout: how long a run into a new store waits for further workers after the first,
        before the most frequent arithmetic is chosen.
    waiting_notice: the time after which an event reports that workers wait for a CPU or GPU.
    startup_timeout: how long a run waits without any worker; a cluster may have to start machines.
    grace_period: the same if all workers so far could not start or were rejected.
    failed_starts: after so many failed starts in a row workers are restarted only after
        `restart_delay`, which doubles up to `longest_restart_delay`; before, at once.

    Raises InvalidRequestError if `deadline` is not above 0.
    """

    attempts: int = 3
    store_attempts: int = 11
    store_delay: float = 0.5
    longest_store_delay: float = 60.0
    deadline: float | None = None
    min_deadline: float = 120.0  # above visibility.VISIBILITY_TIMEOUT
    first_deadline: float = 3600.0
    hedge_factor: float = 2.0
    min_hedge: float = 1.0
    election_timeout: float = 10.0
    waiting_notice: float = 30.0
    startup_timeout: float = 900.0
    grace_period: float = 120.0
    failed_starts: int = 3
    restart_delay: float = 60.0
    longest_restart_delay: float = 3600.0

    def __post_init__(self) -> None:
        if self.deadline is not None and not 0 < self.deadline < math.inf:
            raise InvalidRequestError(
                f"--deadline {self.deadline:g}: must be a number of seconds, above 0"
            )

    def retry_delay(self, failures: int, random: Random, *, store_error: bool) -> float | None:
        """Return the delay in seconds after a task's n-th failure; None to give up.

        Part of the delay is random, so that tasks that failed together are not retried together.
        """
        if failures >= (self.store_attempts if store_error else self.attempts):
            return None
        if not store_error:
            return 0.0
        delay = backoff(failures, self.store_delay, self.longest_store_delay)
        return delay * random.uniform(0.5, 1.0)

    def deadline_after(self, durations: Sequence[float]) -> float:
        """Return the deadline in seconds for a kind of task whose latest took `durations`."""
        if self.deadline is not None:
            return self.deadline
        if not durations:
            return self.first_deadline
        return max(self.min_deadline, 10.0 * median(durations))

    def hedge_after(self, durations: Sequence[float]) -> float:
        """Return the seconds after which to hedge a task whose kind took `durations` lately."""
        if len(durations) < FEW:
            return math.inf
        return max(self.min_hedge, self.hedge_factor * median(durations))

    def elect(self, ready: Sequence[WorkerInfo], workers: int, waited: float) -> WorkerInfo | None:
        """Return the worker that all others must match; None to wait for more of the `workers`.

        ready: the workers so far, in the order of their arrival, which decides between equal
        counts. waited: seconds since the first.
        """
        votes = Counter(info[:2] for info in ready)
        kind, count = max(votes.items(), key=lambda item: item[1])
        if 2 * count <= workers and waited < self.election_timeout:
            return None
        return next(info for info in ready if info[:2] == kind)


def backoff(failures: int, first: float, longest: float) -> float:
    """Return the delay in seconds after the n-th failure: `first`, doubled up to `longest`."""
    return min(longest, first * 2.0 ** min(failures - 1, 64))


def tasks_to_blame(running: Sequence[Task], late: Sequence[Task]) -> Sequence[Task]:
    """Return which of a dead worker's running tasks count its death as a failure.

    Those that missed their deadline, or the only one; none of several, since any may have killed
    it.
    """
    return late or (running if len(running) == 1 else ())


def useful_workers(tasks: float) -> int:
    """Return how many workers so many tasks can use: one each, and one for a hedge of it."""
    return int(min(2 * tasks, sys.maxsize))
