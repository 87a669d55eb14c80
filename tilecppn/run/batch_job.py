"""The job of a batch's workers: each task is a shard of one of many scenes."""

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

from cachetools import LRUCache

from tilecppn import machine
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError, RenderError
from tilecppn.idle_threads import IdleThreads
from tilecppn.kernels import EvaluationContext, create
from tilecppn.plan import Shard
from tilecppn.run.jobs import TaskStats, WorkerInfo, WorkerUnusable
from tilecppn.run.render_job import RenderJob, RenderRunner
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


class SceneJobs:
    """The jobs of the scenes that a process works on, by number; not pickled."""

    def __init__(self) -> None:
        self._jobs: LRUCache[int, tuple[RenderJob, Store]] = LRUCache(machine.cores() + RUNNERS)
        self._lock = threading.Lock()
        self.idle_threads = IdleThreads()

    def get(self, number: int, path: str, kernel: str) -> tuple[RenderJob, Store]:
        """Return a scene's job and store. Raises WorkerUnusable if the store is not visible."""
        with self._lock:
            if number not in self._jobs:
                store = open_when_visible(lambda: Store(path))
                # The runner takes the scene from the store.
                job = RenderJob("", b"", path, kernel, idle_threads=self.idle_threads)
                self._jobs[number] = job, store
            return self._jobs[number]

    def __reduce__(self) -> tuple[type["SceneJobs"], tuple[()]]:
        return SceneJobs, ()


@dataclass(frozen=True)
class BatchJob:
    """Render shards of many scenes, each of which is read from its store."""

    stores: tuple[str, ...]  # absolute paths; on a cluster, on a disk that all nodes share
    kernel: str
    first: tuple[str, bytes]  # a scene (TOML, weights), which decides a worker's arithmetic
    jobs: SceneJobs = field(default_factory=SceneJobs)  # shared by a process's threads

    def open(self, threads: int) -> "BatchRunner":
        """Return a runner for the calling thread, one of `threads` in its process."""
        return BatchRunner(self, threads)


class BatchRunner:
    """Draws and builds shards of many scenes on one thread."""

    def __init__(self, job: BatchJob, threads: int) -> None:
        self.job, self.threads = job, threads
        job.jobs.idle_threads.join()
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
            path = self.job.stores[number]
            job, store = self.job.jobs.get(number, path, self.job.kernel)
            self.runners[number] = RenderRunner(job, self.threads, store.for_thread())
            self.sees_stores = True
        return self.runners[number]
