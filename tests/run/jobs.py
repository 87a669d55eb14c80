"""Jobs for the executors' tests: small, picklable, and able to misbehave."""

import errno
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tilecppn.cancellation import CheckCancelled
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Shard
from tilecppn.run.jobs import Job, Runner, TaskStats, WorkerInfo
from tilecppn.run.render_job import RenderJob

ARITHMETIC = Arithmetic("test", "exact", "cpu", 1)
MET = threading.Barrier(3)  # of three threads of a process
PATIENCE = 60.0  # seconds to wait for one another


@dataclass(frozen=True)
class Toy:
    """Answers at once, but: column 7 raises, 8 finds the disk full, 9 ends its process, 10 waits
    until it is stopped, and 11 until three threads are at it: then it tells which runner it has.
    """

    opens: bool = True

    def open(self, threads: int) -> "ToyRunner":
        if not self.opens:
            raise RuntimeError("cannot open")
        return ToyRunner()


@dataclass(frozen=True)
class Unreadable(Toy):
    """Cannot even be unpickled, as where a library is missing on a node."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return (_explode, ())


def _explode() -> None:
    raise ImportError("libcuda.so.1: cannot open shared object file")


class ToyRunner:
    def __init__(self) -> None:
        self.worker_info = WorkerInfo("f00d", ARITHMETIC, f"here:{os.getpid()}")

    def run(self, shard: Shard, check_cancelled: CheckCancelled) -> TaskStats:
        match shard.col:
            case 7:
                raise ValueError("seven")
            case 8:
                raise OSError(errno.ENOSPC, "No space left on device")
            case 9:
                os._exit(1)
            case 10:
                while True:
                    check_cancelled()
                    time.sleep(0.01)
            case 11:
                MET.wait(PATIENCE)
                return TaskStats(0.0, threading.get_native_id(), id(self))
        return TaskStats(0.0, shard.row, shard.col)


Fault = Callable[
    [Path, CheckCancelled], None
]  # is given a file: once it is there, no fault comes any more


@dataclass(frozen=True)
class Faulty:
    """A render that comes to a `fault` before it runs one of the shards `at`, until `mark` is
    there."""

    render: RenderJob
    fault: Fault
    at: tuple[Shard, ...]
    mark: str

    def open(self, threads: int) -> Runner:
        return FaultyRunner(self, threads)


class FaultyRunner:
    def __init__(self, job: Faulty, threads: int) -> None:
        self.job = job
        self.runner = job.render.open(threads)
        self.worker_info = self.runner.worker_info

    def run(self, shard: Shard, check_cancelled: CheckCancelled) -> TaskStats:
        mark = Path(self.job.mark)
        if shard in self.job.at and not mark.exists():
            self.job.fault(mark, check_cancelled)
        return self.runner.run(shard, check_cancelled)


def dies(mark: Path, check_cancelled: CheckCancelled) -> None:
    """Every time."""
    os._exit(1)


def hangs(mark: Path, check_cancelled: CheckCancelled) -> None:
    """The first time."""
    mark.touch()
    while True:
        check_cancelled()
        time.sleep(0.01)


def is_killed_with_three(mark: Path, check_cancelled: CheckCancelled) -> None:
    """The first time that three threads of the process have come here."""
    MET.wait(PATIENCE)
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)


JOBS: tuple[Job, ...] = (Toy(),)  # the protocol, checked by mypy
