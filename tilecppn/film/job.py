"""The job of a film: workers draw shards of frames, and encode clips of them."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError, RenderError
from tilecppn.film.encoding.base import Encoding
from tilecppn.film.encoding.frames import Frames
from tilecppn.film.finished_frames import FinishedFrames, FrameReader
from tilecppn.film.frame_renderer import FrameRenderer
from tilecppn.film.plan import ClipTask, FilmPlan, FilmTask
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.plan import Window
from tilecppn.run.jobs import Job, TaskStats, WorkerInfo
from tilecppn.run.visibility import wait_until_visible

BAND = 1 << 24  # bytes of a frame read at a time; at least one row of tiles


@dataclass(frozen=True)
class FilmJob(Job):
    """Draw the frames' shards, and encode clips of `clip` frames each with `encoding`, if given.

    direct: see FilmPlan. finished: frames that exist already, and are not drawn.
    """

    timeline: str  # TOML
    networks: Mapping[str, bytes]
    store: str  # absolute path; on a cluster, on a shared disk
    kernel: str
    clip: int | None = None
    encoding: Encoding | None = None
    direct: int = 0
    finished: FinishedFrames | None = None

    def open(self, threads: int) -> "FilmRunner":
        return FilmRunner(self)


class FilmRunner:
    """Draws the shards of frames, and encodes the clips, of a FilmJob on one thread."""

    def __init__(self, job: FilmJob) -> None:
        self.job = job
        self.timeline = Timeline.parse(job.timeline, embedded=job.networks)
        self.renderer = FrameRenderer(self.timeline, job.kernel)
        self.worker_info = WorkerInfo.of(self.timeline.fingerprint, self.renderer.arithmetic)
        self._drawn = 0  # pixels

    @cached_property
    def store(self) -> FilmStore:
        """The store; it exists only once the first worker's arithmetic is known."""
        encoding_id = "" if self.job.encoding is None else self.job.encoding.encoding_id
        return wait_until_visible(
            lambda: FilmStore(self.job.store, self.job.clip, encoding_id),
            self.timeline,
            self.worker_info.arithmetic,
        )

    @cached_property
    def plan(self) -> FilmPlan:
        """The store's plan, with the direct clips of this run."""
        return replace(self.store.plan, direct=self.job.direct)

    @cached_property
    def finished(self) -> FrameReader | None:
        """The frames that exist already; a store takes none of another arithmetic."""
        found = self.job.finished
        if found is None or (self.job.encoding is None and not self._is_like(found)):
            return None
        return found.open()

    def _is_like(self, frames: FinishedFrames) -> bool:
        return frames.arithmetic == self.renderer.arithmetic

    def run(self, task: FilmTask, check_cancelled: CheckCancelled) -> TaskStats:
        """Draw and store a shard of a frame, or encode a clip."""
        start, before = time.perf_counter(), self._drawn
        if isinstance(task, ClipTask):
            written = self._encode(task, check_cancelled)
        else:
            window = self.plan.window(task)
            pixels = self._render(task.frame, window, check_cancelled)
            check_cancelled()
            written = self.store.write(task, pixels)
        seconds = time.perf_counter() - start
        return TaskStats(seconds, self._drawn - before, written)

    def _encode(self, clip: ClipTask, check_cancelled: CheckCancelled) -> int:
        """Encode a clip, delete its frames, which are no longer needed, and return the clip's
        bytes.
        """
        store, encoding = self.store, self.job.encoding
        assert encoding is not None
        numbers = store.plan.frames_of(clip)
        file = store.file(clip)
        if not store.has(clip):  # it exists if a worker died after finishing it
            frames = Frames(
                numbers,
                lambda number: self._bands(number, check_cancelled),
                lambda number: self.timeline.scene(number).shared_toml(),
                check_cancelled,
            )
            store.put_clip(clip, lambda path: encoding.write(path, frames))
        for number in numbers:
            for shard in store.plan.frame_shards(number):
                store.delete(shard)
        return file.stat().st_size

    def _bands(self, frame: int, check_cancelled: CheckCancelled) -> Iterator[NDArray[Any]]:
        """Yield a frame's rows (rows, width, channels), some rows of tiles at a time."""
        still = self.store.plan.still
        row = still.width * still.channels * still.itemsize * still.tile
        rows = max(1, BAND // row) * still.tile
        for window in Window(0, 0, still.height, still.width).split(rows, still.width):
            check_cancelled()
            yield self._pixels(frame, window, check_cancelled).transpose(1, 2, 0)

    def _pixels(self, frame: int, window: Window, check_cancelled: CheckCancelled) -> NDArray[Any]:
        # Frames of a direct clip are not stored. Another node's files may become visible late, and
        # a shard may be damaged: drawing it again gives the same bytes.
        with contextlib.suppress(RenderError):
            return self.store.read(frame, window)
        return self._render(frame, window, check_cancelled).copy()  # bands may be collected

    def _render(self, frame: int, window: Window, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """Read a finished frame, or draw it, also if it is damaged and would come out the same.

        Raises InvalidRequestError for a damaged frame that would not.
        """
        there = self.job.finished
        if self.finished is not None and there is not None:
            try:
                return self.finished.read(there.first + frame, window)
            except RenderError as error:
                if not self._is_like(there):
                    raise InvalidRequestError(f"{error}") from None  # no attempt can help
        self._drawn += window.pixels
        return self.renderer.render(frame, window, check_cancelled)


def clip_files(store: FilmStore) -> list[Path]:
    """Return the files of a finished store's clips, in the film's order."""
    return [store.file(clip) for clip in store.plan.all_clips()]
