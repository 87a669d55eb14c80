"""When to give up on a shard, a worker, or the start, and whom to blame: pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tilecppn.errors import InvalidRequestError
from tilecppn.plan import Shard


@dataclass(frozen=True)
class RetryPolicy:
    """Times in seconds.

    `deadline` fixes the longest time a shard may take on one worker; None derives it from the
    shards done so far: ten times their median, but at least `patience`, and `first` before any
    is done. A start that fails is repeated at once, from the `failed_starts`-th on after `pause`,
    which doubles up to `longest_backoff`. Raises InvalidRequestError for a deadline that is no
    time.
    """

    attempts: int = 3
    deadline: float | None = None
    patience: float = 120.0  # more than a store needs to come into sight of another node
    first: float = 3600.0
    startup: float = 900.0  # without any worker; a cluster may first have to start machines
    grace: float = 120.0  # without any worker, when some cannot start or are refused
    failed_starts: int = 3
    backoff: float = 60.0
    longest_backoff: float = 3600.0

    def __post_init__(self) -> None:
        if self.deadline is not None and not 0 < self.deadline < math.inf:
            raise InvalidRequestError(
                f"--deadline {self.deadline:g}: must be a number of seconds, above 0"
            )

    def gives_up(self, attempts: int) -> bool:
        return attempts >= self.attempts

    def limit(self, durations: Sequence[float]) -> float:
        """The longest time for the next shard of a kind of which some took `durations`."""
        if self.deadline is not None:
            return self.deadline
        if not durations:
            return self.first
        return max(self.patience, 10.0 * median(durations))


def shards_to_blame(running: Sequence[Shard], late: Sequence[Shard]) -> Sequence[Shard]:
    """Which of the shards that a lost worker was running have used an attempt.

    Those that it was given up for, or the only one. Of several any may have killed it: none.
    """
    return late or (running if len(running) == 1 else ())
