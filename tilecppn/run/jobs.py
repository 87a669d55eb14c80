"""A job is opened once by each thread of a worker; its runner then runs shards, one at a time."""

import errno
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tilecppn import machine
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError, StoreError, TilecppnError
from tilecppn.kernels import Arithmetic, EvaluationContext, create
from tilecppn.kernels.llvm.codegen import Workspace
from tilecppn.pixels.downsample import mean2x2
from tilecppn.pixels.window import render_window
from tilecppn.plan import Plan, Shard, Window
from tilecppn.run.downsample_cache import DownsampleCache
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store
from tilecppn.storage.zarr_format import use_threads


class Opened(Protocol):
    """A store, of a still or a film."""

    def check(self, picture: Any, /) -> None: ...

    def check_arithmetic(self, arithmetic: Arithmetic) -> None: ...


S = TypeVar("S", bound=Opened)
# Seconds that a network file system may take to show another node's files. NFS by default keeps
# what it knows of a folder, and so that a file is not in it, for up to 60 (acdirmax).
VISIBILITY_TIMEOUT = 90.0

# Errors of the store that another attempt cannot mend, and those that another node may not have.
PERMANENT_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NODE_ERRORS = {errno.EROFS, errno.EACCES, errno.EPERM}


class WorkerInfo(NamedTuple):
    """Who a worker is: all workers of a run must agree in the first two."""

    network: str  # SHA-256 of the weights it holds
    arithmetic: Arithmetic
    place: str


class TaskStats(NamedTuple):
    """What a worker reports of a finished shard."""

    seconds: float
    pixels: int
    bytes: int


class TaskSucceeded(NamedTuple):
    stats: TaskStats


class TaskFailed(NamedTuple):
    reason: str
    permanent: bool  # another attempt cannot help
    worker_unusable: bool = False  # it is the worker, whatever the shard: another may do it


class Runner(Protocol):
    """Of one thread, with memory of its own."""

    @property
    def worker_info(self) -> WorkerInfo: ...

    def run(self, shard: Shard, check_cancelled: CheckCancelled) -> TaskStats: ...


class Job(Protocol):
    """Picklable; `open` is called in the thread that the runner is for.

    `threads` is how many of its process open the job.
    """

    def open(self, threads: int) -> Runner: ...


class Tiler(Protocol):
    """Exports a shard's pixels in the same pass. Picklable."""

    def write_all(self, level: int, window: Window, pixels: NDArray[Any]) -> None: ...


@dataclass(frozen=True)
class RenderJob:
    """Render shards of level 0, and build those of the other levels from their children."""

    scene: str  # TOML
    weights: bytes
    store: str  # absolute path; on a cluster, of a disk that all nodes share
    kernel: str
    tiler: Tiler | None = None
    downsample_cache: DownsampleCache = field(
        default_factory=DownsampleCache
    )  # shared by the threads of a process

    def open(self, threads: int) -> "RenderRunner":
        return RenderRunner(self, threads)


