"""Shows progress on stderr: a live line on a terminal, else a plain line every few seconds."""

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any, Self

from tilecppn.cli.terminal import is_terminal, try_to, visible, write_line
from tilecppn.formatting import format_duration, format_rate

EVERY = 10.0  # seconds between lines without a terminal


class Meter:
    """A context manager that shows the pixels done, their rate and the remaining time.

    unit: the unit of a million of the things counted.
    """

    def __init__(
        self, what: str, clock: Callable[[], float] = time.monotonic, unit: str = "Mpixel"
    ) -> None:
        self.what = what
        self.unit = unit
        self.clock = clock
        self.total = 0
        self.done = 0
        self.skipped = 0
        self.expected_rate = 0.0  # pixels per second, from samples, until some are done
        self._began = clock()
        self._shown = self._began
        self._live: Callable[[str], None] | None = None

    def __enter__(self) -> Self:
        # stdout is for the result only, but Ray prints its nodes' messages there.
        self._redirected = contextlib.redirect_stdout(sys.stderr)
        self._redirected.__enter__()
        if is_terminal():
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False)
            self._status = self._console.status(f"{self.what} …")
            self._status.start()
            self._live = self._status.update
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live is not None:
            try_to(self._status.stop)
            self._live = None
        self._redirected.__exit__(*error)

    def begin(self, total: int) -> None:
        """Start counting `total` pixels."""
        self.total = total
        self._began = self.clock()

    def add(self, pixels: int) -> None:
        """Add pixels to those done."""
        self.done += pixels
        self._show()

    def progress(self, done: int, total: int) -> None:
        """Set the number of pixels done and in total."""
        self.total = total
        self.add(done - self.done - self.skipped)

    def stage(self, what: str, done: int, total: int, unit: str = "Mpixel") -> None:
        """Set how much of a stage is done; a new stage restarts the count."""
        self.unit = unit
        if what == self.what:
            self.progress(done, total)
        else:
            self.what, self.done, self.skipped = what, 0, 0
            self.begin(total)
            self.skip(done)  # the time that it took is unknown

    def skip(self, pixels: int) -> None:
        """Add pixels that were already there, which do not count for the rate."""
        self.skipped += pixels
        self._show()

    def note(self, text: str) -> None:
        """Print one line."""
        text = visible(" ".join(text.split()))
        if self._live is not None:
            try_to(lambda: self._console.print(text, markup=False))
        else:
            write_line(text)

    def line(self) -> str:
        """Return a line like `render 42 %  112 of 268 Mpixel  8.1 Mpixel/s  ETA 19 s`."""
        seconds = max(self.clock() - self._began, 1e-9)
        rate = self.done / seconds or self.expected_rate
        finished = self.done + self.skipped
        share = finished / self.total if self.total else 0.0
        left = (self.total - finished) / rate if rate else 0.0
        left -= 0.0 if self.done else seconds  # already spent on the first ones
        speed = f"  {format_rate(rate, self.unit)}" if rate else ""  # none yet after a resume
        eta = f"  ETA {format_duration(left)}" if rate and left > 0 else ""
        if self.total and finished >= self.total:
            eta = "  finishing"  # encoders of single files start once they have all pixels
        return f"{self.what} {100 * share:.0f} %  {self.amount(finished)}{speed}{eta}"

    def amount(self, finished: int) -> str:
        """Format how much is done of the total."""
        return f"{finished / 1e6:,.0f} of {self.total / 1e6:,.0f} {self.unit}"

    def _show(self) -> None:
        now = self.clock()
        if self._live is not None:
            self._live(self.line())
        elif now - self._shown >= EVERY:
            self._shown = now
            write_line(self.line())
