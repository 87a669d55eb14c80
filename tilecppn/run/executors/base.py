"""What an executor does and what its workers report."""

from typing import NamedTuple, Protocol

from tilecppn import machine
from tilecppn.plan import Shard
from tilecppn.run.jobs import TaskFailed, TaskSucceeded, WorkerInfo

MOST_THREADS = 16  # of a worker: more share one interpreter's lock than anybody has tried


class WorkerReady(NamedTuple):
    """A worker has opened the job and waits for shards."""

    worker: int
    worker_info: WorkerInfo


class TaskResult(NamedTuple):
    """A worker has run a shard."""

    worker: int
    shard: Shard
    result: TaskSucceeded | TaskFailed


class WorkerDied(NamedTuple):
    """A worker is gone, with all that was in flight on it, or could not begin.

    Then its actor may live on, so that its place is not given to another one too early.
    """

    worker: int
    reason: str


Message = WorkerReady | TaskResult | WorkerDied


class Executor(Protocol):
    name: str
    workers: int  # how many it keeps
    threads: int  # shards that a worker runs at once
    depth: int  # shards in flight a worker, the running ones included

    def start(self) -> None:
        """Begin to start the workers; each reports Ready by itself."""

    def submit(self, worker: int, shard: Shard) -> None:
        """Give a ready worker a shard; a worker begins its shards in the order they came."""

    def poll(self, timeout: float) -> list[Message]:
        """What has happened; waits up to `timeout` seconds if nothing has."""
        ...

    def replace(self, worker: int) -> None:
        """Forget a worker, killing it if that is possible, and start another in its place."""

    def stop(self) -> None:
        """End all workers at once, shards in flight included."""


def gpu_threads(cores: float, gpus: float) -> int:
    """Threads of a GPU's worker, on a machine with so many of both: the GPU's share of the cores.

    They encode and write one shard while the GPU draws another.
    """
    return max(1, min(MOST_THREADS, int(cores / gpus)))


class WorkerLayout(NamedTuple):
    """Who draws: workers, the threads of each, and how many GPUs these use, if the kernel does."""

    workers: int
    threads: int = 1
    gpus: int = 1


def local_worker_layout(name: str, workers: int | None) -> WorkerLayout:
    """The workforce of an executor whose workers are all on this machine.

    Local threads share one GPU; a Ray actor has one for itself.
    """
    gpus = machine.gpus() if name == "ray" else 0
    if not gpus:
        return WorkerLayout(workers or machine.cores())
    count = workers or gpus
    return WorkerLayout(count, gpu_threads(machine.cores(), gpus), min(count, gpus))
