"""The job of a still: workers draw shards of level 0 and build those of the other levels."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from operator import sub
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Workspace
from tilecppn.cancellation import CheckCancelled
from tilecppn.idle_threads import IdleThreads, Share, alone
from tilecppn.kernels import Arithmetic, EvaluationContext, create
from tilecppn.pixels.downsample import mean2x2
from tilecppn.pixels.renderer import Renderer
from tilecppn.plan import Plan, Shard, Window
from tilecppn.run.downsample_cache import DownsampleCache
from tilecppn.run.jobs import Job, TaskStats, WorkerInfo
from tilecppn.run.visibility import VISIBILITY_TIMEOUT, wait_until_visible
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


class Tiler(Protocol):
    """Exports the tiles of each shard during the render. Picklable."""

    def write_all(
        self, level: int, window: Window, pixels: NDArray[Any], share: Share = alone
    ) -> None:
        """Write the tiles of a window's pixels (channels, height, width)."""


@dataclass(frozen=True)
class RenderJob(Job):
    """Draws shards of level 0, and builds those of the other levels from their children."""

    scene: str  # TOML
    weights: bytes  # the weights file
    store: str  # absolute path; on a cluster, on a disk that all nodes share
    kernel: str
    tiler: Tiler | None = None
    downsample_cache: DownsampleCache = field(default_factory=DownsampleCache)  # of a process
    idle_threads: IdleThreads = field(default_factory=IdleThreads)  # likewise

    def open(self, threads: int) -> "RenderRunner":
        self.idle_threads.join()
        self.downsample_cache.share(threads)
        scene = Scene.parse(self.scene, embedded=self.weights)

        def open_store(arithmetic: Arithmetic) -> Store:
            return wait_until_visible(lambda: Store(self.store), scene, arithmetic)

        caches = self.downsample_cache, self.idle_threads
        return RenderRunner(scene, self.kernel, open_store, *caches, self.tiler)


class RenderRunner:
    """Draws and builds the shards of one scene on one thread."""

    def __init__(
        self,
        scene: Scene,
        kernel: str,
        open_store: Callable[[Arithmetic], Store],
        downsample_cache: DownsampleCache,
        idle_threads: IdleThreads,
        tiler: Tiler | None = None,
    ) -> None:
        """Prepare to draw. open_store: opens the scene's store, which has this arithmetic."""
        self.scene = scene
        self.shrink_profile = scene.output.shrink_profile
        self.plan = Plan.of(scene.canvas, scene.output, scene.channels)
        self.renderer = Renderer(create(kernel, EvaluationContext.of(scene)), scene)
        self.open_store = open_store
        self.tiler = tiler
        self.downsample_cache = downsample_cache
        self.idle_threads = idle_threads
        self.memory = Workspace()  # for the current shard
        self.worker_info = WorkerInfo.of(scene.cppn.sha256, self.renderer.kernel.arithmetic)

    @cached_property
    def store(self) -> Store:
        """The store, which exists only once the first worker's arithmetic is known."""
        return self.open_store(self.worker_info.arithmetic)

    def run(self, shard: Shard, check_cancelled: CheckCancelled) -> TaskStats:
        """Draw or build a shard, write its tiles if asked, and commit it by storing it."""
        with self.idle_threads.busy():
            return self._run(shard, check_cancelled)

    def _run(self, shard: Shard, check_cancelled: CheckCancelled) -> TaskStats:
        store = self.store  # opened before the work, since it may not be visible here
        times = [time.perf_counter()]
        window = self.plan.window(shard)
        if shard.level == 0:
            pixels = self.renderer.render(window, check_cancelled, self.memory.array)
        else:
            pixels = self._mean(shard, check_cancelled)
        times.append(time.perf_counter())
        if self.tiler is not None:
            check_cancelled()
            self.tiler.write_all(shard.level, window, pixels, self.idle_threads.share)
        times.append(time.perf_counter())
        check_cancelled()
        written = store.write(shard, pixels, self.idle_threads.share)
        if self.plan.parent(shard) is not None:
            half = mean2x2(pixels, self.downsample_cache.empty, self.shrink_profile)
            self.downsample_cache.put(shard, half)
        times.append(time.perf_counter())
        stages = zip((shard.kind, "export", "store"), map(sub, times[1:], times), strict=True)
        return TaskStats(times[-1] - times[0], self.plan.pixels_of(shard), written, tuple(stages))

    def _mean(self, shard: Shard, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """Return a shard's pixels, built from its children in the cache or in the store."""
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
        """Return the 2×2 means of a stored shard, read a row of tiles at a time."""
        self._wait_for(shard, check_cancelled)
        parts = []
        for strip in self.plan.window(shard).split(self.plan.tile, self.plan.shard):
            check_cancelled()
            pixels = self.store.read(shard.level, strip)
            parts.append(mean2x2(pixels, profile=self.shrink_profile))
        return np.concatenate(parts, axis=1)

    def _wait_for(self, shard: Shard, check_cancelled: CheckCancelled) -> None:
        """Wait until a child, which another node may have stored, is visible."""
        until = time.monotonic() + VISIBILITY_TIMEOUT
        while not self.store.has(shard) and time.monotonic() < until:
            check_cancelled()
            time.sleep(0.1)
