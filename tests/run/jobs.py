"""Jobs for the executors' tests: small, picklable, and able to misbehave."""

import errno
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tilecppn.kernels import Arithmetic
from tilecppn.plan import Shard
from tilecppn.run.job import Identity, Job, Pause, Receipt, RenderJob, Runner

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


class ToyRunner:
    def __init__(self) -> None:
        self.identity = Identity("f00d", ARITHMETIC, f"here:{os.getpid()}")

    def run(self, shard: Shard, pause: Pause) -> Receipt:
        match shard.col:
            case 7:
                raise ValueError("seven")
            case 8:
                raise OSError(errno.ENOSPC, "No space left on device")
            case 9:
                os._exit(1)
            case 10:
                while True:
                    pause()
                    time.sleep(0.01)
            case 11:
                MET.wait(PATIENCE)
                return Receipt(0.0, threading.get_native_id(), id(self))
        return Receipt(0.0, shard.row, shard.col)


@dataclass(frozen=True)
class Poisoned:
    """A render whose shard `poison` ends the worker's process, always."""

    render: RenderJob
    poison: Shard

    def open(self, threads: int) -> Runner:
        return PoisonedRunner(self.render.open(threads), self.poison)


class PoisonedRunner:
    def __init__(self, runner: Runner, poison: Shard) -> None:
        self.runner = runner
        self.poison = poison

    @property
    def identity(self) -> Identity:
        return self.runner.identity

    def run(self, shard: Shard, pause: Pause) -> Receipt:
        if shard == self.poison:
            os._exit(1)
        return self.runner.run(shard, pause)


@dataclass(frozen=True)
class Hanging:
    """A render that hangs at shard `at` the first time: then `mark` is there."""

    render: RenderJob
    at: Shard
    mark: str

    def open(self, threads: int) -> Runner:
        return HangingRunner(self.render.open(threads), self.at, Path(self.mark))


class HangingRunner:
    def __init__(self, runner: Runner, at: Shard, mark: Path) -> None:
        self.runner = runner
        self.at = at
        self.mark = mark

    @property
    def identity(self) -> Identity:
        return self.runner.identity

    def run(self, shard: Shard, pause: Pause) -> Receipt:
        if shard == self.at and not self.mark.exists():
            self.mark.touch()
            while True:
                pause()
                time.sleep(0.01)
        return self.runner.run(shard, pause)


@dataclass(frozen=True)
class Killed:
    """A render whose process is killed when three threads are at the shards `at`, the first time:
    then `mark` is there."""

    render: RenderJob
    at: tuple[Shard, ...]
    mark: str

    def open(self, threads: int) -> Runner:
        return KilledRunner(self.render.open(threads), self.at, Path(self.mark))


class KilledRunner:
    def __init__(self, runner: Runner, at: tuple[Shard, ...], mark: Path) -> None:
        self.runner = runner
        self.at = at
        self.mark = mark

    @property
    def identity(self) -> Identity:
        return self.runner.identity

    def run(self, shard: Shard, pause: Pause) -> Receipt:
        if shard in self.at and not self.mark.exists():
            MET.wait(PATIENCE)
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.runner.run(shard, pause)


JOBS: tuple[Job, ...] = (Toy(),)  # the protocol, checked by mypy
