"""Ctrl-C and SIGTERM as a wish that the coordinator looks at."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Wish:
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

    def listen(self) -> None:
        """Take over SIGINT and SIGTERM; nothing outside of the main thread."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self.stop)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Wish]:
    """A wish that SIGINT and SIGTERM fulfil, until the end of the block."""
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    wish.listen()
    try:
        yield wish
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
