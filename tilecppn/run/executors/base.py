"""What an executor does and what its workers report."""

from typing import Any, NamedTuple, Protocol

from tilecppn import machine
from tilecppn.plan import Task
from tilecppn.run.jobs import TaskFailed, TaskSucceeded, WorkerInfo

MOST_THREADS = 16  # of a worker: more share one interpreter's lock than anybody has tried


class WorkerReady(NamedTuple):
    """A worker has opened the job and waits for tasks."""

    worker: int
    worker_info: WorkerInfo


class TaskResult(NamedTuple):
    """A worker has run a task."""

    worker: int
    task: Task
    result: TaskSucceeded | TaskFailed


class WorkerDied(NamedTuple):
    """A worker is gone, with all of its tasks, or could not start.

    In the latter case its actor may live on, so that nobody else takes its resources too early.
    """

    worker: int
    reason: str


Message = WorkerReady | TaskResult | WorkerDied


class Executor(Protocol):
    """Starts workers and carries tasks to them; it decides nothing."""

    name: str
    workers: int  # how many it keeps
    threads: int  # tasks that a worker runs at once
    depth: int  # tasks that a worker has at most, the running ones included

    def start(self) -> None:
        """Begin to start the workers; each reports WorkerReady by itself."""

    def submit(self, worker: int, task: Any, /) -> None:
        """Give a ready worker a task; a worker begins its tasks in the order they came."""

    def poll(self, timeout: float) -> list[Message]:
        """Return what has happened; wait up to `timeout` seconds if nothing has."""
        ...

    def replace(self, worker: int) -> None:
        """Forget a worker, killing it if that is possible, and start another in its place."""

    def stop(self) -> None:
        """End all workers at once, in the middle of their tasks."""


def gpu_threads(cores: float, gpus: float) -> int:
    """Return the threads of a worker with a GPU: its share of the machine's cores.

    They encode and write one shard while the GPU draws another.
    """
    return max(1, min(MOST_THREADS, int(cores / gpus)))


class WorkerLayout(NamedTuple):
    """The workers, the threads of each, and how many GPUs they use if the kernel uses GPUs."""

    workers: int
    threads: int = 1
    gpus: int = 1


def local_worker_layout(name: str, workers: int | None) -> WorkerLayout:
    """Return the layout of an executor whose workers are all on this machine.

    Local threads share one GPU; a Ray actor has one for itself.
    """
    gpus = machine.gpus() if name == "ray" else 0
    if not gpus:
        return WorkerLayout(workers or machine.cores())
    count = workers or gpus
    return WorkerLayout(count, gpu_threads(machine.cores(), gpus), min(count, gpus))
