"""When to try again, to hedge and to give up, and which workers to have: pure functions."""

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

FEW = 3  # durations, of which a median says nothing yet


@dataclass(frozen=True)
class RetryPolicy:
    """How a run deals with failures. All times are in seconds.

    attempts: how often a task is tried before it is given up. Another attempt follows at once, on
        another worker if there is one.
    store_attempts: the same for input and output errors of the store (EIO, time-outs), which are
        tried again after `store_delay`; the delay doubles up to `longest_store_delay`.
    deadline: the longest time for a task on one worker. None derives it for each kind of task: ten
        times the median of those done so far, but at least `min_deadline`, and `first_deadline`
        before any is done.
    hedge_factor: a task that runs for longer than so many times the median, and `min_hedge`, is
        given to an idle worker as well.
    election_timeout: how long the workers of a new store are waited for, after the first: the
        arithmetic of most decides.
    waiting_notice: after which time it is said that workers find no room.
    startup_timeout: how long a run waits without any worker; a cluster may have to start machines.
    grace_period: the same if all workers that came could not start or were rejected.
    failed_starts: failed starts in a row from which on workers are started again after
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
        """Return the seconds until the attempt after a task's n-th failure; None: give up.

        Part of the delay is random, so that tasks that failed together do not return together.
        """
        if failures >= (self.store_attempts if store_error else self.attempts):
            return None
        if not store_error:
            return 0.0
        delay = backoff(failures, self.store_delay, self.longest_store_delay)
        return delay * random.uniform(0.5, 1.0)

    def deadline_after(self, durations: Sequence[float]) -> float:
        """Return the deadline in seconds for tasks of a kind whose latest took `durations`."""
        if self.deadline is not None:
            return self.deadline
        if not durations:
            return self.first_deadline
        return max(self.min_deadline, 10.0 * median(durations))

    def hedge_after(self, durations: Sequence[float]) -> float:
        """Return the seconds after which a task of a kind is given to an idle worker as well."""
        if len(durations) < FEW:
            return math.inf
        return max(self.min_hedge, self.hedge_factor * median(durations))

    def elect(self, ready: Sequence[WorkerInfo], workers: int, waited: float) -> WorkerInfo | None:
        """Return whom all others must be like; None to wait for more of the `workers`.

        ready: those that are, in the order in which they came; equal counts are decided by it.
        waited: seconds since the first.
        """
        votes = Counter(info[:2] for info in ready)
        kind, count = max(votes.items(), key=lambda item: item[1])
        if 2 * count <= workers and waited < self.election_timeout:
            return None
        return next(info for info in ready if info[:2] == kind)


def backoff(failures: int, first: float, longest: float) -> float:
    """Return the seconds to wait after the n-th failure: `first`, doubled up to `longest`."""
    return min(longest, first * 2.0 ** min(failures - 1, 64))


def tasks_to_blame(running: Sequence[Task], late: Sequence[Task]) -> Sequence[Task]:
    """Return which of the tasks that a lost worker was running count it as a failure.

    Those that missed their deadline, or the only one. Any of several may have killed it: none.
    """
    return late or (running if len(running) == 1 else ())


def useful_workers(tasks: float) -> int:
    """Return how many workers so many tasks can use: one for each, and one for its copy."""
    return int(min(2 * tasks, sys.maxsize))
