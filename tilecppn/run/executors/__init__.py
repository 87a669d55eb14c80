"""Executors: they start workers, carry tasks to them and results back. No decisions here.

An executor is one file; `tests/run/test_executors.py` is the suite that each must pass.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec

from tilecppn import machine
from tilecppn.errors import InvalidRequestError
from tilecppn.run.executors.base import (
    Executor,
    Message,
    TaskResult,
    WorkerDied,
    WorkerLayout,
    WorkerReady,
    gpu_threads,
    local_worker_layout,
)
from tilecppn.run.jobs import Job

__all__ = [
    "EXECUTORS",
    "Executor",
    "Message",
    "TaskResult",
    "WorkerDied",
    "WorkerLayout",
    "WorkerReady",
    "choose",
    "gpu_threads",
    "local_worker_layout",
    "runs_here",
]


def _local(job: Job, workers: int | None, address: str | None) -> Executor:
    from tilecppn.run.executors.local import LocalExecutor

    return LocalExecutor(job, workers or machine.cores())


def _ray(job: Job, workers: int | None, address: str | None) -> Executor:
    if find_spec("ray") is None:
        raise InvalidRequestError('Ray is not installed: pip install "tilecppn[ray]"')
    from tilecppn.run.executors.ray_probe import check_connection

    address = address or os.environ.get("RAY_ADDRESS")
    if address:
        check_connection(address)  # before Ray is imported
    from tilecppn.run.executors.ray import RayExecutor

    return RayExecutor(job, workers, address)


EXECUTORS: dict[str, Callable[[Job, int | None, str | None], Executor]] = {
    "local": _local,
    "ray": _ray,
}


def choose(name: str, address: str | None) -> str:
    """Return the name of the executor to use. Raises InvalidRequestError for an unknown one.

    `auto` is ray where an address is given or set in the environment or there is more than one
    GPU, local otherwise.
    """
    if name == "auto":
        several = machine.gpus() > 1
        return "ray" if address or os.environ.get("RAY_ADDRESS") or several else "local"
    if name not in EXECUTORS:
        raise InvalidRequestError(f'unknown executor "{name}"; known: auto, {", ".join(EXECUTORS)}')
    return name


def runs_here(name: str, address: str | None) -> bool:
    """Return whether all workers of an executor are on this machine."""
    return name == "local" or not (address or os.environ.get("RAY_ADDRESS"))