class RenderRunner:
    def __init__(self, job: RenderJob, threads: int) -> None:
        use_threads(threads)
        self.scene = Scene.parse(job.scene, embedded=job.weights)
        self.plan = Plan.of(self.scene.canvas, self.scene.output, self.scene.channels)
        self.kernel = create(job.kernel, EvaluationContext.of(self.scene))
        self.path = job.store
        self.tiler = job.tiler
        self.downsample_cache = job.downsample_cache
        self.downsample_cache.share(threads)
        self.memory = Workspace()  # of the shard at hand
        self.worker_info = WorkerInfo(
            self.scene.cppn.sha256,
            self.kernel.arithmetic,
            f"{socket.gethostname()}:{os.getpid()}",
        )

    @cached_property
    def store(self) -> Store:
        return wait_until_visible(lambda: Store(self.path), self.scene, self.worker_info.arithmetic)

    def run(self, shard: Shard, check_cancelled: CheckCancelled) -> TaskStats:
        """Draw or build a shard, write its tiles if asked, and commit it by storing it."""
        start = time.perf_counter()
        store = self.store  # before the work: it may not be in sight from here
        window = self.plan.window(shard)
        if shard.level == 0:
            pixels = render_window(
                self.kernel, self.scene, window, check_cancelled, self.memory.array
            )
        else:
            pixels = self._mean(shard, check_cancelled)
        if self.tiler is not None:
            check_cancelled()
            self.tiler.write_all(shard.level, window, pixels)
        check_cancelled()
        written = store.write(shard, pixels)
        if self.plan.parent(shard) is not None:
            self.downsample_cache.put(shard, mean2x2(pixels, self.downsample_cache.empty))
        return TaskStats(time.perf_counter() - start, window.pixels, written)

    def _mean(self, shard: Shard, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """A shard's pixels from its children's, in memory or in the store."""
        window = self.plan.window(shard)
        shape = (self.plan.channels, window.height, window.width)
        out = self.memory.array(shape, self.scene.output.dtype)
        for child in self.plan.children(shard):
            check_cancelled()
            half = self.downsample_cache.take(child)
            if half is None:
                half = self._half(child, check_cancelled)
            inner = self.plan.window(child)
            top, left = inner.top // 2 - window.top, inner.left // 2 - window.left
            out[:, top : top + half.shape[1], left : left + half.shape[2]] = half
            self.downsample_cache.release(half)
        return out

    def _half(self, shard: Shard, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """The 2×2 means of a stored shard, a row of tiles at a time."""
        self._wait_for(shard, check_cancelled)
        parts = []
        for strip in self.plan.window(shard).split(self.plan.tile, self.plan.shard):
            check_cancelled()
            parts.append(mean2x2(self.store.read(shard.level, strip)))
        return np.concatenate(parts, axis=1)

    def _wait_for(self, shard: Shard, check_cancelled: CheckCancelled) -> None:
        """A child is done, but perhaps on another node, whose files come into sight late."""
        patience = time.monotonic() + VISIBILITY_TIMEOUT
        while not self.store.has(shard) and time.monotonic() < patience:
            check_cancelled()
            time.sleep(0.1)


def wait_until_visible(open_store: Callable[[], S], picture: Any, arithmetic: Arithmetic) -> S:
    """A store, opened with the first shard: it is made when a worker's arithmetic is known.

    Raises WorkerUnusable if it is not there after some time, or of another picture or arithmetic: a
    worker may outlive its run, and another follow.
    """
    patience = time.monotonic() + VISIBILITY_TIMEOUT
    while True:
        try:
            store = open_store()
            store.check(picture)
            store.check_arithmetic(arithmetic)
            return store
        except StoreError as error:
            if time.monotonic() > patience:
                raise WorkerUnusable(
                    f"{error}; seen from {socket.gethostname()}: the store must lie on a disk "
                    "that all nodes share"
                ) from None
            time.sleep(0.5)


class Cancelled(BaseException):
    """Raised in a worker's thread by `pause`; past every `except Exception`."""


class WorkerUnusable(Exception):
    """This worker cannot do its part, whatever the shard."""


class DeviceLost(Exception):
    """This process has no GPU any more: its worker is lost, though it lives."""


def run_task(
    runner: Runner, shard: Shard, check_cancelled: CheckCancelled
) -> TaskSucceeded | TaskFailed:
    """Run one shard; an exception becomes a value, so that it crosses processes as words.

    Raises DeviceLost where all further shards of this process would fail.
    """
    try:
        return TaskSucceeded(runner.run(shard, check_cancelled))
    except WorkerUnusable as error:
        return TaskFailed(f"{error}", permanent=False, worker_unusable=True)
    except OSError as error:
        return TaskFailed(f"{error}", error.errno in PERMANENT_ERRORS, error.errno in NODE_ERRORS)
    except TilecppnError as error:
        return TaskFailed(f"{error}", isinstance(error, InvalidRequestError))
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        if machine.is_lost_device(error):
            raise DeviceLost(words) from error
        return TaskFailed(words, False)
