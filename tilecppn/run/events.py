"""The events of a run, which listeners receive. Nothing below the command line prints."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from tilecppn.kernels import Arithmetic
from tilecppn.plan import Task, TaskGraph
from tilecppn.run.jobs import TaskStats

LOGGER = logging.getLogger("tilecppn")
LOGGER.addHandler(logging.NullHandler())  # else Python prints warnings to stderr


@dataclass(frozen=True)
class RunStarted:
    """A worker is chosen and tasks begin. workers: requested; threads: of each."""

    plan: TaskGraph
    executor: str
    workers: int
    threads: int
    arithmetic: Arithmetic


@dataclass(frozen=True)
class LocksAreLocal:
    """Locks on the store's disk do not keep other machines from rendering into it, too."""

    reason: str


@dataclass(frozen=True)
class FramesNotTaken:
    """Frames that were given are drawn again."""

    reason: str


@dataclass(frozen=True)
class WorkerJoined:
    """A worker is ready. `location` is its host and process, as in "node7:4711"."""

    worker: int
    location: str


@dataclass(frozen=True)
class WorkerLost:
    """A worker died, or could not start; another one is started after `delay` seconds."""

    worker: int
    reason: str
    delay: float = 0.0


@dataclass(frozen=True)
class WorkerRejected:
    """A worker gets no tasks, since it differs from the others, or does not see the store."""

    worker: int
    reason: str


@dataclass(frozen=True)
class WorkersWaiting:
    """`count` workers wait for a free CPU or GPU; they start once there is one."""

    count: int


@dataclass(frozen=True)
class WorkerRetired:
    """A worker gets no more tasks, since its node is about to be shut down."""

    worker: int
    reason: str


@dataclass(frozen=True)
class WorkerReleased:
    """A worker was stopped, since fewer tasks are left than workers."""

    worker: int


@dataclass(frozen=True)
class TaskHedged:
    """A slow task was given to another worker as well; the first result counts."""

    task: Task
    worker: int


@dataclass(frozen=True)
class TaskSkipped:
    """A task was already in the store."""

    task: Task


@dataclass(frozen=True)
class TaskUnbuilt:
    """A task is not run, since one that it depends on failed."""

    task: Task


@dataclass(frozen=True)
class TaskDone:
    """A task was run, and its file is in the store."""

    task: Task
    worker: int
    stats: TaskStats


@dataclass(frozen=True)
class AttemptFailed:
    """The n-th attempt at a task failed.

    The next one follows after `delay` seconds; final: there is none, the task is given up.
    """

    task: Task
    worker: int
    reason: str
    attempt: int
    final: bool
    delay: float = 0.0


Event = (
    RunStarted
    | LocksAreLocal
    | FramesNotTaken
    | WorkerJoined
    | WorkerLost
    | WorkerRejected
    | WorkersWaiting
    | WorkerRetired
    | WorkerReleased
    | TaskHedged
    | TaskSkipped
    | TaskUnbuilt
    | TaskDone
    | AttemptFailed
)
Listener = Callable[[Event], None]


def log(event: Event) -> None:
    """Write an event to the logger "tilecppn": a failure as a warning, a task for debugging."""
    match event:
        case TaskSkipped(task):
            LOGGER.debug("%s was done already", task.name)
        case TaskUnbuilt(task):
            LOGGER.debug("%s is not built: what it is made from failed", task.name)
        case TaskDone(task, worker, stats):
            LOGGER.debug("%s done by worker %d in %.2f s", task.name, worker, stats.seconds)
        case RunStarted(plan, executor, workers):
            LOGGER.info("%d tasks, %d %s workers", plan.tasks, workers, executor)
        case WorkerJoined(worker, location):
            LOGGER.info("worker %d joined at %s", worker, location)
        case WorkersWaiting(count):
            LOGGER.info("%d workers wait for a free CPU or GPU", count)
        case WorkerRetired(worker, reason):
            LOGGER.info("worker %d gets no more tasks: %s", worker, reason)
        case WorkerReleased(worker):
            LOGGER.info("worker %d released", worker)
        case TaskHedged(task, worker):
            LOGGER.info("%s takes long; worker %d has it as well", task.name, worker)
        case LocksAreLocal(reason) | FramesNotTaken(reason):
            LOGGER.warning("%s", reason)
        case AttemptFailed(task, worker, reason, attempt):
            LOGGER.warning("%s failed on worker %d (%d): %s", task.name, worker, attempt, reason)
        case WorkerLost(worker, reason):
            LOGGER.warning("worker %d lost: %s", worker, reason)
        case WorkerRejected(worker, reason):
            LOGGER.warning("worker %d gets no tasks: %s", worker, reason)
