"""What a worker does and reports: it opens a job and runs tasks, one at a time on each thread."""

import errno
import os
import socket
from typing import Any, NamedTuple, Protocol

from tilecppn import machine
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError, TilecppnError
from tilecppn.filesystem import error_text
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Task

# Errors of the store that another attempt cannot mend, those that another node may not have, and
# those that pass.
PERMANENT_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NODE_ERRORS = {errno.EROFS, errno.EACCES, errno.EPERM}
TRANSIENT_ERRORS = {
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EAGAIN,
    errno.EBUSY,
    errno.ENOLCK,
    errno.ENOTCONN,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
}


class WorkerInfo(NamedTuple):
    """Who a worker is. All workers of a run must agree in `network` and `arithmetic`."""

    network: str  # SHA-256 of the weights it holds
    arithmetic: Arithmetic
    location: str  # host:process

    @classmethod
    def of(cls, network: str, arithmetic: Arithmetic) -> "WorkerInfo":
        """That of this process."""
        return cls(network, arithmetic, f"{socket.gethostname()}:{os.getpid()}")


class TaskStats(NamedTuple):
    """What a worker reports of a finished task: seconds it took, pixels drawn, bytes written.

    stages: the seconds of its parts, by their names.
    """

    seconds: float
    pixels: int
    bytes: int
    stages: tuple[tuple[str, float], ...] = ()


class TaskSucceeded(NamedTuple):
    """A task is done, as its worker says; it counts once its file is visible."""

    stats: TaskStats


class TaskFailed(NamedTuple):
    """A task failed.

    permanent: another attempt cannot help. worker_unusable: the worker is at fault, whatever the
    task. store_error: an input or output error of the store, which may pass.
    """

    reason: str
    permanent: bool = False
    worker_unusable: bool = False
    store_error: bool = False


class Runner(Protocol):
    """Runs tasks on one thread, with memory of its own."""

    @property
    def worker_info(self) -> WorkerInfo:
        """Who the worker is."""
        ...

    def run(self, task: Any, check_cancelled: CheckCancelled, /) -> TaskStats:
        """Do a task. Its file in the store is the last thing that is written."""
        ...


class Job(Protocol):
    """What workers need to know of a run. Picklable."""

    def open(self, threads: int) -> Runner:
        """Return the runner of the calling thread, one of so many of its process."""
        ...


class Cancelled(BaseException):
    """Raised in a worker's thread to stop its task; passes every `except Exception`."""


class WorkerUnusable(Exception):
    """This worker cannot do its part, whatever the task."""


class DeviceLost(Exception):
    """This process has no GPU any more: its worker is lost, though it lives."""


def run_task(
    runner: Runner, task: Task, check_cancelled: CheckCancelled
) -> TaskSucceeded | TaskFailed:
    """Run one task, and turn an exception into words, which can cross processes.

    Raises DeviceLost where all further tasks of this process would fail.
    """
    try:
        return TaskSucceeded(runner.run(task, check_cancelled))
    except WorkerUnusable as error:
        return TaskFailed(f"{error}", worker_unusable=True)
    except Exception as error:
        number = _error_number(error)
        known = isinstance(error, TilecppnError | OSError)
        text = error_text(error) if isinstance(error, OSError) else f"{error}"
        words = text if known else f"{type(error).__name__}: {error}"
        if not known and machine.is_lost_device(error):
            raise DeviceLost(words) from error
        return TaskFailed(
            words,
            permanent=isinstance(error, InvalidRequestError) or number in PERMANENT_ERRORS,
            worker_unusable=number in NODE_ERRORS,
            store_error=number in TRANSIENT_ERRORS,
        )


def _error_number(error: BaseException | None) -> int | None:
    """Return the `errno` of an OSError, or of the one that a TilecppnError was raised from."""
    while isinstance(error, TilecppnError):
        error = error.__cause__
    return error.errno if isinstance(error, OSError) else None
