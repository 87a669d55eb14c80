"""The time of a run."""

from collections.abc import Callable

LONGEST_STEP = 2.0  # seconds that one step counts at most


class RunClock:
    """A run's time in seconds, as of the last `read`.

    now: the clock's. awake: of the run, but for the time in which this process or its disk stood
    still, which is no worker's fault.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.now = clock()
        self.awake = 0.0

    def read(self) -> None:
        """Count the time since the last call."""
        before, self.now = self.now, self._clock()
        self.awake += min(self.now - before, LONGEST_STEP)
