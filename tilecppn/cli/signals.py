"""Handles Ctrl-C, SIGTERM and a closed terminal as a request to stop, which running work polls."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """A request to stop, set by a signal; calling it returns whether it is set.

    Work that has called it within `patience` seconds is expected to do so again and to stop
    cleanly. Other work is interrupted by KeyboardInterrupt, as is all work by a second signal.
    """

    def __init__(self) -> None:
        self.patience = 2.0
        self._requested = False
        self._looked = -math.inf

    def __call__(self) -> bool:
        self._looked = time.monotonic()
        return self._requested

    def on_signal(self, number: int, frame: object) -> None:
        """Handle a signal: set the request, or raise KeyboardInterrupt."""
        unheard = time.monotonic() - self._looked > self.patience
        # A terminal that closes sends SIGHUP, and so does the shell in it.
        again, self._requested = self._requested and number != signal.SIGHUP, True
        if again or unheard:
            raise KeyboardInterrupt


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Handle signals for the block, if this is the main thread.

    SIGINT is set explicitly, since shells let commands that end with & ignore it. SIGHUP is not
    where it is ignored, as nohup has it.
    """
    request, before = StopRequest(), {}
    try:
        if threading.current_thread() is threading.main_thread():
            kept = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            handled = [number for number in SIGNALS if number != signal.SIGHUP or not kept]
            before = {number: signal.signal(number, request.on_signal) for number in handled}
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_request(patience: float | None = None) -> StopRequest:
    """Return the running command's stop request.

    patience: the seconds after each call for which work is not interrupted.
    """
    request = click.get_current_context().find_object(StopRequest) or StopRequest()
    request.patience = request.patience if patience is None else patience
    return request
