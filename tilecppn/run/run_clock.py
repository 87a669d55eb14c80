"""The time of a run."""

from collections.abc import Callable

LONGEST_STEP = 2.0  # seconds that a step counts at most, where those before took no time


class RunClock:
    """A run's time in seconds, as of the last `read`.

    now: the clock's. awake: of the run, but for the time in which this process or its disk stood
    still, which is no worker's fault. A step that is much longer than both before it did: so steps
    that are always long count wholly, and deadlines hold there, too.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.now = clock()
        self.awake = 0.0
        self._steps = (0.0, 0.0)  # seconds that the last ones took

    def read(self) -> None:
        """Count the time since the last call."""
        before, self.now = self.now, self._clock()
        step = self.now - before
        self.awake += min(step, LONGEST_STEP + min(self._steps))
        self._steps = self._steps[1], step
