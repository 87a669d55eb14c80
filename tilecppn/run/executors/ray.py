"""Workers as Ray actors: one a GPU, or one a CPU core where there is no GPU.

Ray is only the carrier. Actors are never restarted and calls never retried by Ray, whose own
retries would hide a shard that kills its worker. Pixels go from the actor to the store; a small
receipt is all that travels back, so Ray's object store stays empty.
"""

import contextlib
import logging
import os
import signal
import socket
import time
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError

from tilecppn.errors import Refused
from tilecppn.plan import Shard
from tilecppn.run.executors import Answer, Lost, Message, Ready
from tilecppn.run.job import Done, Faulted, Identity, Job, attempt

CONNECT = 10.0  # seconds
OBJECT_STORE = 100 * 2**20  # bytes; the least that Ray takes is 75 MiB


class _Actor:
    def __init__(self, job: Job) -> None:
        self.job = job

    def open(self) -> Identity | Faulted:
        try:
            self.runner = self.job.open(threads=1)
        except Exception as error:  # as words: Ray would wrap it in a traceback
            return Faulted(f"{error}" or type(error).__name__, lasting=False)
        return self.runner.identity

    def run(self, shard: Shard) -> Done | Faulted:
        # Stopping is done from outside, by killing the actor.
        return attempt(self.runner, Shard(*shard), lambda: None)


class _Call(NamedTuple):
    worker: int
    shard: Shard | None  # None: asked to open the job


class RayExecutor:
    """Connects to `address`, or to RAY_ADDRESS, or starts Ray on this machine.

    `workers` limits the actors; None means one a GPU, or one a CPU core without GPUs.
    """

    name = "ray"
    threads = 1
    depth = 2  # one running and one on its way, so that no worker waits for the coordinator

    def __init__(self, job: Job, workers: int | None = None, address: str | None = None) -> None:
        self._own = not ray.is_initialized()
        if self._own:
            _connect(address or os.environ.get("RAY_ADDRESS"), workers)
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = int(resources.get("GPU", 0))
        self._resources: dict[str, float] = {"num_cpus": 1, "num_gpus": 1 if gpus else 0}
        self.workers = workers or gpus or max(1, int(resources.get("CPU", 1)))
        self._job = ray.put(job)  # sent once a node, not once an actor
        self._actors: dict[int, Any] = {}
        self._places: dict[int, str] = {}
        self._calls: dict[Any, _Call] = {}
        self._number = 0

    def start(self) -> None:
        for _ in range(self.workers):
            self._begin()

    def submit(self, worker: int, shard: Shard) -> None:
        self._calls[self._actors[worker].run.remote(tuple(shard))] = _Call(worker, shard)

    def poll(self, timeout: float) -> list[Message]:
        pending = list(self._calls)
        if not pending:
            time.sleep(timeout)
            return []
        finished, _ = ray.wait(pending, num_returns=1, timeout=timeout)
        if finished:
            finished, _ = ray.wait(pending, num_returns=len(pending), timeout=0)
        messages: list[Message] = []
        for reference in finished:
            call = self._calls.pop(reference, None)
            if call is not None:  # its actor was found dead a moment ago
                messages.append(self._message(call, reference))
        return messages

    def _message(self, call: _Call, reference: Any) -> Message:
        try:
            value = ray.get(reference)
        except RayError as error:
            self._forget(call.worker)
            return Lost(call.worker, _first_line(error))
        if isinstance(value, Faulted) and call.shard is None:
            return Lost(call.worker, value.reason)
        if call.shard is None:
            self._places[call.worker] = value.place
            return Ready(call.worker, value)
        return Answer(call.worker, call.shard, value)

    def replace(self, worker: int) -> None:
        self._forget(worker)
        ray.kill(self._actors.pop(worker), no_restart=True)
        host, _, pid = self._places.pop(worker, "").partition(":")
        if host == socket.gethostname():
            # A stopped process does not hear Ray; its CPU or GPU would never come free.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)
        self._begin()

    def stop(self) -> None:
        for actor in self._actors.values():
            ray.kill(actor, no_restart=True)
        self._actors.clear()
        self._calls.clear()
        if self._own:
            ray.shutdown()

    def _begin(self) -> None:
        # Actors that find no room yet wait in Ray, and join when the cluster has grown.
        options = {**self._resources, "max_restarts": 0, "max_task_retries": 0}
        actor: Any = ray.remote(_Actor).options(**options).remote(self._job)
        self._actors[self._number] = actor
        self._calls[actor.open.remote()] = _Call(self._number, None)
        self._number += 1

    def _forget(self, worker: int) -> None:
        for reference in [r for r, call in self._calls.items() if call.worker == worker]:
            del self._calls[reference]


def _connect(address: str | None, workers: int | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no question to the user
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address:
            _check_reachable(address)
            ray.init(address=address, **quiet)
        else:
            ray.init(
                address="local",  # never a cluster that happens to run here
                num_cpus=workers,
                object_store_memory=OBJECT_STORE,
                include_dashboard=False,
                **quiet,
            )
    except SystemExit:
        raise KeyboardInterrupt from None  # Ray's own answer to SIGTERM
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise Refused(f"no Ray at {address or 'this machine'}: {_first_line(error)}") from error


def _check_reachable(address: str) -> None:
    """Raise OSError soon where nobody listens: Ray itself would try for many minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT).close()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
