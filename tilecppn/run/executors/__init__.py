"""Executors: they start workers, carry shards to them and answers back. No decisions here.

An executor is one file; `tests/run/test_executors.py` is the suite that each must pass.
"""

import os
from typing import NamedTuple, Protocol

from tilecppn.plan import Shard
from tilecppn.run.job import Done, Faulted, Identity


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
    """A worker is gone, with all that was in flight on it."""

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


def choose(name: str, address: str | None) -> str:
    """The executor that `auto` means: ray where an address is given or set in the environment
    or there is more than one GPU, local otherwise."""
    if name != "auto":
        return name
    return "ray" if address or os.environ.get("RAY_ADDRESS") or _gpus() > 1 else "local"


def _gpus() -> int:
    """GPUs of this machine, counted without a driver's library."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([d for d in visible.split(",") if d.strip() not in ("", "-1")])
    try:
        return len(os.listdir("/proc/driver/nvidia/gpus"))
    except OSError:
        return 0
