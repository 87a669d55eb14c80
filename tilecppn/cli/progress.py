"""Progress on stderr: a live line on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tilecppn.cli.common import counted
from tilecppn.cli.terminal import is_terminal, try_to, write_line
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.plan import TaskGraph
from tilecppn.run.estimates import format_duration
from tilecppn.run.events import (
    AttemptFailed,
    Event,
    RunStarted,
    TaskDone,
    TaskSkipped,
    WorkerJoined,
    WorkerLost,
    WorkerRejected,
)

EVERY = 10.0  # seconds between lines where there is no terminal


class Meter:
    """Pixels done of pixels in all, with rate and remaining time. Use as a context."""

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.what = what
        self.clock = clock
        self.total = 0
        self.done = 0
        self.skipped = 0
        self._began = clock()
        self._shown = self._began
        self._live: Callable[[str], None] | None = None

    def __enter__(self) -> Self:
        if is_terminal():
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False)
            self._status = self._console.status(f"{self.what} …")
            self._status.start()
            self._live = self._status.update
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            try_to(self._status.stop)
            self._live = None

    def begin(self, total: int) -> None:
        self.total = total
        self._began = self.clock()

    def add(self, pixels: int) -> None:
        self.done += pixels
        self._show()

    def skip(self, pixels: int) -> None:
        """Pixels that were there already: done, but no measure of the rate."""
        self.skipped += pixels
        self._show()

    def note(self, text: str) -> None:
        """Something that a person should know, in one line."""
        text = " ".join(text.split())
        if self._live is not None:
            try_to(lambda: self._console.print(text, markup=False))
        else:
            write_line(text)

    def line(self) -> str:
        """`render 42 %  112 of 268 Mpixel  8.1 Mpixel/s  ETA 19 s`."""
        seconds = max(self.clock() - self._began, 1e-9)
        rate = self.done / seconds
        finished = self.done + self.skipped
        share = finished / self.total if self.total else 0.0
        left = (self.total - finished) / rate if rate else 0.0
        speed = f"  {rate / 1e6:.1f} Mpixel/s" if rate else ""  # none yet after a resume
        eta = f"  ETA {format_duration(left)}" if rate and left > 0 else ""
        return (
            f"{self.what} {100 * share:.0f} %  {finished / 1e6:,.0f} of "
            f"{self.total / 1e6:,.0f} Mpixel{speed}{eta}"
        )

    def _show(self) -> None:
        now = self.clock()
        if self._live is not None:
            self._live(self.line())
        elif now - self._shown >= EVERY:
            self._shown = now
            write_line(self.line())


class RenderMeter(Meter):
    """A meter that listens to a run's events; it counts the pixels of level 0."""

    def work(self, plan: TaskGraph) -> str:
        """What is to be done, for a person."""
        return counted(plan.tasks, "shard")

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(plan, executor, workers, threads, arithmetic):
                self.plan = plan
                self.begin(plan.pixels)
                each = f" of {threads} threads" if threads > 1 else ""
                who = counted(workers, f"{executor} worker")
                self.note(
                    f"{self.work(plan)}, {who}{each}, "
                    f"kernel {arithmetic.kernel} ({arithmetic.precision}) on {arithmetic.device}"
                )
            case TaskDone(stats=stats):
                self.add(stats.pixels)
            case TaskSkipped(task):
                self.skip(self.plan.pixels_of(task))
            case AttemptFailed(task, worker, reason, attempt, final, delay):
                again = f"tried again in {format_duration(delay)}" if delay else "tried again"
                self.note(
                    f"{task.name} failed on worker {worker}, attempt {attempt}: {reason}; "
                    f"{'given up' if final else again}"
                )
            case WorkerLost(worker, reason, delay):
                when = f"is tried in {format_duration(delay)}" if delay else "takes its place"
                self.note(f"worker {worker} lost: {reason}; another {when}")
            case WorkerRejected(worker, reason):
                self.note(f"worker {worker} gets no work: {reason}")
            case WorkerJoined():
                pass


class FilmMeter(RenderMeter):
    """A meter of a film's run."""

    def __init__(self, what: str, timeline: Timeline) -> None:
        super().__init__(what)
        self.timeline = timeline

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        match event:
            case TaskDone(task, _, stats) if stats.pixels:
                drawn = self.done + self.skipped == self.total
                if drawn and self.plan.parent(task) is not None:
                    self.note("all frames are drawn; what is left is to encode the last of them")

    def work(self, plan: TaskGraph) -> str:
        canvas, film = self.timeline.base.canvas, self.timeline.film
        frames, shards = counted(film.frames, "frame"), counted(plan.tasks, "shard")
        return f"{frames} of {canvas.width} × {canvas.height} at {film.fps} a second, {shards}"
