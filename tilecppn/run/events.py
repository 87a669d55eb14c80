"""What happens in a run, as values. Listeners subscribe; nothing below the command line prints."""

from collections.abc import Callable
from dataclasses import dataclass

from tilecppn.kernels import Arithmetic
from tilecppn.plan import Shard, Work
from tilecppn.run.jobs import TaskStats


@dataclass(frozen=True)
class RunStarted:
    """Before the first shard. `workers` is what was asked for, `threads` what each of them has."""

    plan: Work
    executor: str
    workers: int
    threads: int
    arithmetic: Arithmetic


@dataclass(frozen=True)
class WorkerJoined:
    worker: int
    place: str


@dataclass(frozen=True)
class WorkerLost:
    """Another takes its place, after `pause` seconds."""

    worker: int
    reason: str
    backoff: float = 0.0


@dataclass(frozen=True)
class WorkerRejected:
    """It is ready, but not like the others or the store: it gets no shard."""

    worker: int
    reason: str


@dataclass(frozen=True)
class ShardSkipped:
    """It was in the store already."""

    shard: Shard


@dataclass(frozen=True)
class ShardDone:
    shard: Shard
    worker: int
    stats: TaskStats


@dataclass(frozen=True)
class ShardFailed:
    """One attempt failed; `final` says that there is no further one."""

    shard: Shard
    worker: int
    reason: str
    attempt: int
    final: bool


Event = (
    RunStarted | WorkerJoined | WorkerLost | WorkerRejected | ShardSkipped | ShardDone | ShardFailed
)
Listener = Callable[[Event], None]
