"""Shows the progress of a render or a film on stderr."""

import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilecppn import machine
from tilecppn.cli.progress import Meter
from tilecppn.errors import RenderError, TilecppnError
from tilecppn.film.plan import FilmPlan
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.formatting import counted, format_bytes, format_duration
from tilecppn.kernels import EvaluationContext, create
from tilecppn.plan import TaskGraph
from tilecppn.run.estimates import LEVELS_BYTES, free_disk, measure
from tilecppn.run.events import (
    AttemptFailed,
    Event,
    FramesNotTaken,
    LocksAreLocal,
    RunStarted,
    TaskDone,
    TaskSkipped,
    WorkerLost,
    WorkerRejected,
    WorkerRetired,
    WorkersWaiting,
    describe,
)
from tilecppn.scene.scene import Scene

if TYPE_CHECKING:
    from tilecppn.film.encoding.base import Encoding

PATIENCE = 3.0  # seconds without a finished shard, after which the time is estimated from samples
ENOUGH = 1 << 27  # pixels from whose bytes the size of the whole is estimated


class RenderMeter(Meter):
    """A meter that listens to a run's events and counts the pixels of level 0.

    With `scene`, and workers that are threads of this process, it estimates the remaining time
    from samples while no shard is finished. With `output`, the store's path, it warns once if the
    rest will not fit on the disk.
    """

    def __init__(
        self,
        what: str,
        scene: Scene | None = None,
        output: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(what, clock)
        self.scene = scene
        self.output = output
        self._written = 0  # bytes written for the pixels done
        self.sampled_rate: float | None = None  # pixels per second, if samples were drawn
        self._timer: threading.Timer | None = None
        self._estimator: threading.Timer | None = None  # the last one that was started
        self._closed = False

    def __exit__(self, *error: Any) -> None:
        self._closed = True
        self._stop_timer()
        if self._estimator is not None:
            self._estimator.join()  # a process that ends in the middle of machine code crashes
        super().__exit__(*error)

    def _check_open(self) -> None:
        if self._closed:
            raise RenderError("the run has ended")

    def estimate(self, kernel: str, threads: int) -> None:
        """Measure the speed on samples, and show it unless a shard is finished meanwhile."""
        assert self.scene is not None
        with contextlib.suppress(TilecppnError):
            context = EvaluationContext.of(self.scene)
            rate, _ = measure(
                create(kernel, context), self.scene, threads, check_cancelled=self._check_open
            )
            self.sampled_rate = rate
            if not self.done:
                self.expected_rate = rate
                self.note(f"{self.line()} (estimated from samples)")

    def _say_if_on_cpu(self, scene: Scene) -> None:
        from tilecppn.kernels.wgpu.kernel import supports

        if not supports(EvaluationContext.of(scene)):
            self.note(
                "needs float64 or wide layers, for which wgpu's shaders have no room: "
                "drawn by llvm on the CPU"
            )

    def estimated_seconds(self, pixels: int) -> float | None:
        """Return the time for so many pixels as estimated from samples; None without samples."""
        return None if self.sampled_rate is None else pixels / self.sampled_rate

    def _check_disk(self, written: int) -> None:
        """Warn if the rest will not fit on the disk, once enough pixels are done to estimate it."""
        self._written += written
        if self.output is None or self.done < ENOUGH:
            return
        space = free_disk(self.output)
        left = self._written / self.done * (self.total - self.done - self.skipped) * LEVELS_BYTES
        if left > space.bytes:
            self.note(
                f"about {format_bytes(left)} are still to be written, {space}: it "
                "stops when the disk is full; the same command goes on then"
            )
        self.output = None  # check only once

    def _start_timer(self, estimate: Callable[[], None]) -> None:
        self._timer = self._estimator = threading.Timer(PATIENCE, estimate)
        self._timer.daemon = True
        self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def work(self, plan: TaskGraph) -> str:
        """Describe the work of a plan."""
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
                if self.scene is not None and arithmetic.kernel == "wgpu":
                    self._say_if_on_cpu(self.scene)
                if self.scene is not None and executor == "local" and arithmetic.device == "cpu":
                    busy = min(workers, machine.cores(), plan.tasks)
                    self._start_timer(partial(self.estimate, arithmetic.kernel, busy))
            case TaskDone(stats=stats):
                self.add(stats.pixels)
                if stats.pixels:  # else a level was built, as often at the start of a resumed run
                    self._stop_timer()
                    self._check_disk(stats.bytes)
            case TaskSkipped(task):
                self.skip(self.plan.pixels_of(task))
            case (
                AttemptFailed()
                | FramesNotTaken()
                | LocksAreLocal()
                | WorkerLost()
                | WorkerRejected()
                | WorkerRetired()
                | WorkersWaiting()
            ):
                self.note(describe(event))


class FilmMeter(RenderMeter):
    """A meter of a film's run.

    It reports when all frames are drawn while clips are still being encoded. With `encoding`, it
    estimates from samples how long that takes for a film of one clip.
    """

    def __init__(self, timeline: Timeline, encoding: "Encoding | None" = None) -> None:
        super().__init__("animate")
        self.timeline = timeline
        self.encoding = encoding

    def __call__(self, event: Event) -> None:
        if isinstance(event, TaskDone):
            self._stop_timer()  # also for a clip, which draws no pixels
        super().__call__(event)
        match event:
            case TaskDone(task, _, stats):
                self.skip(self.plan.pixels_of(task) - stats.pixels)  # of frames that were there
                drawn = self.done + self.skipped == self.total
                if stats.pixels and drawn and self.plan.parent(task) is not None:
                    self._start_timer(self.tell_encoding)

    def tell_encoding(self) -> None:
        """Report that only encoding is left, and its time if the film is one clip."""
        self.note("all frames are drawn; what is left is to encode the last of them")
        assert isinstance(self.plan, FilmPlan)
        if self.plan.clips == 1:
            self.estimate_encoding()

    def estimate_encoding(self) -> None:
        """Measure the encoder on samples, and show its time unless it has finished meanwhile."""
        from tilecppn.film.encoding.estimate import encoding_seconds

        began = self.clock() - PATIENCE

        def check_cancelled() -> None:
            if self._timer is None:
                raise RenderError("encoded by now")

        if self.encoding is not None:
            with contextlib.suppress(TilecppnError, OSError):
                seconds = encoding_seconds(self.timeline, self.encoding, check_cancelled)
                check_cancelled()
                left = max(1.0, seconds - (self.clock() - began))
                self.note(f"encoding ETA {format_duration(left)} (estimated from samples)")

    def work(self, plan: TaskGraph) -> str:
        """Describe the film."""
        canvas, film = self.timeline.base.canvas, self.timeline.film
        frames = counted(film.frames, "frame")
        return f"{frames} of {canvas.width} × {canvas.height} at {film.fps} a second"

    def amount(self, finished: int) -> str:
        """Format how many of the frames are done."""
        frames = self.timeline.frames
        done = finished * frames // self.total if self.total else 0
        return f"{done:,} of {counted(frames, 'frame')}"
