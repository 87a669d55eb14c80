"""The interface of jobs: a worker opens one, runs its tasks, and reports their results."""

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

# Errors of the store that another attempt cannot mend, that another node may not have, and that
# are temporary.
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
    """The identity of a worker. All workers of a run must agree in `network` and `arithmetic`."""

    network: str  # SHA-256 of the weights it holds
    arithmetic: Arithmetic
    location: str  # host:process

    @classmethod
    def of(cls, network: str, arithmetic: Arithmetic) -> "WorkerInfo":
        """Return the info of this process."""
        return cls(network, arithmetic, f"{socket.gethostname()}:{os.getpid()}")


class TaskStats(NamedTuple):
    """The statistics of a finished task: seconds it took, pixels drawn, bytes written.

    stages: (name, seconds) of its parts.
    """

    seconds: float
    pixels: int
    bytes: int
    stages: tuple[tuple[str, float], ...] = ()


class TaskFailed(NamedTuple):
    """A task failed.

    permanent: another attempt cannot help. worker_unusable: the worker would fail at any task.
    store_error: an input or output error of the store, which may be temporary.
    """

    reason: str
    permanent: bool = False
    worker_unusable: bool = False
    store_error: bool = False


class Runner(Protocol):
    """Runs tasks on one thread, with buffers of its own."""

    worker_info: WorkerInfo

    def run(self, task: Any, check_cancelled: CheckCancelled, /) -> TaskStats:
        """Run a task, writing its file in the store last."""


class Job(Protocol):
    """The description of a run's work that workers receive. Picklable."""

    def open(self, threads: int) -> Runner:
        """Return a runner for the calling thread, one of `threads` in its process."""


class Cancelled(BaseException):
    """Raised in a worker's thread to stop its task; not caught by `except Exception`."""


class WorkerUnusable(Exception):
    """Raised if this worker would fail at any task."""


class DeviceLost(Exception):
    """Raised if this process has lost its GPU, so that its worker must be replaced."""


def run_task(runner: Runner, task: Task, check_cancelled: CheckCancelled) -> TaskStats | TaskFailed:
    """Run one task; return an exception as text, which can cross processes.

    Raises DeviceLost if all further tasks of this process would fail.
    """
    try:
        return runner.run(task, check_cancelled)
    except WorkerUnusable as error:
        return TaskFailed(f"{error}", worker_unusable=True)
    except Exception as error:
        number = _error_number(error)
        known = isinstance(error, TilecppnError | OSError)
        text = error_text(error) if isinstance(error, OSError) else f"{error}"
        words = text if known else f"{type(error).__name__}: {error}"
        if isinstance(error, MemoryError):
            words = "out of memory; use fewer --workers"
        if not known and machine.is_lost_device(error):
            raise DeviceLost(words) from error
        return TaskFailed(
            words,
            permanent=isinstance(error, InvalidRequestError) or number in PERMANENT_ERRORS,
            worker_unusable=number in NODE_ERRORS,
            store_error=number in TRANSIENT_ERRORS,
        )


def _error_number(error: BaseException | None) -> int | None:
    """Return the `errno` of an OSError, or of the OSError that caused a TilecppnError."""
    while isinstance(error, TilecppnError):
        error = error.__cause__
    return error.errno if isinstance(error, OSError) else None
