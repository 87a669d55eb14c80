"""Jobs for the executors' tests: small, picklable, and able to misbehave."""

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path

from tilecppn.kernels import Arithmetic
from tilecppn.plan import Shard
from tilecppn.run.job import Identity, Job, Pause, Receipt, RenderJob, Runner

ARITHMETIC = Arithmetic("test", "exact", "cpu", 1)


@dataclass(frozen=True)
class Toy:
    """Answers at once, but: column 7 raises, 8 finds the disk full, 9 ends its process,
    and 10 waits until it is stopped."""

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


JOBS: tuple[Job, ...] = (Toy(),)  # the protocol, checked by mypy
