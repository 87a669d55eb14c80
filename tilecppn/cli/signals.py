"""Ctrl-C and SIGTERM: a request to stop, which running work looks at."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether a signal has asked to stop.

    Work that has looked at it within `patience` seconds will do so again, and stops in good order.
    Other work is interrupted by KeyboardInterrupt, and so is all work by a second signal.
    """

    def __init__(self) -> None:
        self.patience = 2.0
        self._requested = False
        self._looked = -math.inf

    def __call__(self) -> bool:
        self._looked = time.monotonic()
        return self._requested

    def on_signal(self, number: int, frame: object) -> None:
        """Handle a signal."""
        unheard = time.monotonic() - self._looked > self.patience
        again, self._requested = self._requested, True
        if again or unheard:
            raise KeyboardInterrupt


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Handle signals until the end of the block, if this is the main thread.

    SIGINT too: shells let commands that end with & ignore it.
    """
    request, before = StopRequest(), {}
    try:
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.signal(number, request.on_signal) for number in SIGNALS}
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_request(patience: float | None = None) -> StopRequest:
    """Return the running command's request.

    Once it has looked, work is not interrupted for so many seconds.
    """
    request = click.get_current_context().find_object(StopRequest) or StopRequest()
    request.patience = request.patience if patience is None else patience
    return request
