"""What an executor does and what its workers report."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from tilecppn import machine
from tilecppn.plan import Task
from tilecppn.run.events import Listener
from tilecppn.run.jobs import TaskFailed, TaskSucceeded, WorkerInfo

CPU_KERNELS = {"llvm", "reference"}
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
    node_lost: its whole machine is gone, which no task is likely to have done.
    """

    worker: int
    reason: str
    node_lost: bool = False


class WorkerLeaving(NamedTuple):
    """A worker's node is about to go: what it runs may end, but it is to get nothing more.

    It was given `task` and has not begun it.
    """

    worker: int
    reason: str
    task: Task | None = None


Message = WorkerReady | TaskResult | WorkerDied | WorkerLeaving


class Executor(Protocol):
    """Starts workers and carries tasks to them; it decides nothing."""

    name: str
    remote: bool  # workers are processes, perhaps on machines that differ and cost money
    workers: int  # how many there are to be at first
    threads: int  # tasks that a worker runs at once
    depth: int  # tasks that a worker has at most, the running ones included
    gpus: float  # that each worker reserves

    @property
    def listeners(self) -> Sequence[Listener]:
        """Whom it wants told what happens, beside the run's own listeners."""
        ...

    @property
    def room(self) -> int:
        """How many more workers could start, as on machines that have joined."""
        ...

    def start(self, count: int, /) -> list[int]:
        """Begin to start workers, and return their numbers; each reports WorkerReady by itself."""
        ...

    def submit(self, worker: int, task: Any, /) -> None:
        """Give a ready worker a task; a worker begins its tasks in the order they came."""

    def poll(self, timeout: float) -> list[Message]:
        """Return what has happened; wait up to `timeout` seconds if nothing has."""
        ...

    def release(self, worker: int, /) -> None:
        """Forget a worker, and end it if that is possible. It is heard no more."""

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


def uses_gpus(kernel: str) -> bool:
    """Return whether a kernel of that name may draw on GPUs."""
    return kernel not in CPU_KERNELS


def local_worker_layout(
    name: str, workers: int | None, kernel: str = "auto", gpus_per_worker: float = 1.0
) -> WorkerLayout:
    """Return the layout of an executor whose workers are all on this machine.

    Local threads share one GPU; a Ray actor has its share of one.
    """
    gpus = machine.gpus() if name == "ray" and uses_gpus(kernel) else 0
    if not gpus:
        return WorkerLayout(workers or machine.cores())
    most = int(gpus / gpus_per_worker)
    count = workers or most
    return WorkerLayout(count, gpu_threads(machine.cores(), most), min(count, gpus))
