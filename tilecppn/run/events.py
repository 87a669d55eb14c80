"""The events of a run, which listeners receive. Nothing below the command line prints."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from tilecppn.formatting import counted, format_duration
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


_LEVELS: dict[type, int] = {  # in the log; all others are for information
    **dict.fromkeys([TaskSkipped, TaskUnbuilt, TaskDone], logging.DEBUG),
    **dict.fromkeys([AttemptFailed, WorkerLost, WorkerRejected], logging.WARNING),
    **dict.fromkeys([LocksAreLocal, FramesNotTaken], logging.WARNING),
}


def log(event: Event) -> None:
    """Write an event to the logger "tilecppn": a failure as a warning, a task for debugging."""
    LOGGER.log(_LEVELS.get(type(event), logging.INFO), describe(event))


def describe(event: Event) -> str:
    """Return an event's text."""
    match event:
        case RunStarted(plan, executor, workers):
            return f"{plan.tasks} tasks, {workers} {executor} workers"
        case LocksAreLocal(reason) | FramesNotTaken(reason):
            return reason
        case WorkerJoined(worker, location):
            return f"worker {worker} joined at {location}"
        case WorkerLost(worker, reason, delay):
            when = f"is tried in {format_duration(delay)}" if delay else "takes its place"
            return f"worker {worker} lost: {reason}; another {when}"
        case WorkerRejected(worker, reason):
            return f"worker {worker} gets no work: {reason}"
        case WorkersWaiting(count):
            waiting = counted(count, "worker")
            return f"no free CPU or GPU yet for {waiting}; they start when there is one"
        case WorkerRetired(worker, reason):
            return f"worker {worker} gets no more work: {reason}; another takes its place"
        case WorkerReleased(worker):
            return f"worker {worker} released"
        case TaskHedged(task, worker):
            return f"{task.name} takes long; worker {worker} has it as well"
        case TaskSkipped(task):
            return f"{task.name} was done already"
        case TaskUnbuilt(task):
            return f"{task.name} is not built: what it is made from failed"
        case TaskDone(task, worker, stats):
            return f"{task.name} done by worker {worker} in {stats.seconds:.2f} s"
        case AttemptFailed(task, worker, reason, attempt, final, delay):
            after = f" in {format_duration(delay)}" if delay else ""
            then = "given up" if final else f"tried again{after}"
            return f"{task.name} failed on worker {worker}, attempt {attempt}: {reason}; {then}"
