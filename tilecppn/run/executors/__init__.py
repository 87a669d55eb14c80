"""Executors, which start workers and carry tasks and results; the coordinator decides.

An executor is one file; `tests/run/test_executors.py` is the suite that each must pass.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec

from tilecppn import machine
from tilecppn.errors import InvalidRequestError
from tilecppn.run.executors.base import Executor, uses_gpus
from tilecppn.run.jobs import Job
from tilecppn.run.options import RunOptions


def _local(job: Job, run: RunOptions) -> Executor:
    from tilecppn.run.executors.local import LocalExecutor

    return LocalExecutor(job, run.workers or machine.cores())


def _ray(job: Job, run: RunOptions) -> Executor:
    if find_spec("ray") is None:
        raise InvalidRequestError('Ray is not installed: pip install "tilecppn[ray]"')
    from tilecppn.run.executors.ray_probe import check_connection

    # Under `uv run` Ray would send the working folder with its stores to every node, and start its
    # workers with uv there. It reads this when it is imported.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    address = run.address or os.environ.get("RAY_ADDRESS")
    if address:
        check_connection(address)  # before Ray is imported
    from tilecppn.run.executors.ray import RayExecutor

    gpus = run.gpus_per_worker if uses_gpus(run.kernel) else 0.0
    return RayExecutor(job, run.workers, address, gpus=gpus)


EXECUTORS: dict[str, Callable[[Job, RunOptions], Executor]] = {
    "local": _local,
    "ray": _ray,
}


def choose(name: str, address: str | None) -> str:
    """Return the name of the executor to use. Raises InvalidRequestError for an unknown one.

    `auto` means ray if an address is given or set in the environment, or if there is more than one
    GPU; otherwise local.
    """
    if name == "auto":
        several = machine.gpus() > 1
        return "ray" if address or os.environ.get("RAY_ADDRESS") or several else "local"
    if name == "local" and address:
        raise InvalidRequestError(f"--address {address}: is for --executor ray; leave one out")
    if name not in EXECUTORS:
        raise InvalidRequestError(f'unknown executor "{name}"; known: auto, {", ".join(EXECUTORS)}')
    return name


def runs_here(name: str, address: str | None) -> bool:
    """Return whether all workers of an executor are on this machine."""
    return name == "local" or not (address or os.environ.get("RAY_ADDRESS"))
