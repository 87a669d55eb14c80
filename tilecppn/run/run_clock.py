"""A clock that does not count the time in which the machine was suspended."""

from collections.abc import Callable

LONGEST_STEP = 2.0  # seconds that a step counts at most if the previous ones took no time


class RunClock:
    """The time of a run in seconds, as of the last `read`.

    now: the clock's time. awake: the time since the start, without that in which this process or
    its disk was suspended, which is no worker's fault. A step counts as suspended if it is much
    longer than both before it; steps that are always long count fully, so that deadlines still
    hold.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.now = clock()
        self.awake = 0.0
        self._steps = (0.0, 0.0)  # seconds of the last two steps

    def read(self) -> None:
        """Count the time since the last call."""
        before, self.now = self.now, self._clock()
        step = self.now - before
        self.awake += min(step, LONGEST_STEP + min(self._steps))
        self._steps = self._steps[1], step
