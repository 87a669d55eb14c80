"""Executors: they start workers, carry shards to them and answers back. No decisions here.

An executor is one file; `tests/run/test_executors.py` is the suite that each must pass.
"""

import os
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tilecppn import machine
from tilecppn.errors import Refused
from tilecppn.plan import Shard
from tilecppn.run.job import Done, Faulted, Identity, Job

MOST_THREADS = 16  # of a worker: more share one interpreter's lock than anybody has tried


class Ready(NamedTuple):
    """A worker has opened the job and waits for shards."""

    worker: int
    identity: Identity


class Answer(NamedTuple):
    """A worker has run a shard."""

    worker: int
    shard: Shard
    result: Done | Faulted


class Lost(NamedTuple):
    """A worker is gone, with all that was in flight on it, or could not begin.

    Then its actor may live on, so that its place is not given to another one too early.
    """

    worker: int
    reason: str


Message = Ready | Answer | Lost


class Executor(Protocol):
    name: str
    workers: int  # how many it keeps
    threads: int  # shards that a worker runs at once
    depth: int  # shards in flight a worker, the running ones included

    def start(self) -> None:
        """Begin to start the workers; each reports Ready by itself."""

    def submit(self, worker: int, shard: Shard) -> None:
        """Give a ready worker a shard; a worker begins its shards in the order they came."""

    def poll(self, timeout: float) -> list[Message]:
        """What has happened; waits up to `timeout` seconds if nothing has."""
        ...

    def replace(self, worker: int) -> None:
        """Forget a worker, killing it if that is possible, and start another in its place."""

    def stop(self) -> None:
        """End all workers at once, shards in flight included."""


def _local(job: Job, workers: int | None, address: str | None) -> Executor:
    from tilecppn.run.executors.local import LocalExecutor

    return LocalExecutor(job, workers or machine.cores())


def _ray(job: Job, workers: int | None, address: str | None) -> Executor:
    try:
        from tilecppn.run.executors.ray import RayExecutor
    except ImportError as error:
        raise Refused(f'Ray is not installed ({error}): pip install "tilecppn[ray]"') from error
    return RayExecutor(job, workers, address)


EXECUTORS: dict[str, Callable[[Job, int | None, str | None], Executor]] = {
    "local": _local,
    "ray": _ray,
}


def choose(name: str, address: str | None) -> str:
    """The executor that a person's choice means. Raises Refused for an unknown one.

    `auto` is ray where an address is given or set in the environment or there is more than one
    GPU, local otherwise.
    """
    if name == "auto":
        several = machine.gpus() > 1
        return "ray" if address or os.environ.get("RAY_ADDRESS") or several else "local"
    if name not in EXECUTORS:
        raise Refused(f'unknown executor "{name}"; known: auto, {", ".join(EXECUTORS)}')
    return name


def runs_here(name: str, address: str | None) -> bool:
    """Whether all workers of an executor are on this machine."""
    return name == "local" or not (address or os.environ.get("RAY_ADDRESS"))


def gpu_threads(cores: float, gpus: float) -> int:
    """Threads of a GPU's worker, on a machine with so many of both: the GPU's share of the cores.

    They encode and write one shard while the GPU draws another.
    """
    return max(1, min(MOST_THREADS, int(cores / gpus)))


class Workforce(NamedTuple):
    """Who draws: workers, the threads of each, and how many GPUs these use, if the kernel does."""

    workers: int
    threads: int = 1
    gpus: int = 1


def workforce_here(name: str, workers: int | None) -> Workforce:
    """The workforce of an executor whose workers are all on this machine.

    Local threads share one GPU; a Ray actor has one for itself.
    """
    gpus = machine.gpus() if name == "ray" else 0
    if not gpus:
        return Workforce(workers or machine.cores())
    count = workers or gpus
    return Workforce(count, gpu_threads(machine.cores(), gpus), min(count, gpus))
