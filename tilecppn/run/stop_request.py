"""Ctrl-C and SIGTERM as a wish that the coordinator looks at."""

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether somebody has asked to stop."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> bool:
        return self._event.is_set()

    def stop(self, signum: int = signal.SIGINT, frame: FrameType | None = None) -> None:
        """Ask. Asked twice by a signal, the process ends at once."""
        if self() and frame is not None:
            raise KeyboardInterrupt
        self._event.set()

    @contextlib.contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within the block a signal raises KeyboardInterrupt: for calls that cannot look."""
        if self():
            raise KeyboardInterrupt
        _handle(dict.fromkeys(SIGNALS, signal.default_int_handler))
        try:
            yield
        finally:
            _handle(dict.fromkeys(SIGNALS, self.stop))


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """A wish that SIGINT and SIGTERM fulfil, until the end of the block."""
    stop_request = StopRequest()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    _handle(dict.fromkeys(SIGNALS, stop_request.stop))
    try:
        yield stop_request
    finally:
        _handle(before)


def _handle(handlers: Mapping[signal.Signals, Any]) -> None:
    """Install each signal's handler; only the main thread may."""
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)
