"""The interface of an executor, and the messages of its workers."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from tilecppn import machine
from tilecppn.plan import Task
from tilecppn.run.events import Listener
from tilecppn.run.jobs import TaskFailed, TaskStats, WorkerInfo

CPU_KERNELS = {"llvm", "reference"}
MOST_THREADS = 16  # per worker; more threads under one interpreter's lock are untested


class WorkerReady(NamedTuple):
    """A worker has opened its job and waits for tasks."""

    worker: int
    worker_info: WorkerInfo


class TaskResult(NamedTuple):
    """A worker has run a task."""

    worker: int
    task: Task
    result: TaskStats | TaskFailed


class WorkerDied(NamedTuple):
    """A worker has died, with all of its tasks, or could not start.

    In the latter case its actor may live on, so that nobody else takes its resources too early.
    node_lost: its whole machine is gone, for which no task is likely to be to blame.
    """

    worker: int
    reason: str
    node_lost: bool = False


class WorkerLeaving(NamedTuple):
    """A worker's node is about to be shut down: the worker may finish, but gets no more tasks.

    task: one that it was given and has not begun.
    """

    worker: int
    reason: str
    task: Task | None = None


Message = WorkerReady | TaskResult | WorkerDied | WorkerLeaving


class Executor(Protocol):
    """Starts workers and carries tasks to them; the coordinator decides."""

    name: str
    remote: bool  # workers are processes, perhaps on machines that differ and cost money
    workers: int  # the initial number of workers
    threads: int  # tasks that a worker runs at a time
    depth: int  # tasks that a worker has at most, the running ones included
    gpus: float  # reserved by each worker
    listeners: Sequence[Listener] = ()  # its own, which get events beside those of the run

    @property
    def room(self) -> int:
        """The number of further workers that could start, as on machines that have joined."""

    def start(self, count: int, /) -> list[int]:
        """Begin to start workers, and return their numbers; each will send WorkerReady."""

    def submit(self, worker: int, task: Any, /) -> None:
        """Give a ready worker a task; a worker begins its tasks in the order given."""

    def poll(self, timeout: float) -> list[Message]:
        """Return new messages; wait up to `timeout` seconds if there are none."""

    def release(self, worker: int, /) -> None:
        """Forget a worker, and end it if possible. Its later messages are ignored."""

    def stop(self) -> None:
        """End all workers at once, in the middle of their tasks."""


def gpu_threads(cores: float, gpus: float) -> int:
    """Return the number of threads of a worker with a GPU: its share of the machine's cores.

    They encode and write some shards while the GPU draws another.
    """
    return max(1, min(MOST_THREADS, int(cores / gpus)))


class WorkerLayout(NamedTuple):
    """The number of workers, of threads per worker, and of GPUs in use by a GPU kernel."""

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

    Local threads share one GPU; each Ray actor reserves a GPU, or a part of one.
    """
    gpus = machine.gpus() if name == "ray" and uses_gpus(kernel) else 0
    if not gpus:
        return WorkerLayout(workers or machine.cores())
    most = int(gpus / gpus_per_worker)
    count = workers or most
    return WorkerLayout(count, gpu_threads(machine.cores(), most), min(count, gpus))
