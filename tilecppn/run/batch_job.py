"""The job of a batch's workers: each task is a shard of one of many scenes."""

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

from cachetools import LRUCache

from tilecppn import machine
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError, RenderError
from tilecppn.idle_threads import IdleThreads
from tilecppn.kernels import Arithmetic, EvaluationContext, create
from tilecppn.plan import Shard
from tilecppn.run.downsample_cache import DownsampleCache
from tilecppn.run.jobs import Job, TaskStats, WorkerInfo, WorkerUnusable
from tilecppn.run.render_job import RenderRunner
from tilecppn.run.visibility import open_when_visible
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store
from tilecppn.version import VERSION

RUNNERS = 2  # kept per thread: the current scene, and one whose last shards come late


class SceneTask(NamedTuple):
    """A shard of a scene of a batch: the scene's number and name."""

    scene: int
    label: str
    shard: Shard

    @property
    def name(self) -> str:
        """The task's name in messages."""
        return f"{self.label}, {self.shard.name}"

    @property
    def kind(self) -> str:
        """The shard's kind: "draw" or "downsample"."""
        return self.shard.kind


class OpenStores:
    """The stores of the scenes that a process works on, by path; not pickled."""

    def __init__(self) -> None:
        self._open: LRUCache[str, tuple[Store, DownsampleCache]]
        self._open = LRUCache(machine.cores() + RUNNERS)
        self._lock = threading.Lock()
        self.idle_threads = IdleThreads()

    def get(self, path: str, threads: int) -> tuple[Store, DownsampleCache]:
        """Return a store and the cache that its `threads` share. Raises WorkerUnusable if the store
        is not visible.
        """
        with self._lock:
            if path not in self._open:
                cache = DownsampleCache()
                cache.share(threads)
                self._open[path] = open_when_visible(lambda: Store(path)), cache
            return self._open[path]

    def __reduce__(self) -> tuple[type["OpenStores"], tuple[()]]:
        return OpenStores, ()


@dataclass(frozen=True)
class BatchJob(Job):
    """Render shards of many scenes, each of which is read from its store."""

    stores: tuple[str, ...]  # absolute paths; on a cluster, on a disk that all nodes share
    kernel: str
    first: tuple[str, bytes]  # a scene (TOML, weights), which decides a worker's arithmetic
    open_stores: OpenStores = field(default_factory=OpenStores)  # shared by a process's threads

    def open(self, threads: int) -> "BatchRunner":
        return BatchRunner(self, threads)


class BatchRunner:
    """Draws and builds shards of many scenes on one thread."""

    def __init__(self, job: BatchJob, threads: int) -> None:
        self.job, self.threads = job, threads
        job.open_stores.idle_threads.join()
        self.runners: LRUCache[int, RenderRunner] = LRUCache(RUNNERS)
        self.sees_stores = False  # unknown yet: perhaps this node has another disk
        text, weights = job.first
        context = EvaluationContext.of(Scene.parse(text, embedded=weights))
        self.worker_info = WorkerInfo.of(VERSION, create(job.kernel, context).arithmetic)

    def run(self, task: SceneTask, check_cancelled: CheckCancelled) -> TaskStats:
        """Draw or build a shard of a scene, and store it.

        Raises RenderError for a problem of one store, so that other scenes can go on.
        """
        try:
            return self._runner(task.scene).run(task.shard, check_cancelled)
        except InvalidRequestError as error:
            raise RenderError(str(error)) from error.__cause__
        except WorkerUnusable as error:
            if not self.sees_stores:
                raise
            raise RenderError(str(error)) from None

    def _runner(self, number: int) -> RenderRunner:
        if number not in self.runners:
            shared = self.job.open_stores
            store, cache = shared.get(self.job.stores[number], self.threads)
            self.sees_stores = True

            def open_store(arithmetic: Arithmetic) -> Store:
                store.check_arithmetic(arithmetic)
                return store.for_thread()

            self.runners[number] = RenderRunner(
                store.scene, self.job.kernel, open_store, cache, shared.idle_threads
            )
        return self.runners[number]
