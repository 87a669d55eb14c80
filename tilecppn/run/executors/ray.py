"""Runs workers as Ray actors: one per GPU, with several threads, or one per CPU core.

Ray only carries tasks and results. It neither restarts actors nor retries calls, which would hide
a task that kills its worker. Pixels go from the actor to the store; only a few numbers come back,
so Ray's object store stays empty.

Actors for which no CPU or GPU is free wait in Ray, whose autoscaler counts them as demand. Unless
the number of workers was given, more are started on nodes that join.

An actor's threads are Ray's own (`max_concurrency`), so each task is one call with one result. Ray
keeps no order among the calls of such an actor, so it gets only as many as it has threads: each is
certainly running, which the coordinator must know for deadlines. While one thread waits for its
next task, the others keep the GPU busy.
"""

import atexit
import contextlib
import logging
import os
import re
import signal
import socket
import textwrap
import threading
import time
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError

from tilecppn import machine
from tilecppn.errors import InvalidRequestError
from tilecppn.plan import Task
from tilecppn.run.executors.base import (
    Executor,
    Message,
    TaskResult,
    WorkerDied,
    WorkerLeaving,
    WorkerReady,
)
from tilecppn.run.executors.ray_metrics import RayMetrics
from tilecppn.run.executors.ray_nodes import Nodes, NodeWatch, look
from tilecppn.run.executors.ray_probe import NO_START
from tilecppn.run.jobs import Job, TaskFailed, TaskStats, WorkerInfo, run_task
from tilecppn.version import VERSION

STOP_TIMEOUT = 10.0  # seconds for `ray.shutdown`
SAME_VERSION = "install version {} on every node"
MAX_WORDS = 300  # characters of a Ray error, which can be a page long
NODE_LOST = "node has died"  # in Ray's error about an actor
OBJECT_STORE = 100 * 2**20  # bytes; Ray needs 75 MiB at least
# Set while Ray starts: else it sets OMP_NUM_THREADS to an actor's CPUs, and asks about statistics.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}

# Set if Ray's processes are suspended and do not answer: a thread waits in Ray for ever, and so
# would the exit of this process. The command line then ends it with os._exit.
stuck = threading.Event()


class _Opened(NamedTuple):
    """An actor has opened its job."""

    worker_info: WorkerInfo
    node: str


class _Actor:
    """A worker's process, in which each thread has a runner."""

    def __init__(self, job: Job, threads: int) -> None:
        self.job = job
        self.threads = threads
        self.all_threads = threading.Barrier(threads)
        self.own = threading.local()  # holds a thread's runner
        self.leaving = threading.Event()
        if threading.current_thread() is threading.main_thread():  # as under Ray
            signal.signal(signal.SIGTERM, lambda number, frame: self.leaving.set())

    def open(self, version: str) -> _Opened | TaskFailed:
        """Open the job in one thread; called once for each thread.

        Returns a TaskFailed unless this node has the coordinator's `version` of tilecppn.
        """
        if version != VERSION:
            return TaskFailed(
                f"{socket.gethostname()} has tilecppn {VERSION}; {SAME_VERSION.format(version)}"
            )
        self.all_threads.wait()  # else one thread could answer twice
        try:
            self.own.runner = self.job.open(self.threads)
        except Exception as error:  # as text: Ray would wrap it in a traceback
            return TaskFailed(f"{error}" or type(error).__name__)
        return _Opened(self.own.runner.worker_info, ray.get_runtime_context().get_node_id())

    def run(self, task: Task) -> TaskStats | TaskFailed | None:
        """Run a task, which only killing the actor stops. Returns None after a SIGTERM."""
        if self.leaving.is_set():
            return None
        return run_task(self.own.runner, task, lambda: None)


class _Call(NamedTuple):
    worker: int
    task: Task | None  # None: open the job


class RayExecutor(Executor):
    """An executor on the cluster at `address`, on this process's Ray, or on a new local one.

    workers: number of actors; None for one per GPU, or per CPU core without GPUs, including
        those of nodes that join later.
    threads: per actor, each with a reserved CPU; None for one without GPUs, and with GPUs as many
        as every node has for each of its GPUs.
    gpus: the number, or fraction, of GPUs that each actor reserves; 0 to draw on CPUs.
    """

    name = "ray"
    remote = True

    def __init__(
        self,
        job: Job,
        workers: int | None = None,
        address: str | None = None,
        threads: int | None = None,
        gpus: float = 1.0,
    ) -> None:
        self._own = not ray.is_initialized()
        if self._own:
            # By default Ray counts all cores, also those that this process may not use.
            cpus = (
                machine.cores() if workers is None or machine.gpus() else workers * (threads or 1)
            )
            _connect(address, cpus)
        nodes = look()
        self._job = ray.put(job)  # sent once per node, not once per actor
        self._share = nodes.share(threads, gpus)
        self.threads = self._share.threads
        self.gpus = self._share.gpus
        # With one thread, one shard runs and one is queued, so that the thread never waits.
        self.depth = max(2, self.threads)
        self._grows = workers is None
        self.workers = workers or max(1, self._count_places(nodes))
        self._actor_class: Any = ray.remote(_Actor).options(
            num_cpus=self.threads,
            num_gpus=self.gpus,
            max_concurrency=self.threads,
            max_restarts=0,
            max_task_retries=0,
        )
        self._actors: dict[int, Any] = {}
        self._locations: dict[int, str] = {}
        self._nodes: dict[int, str] = {}  # worker → its node's id
        self._calls: dict[Any, _Call] = {}
        self._opening: dict[int, int] = {}  # worker → threads that are still opening the job
        self._number = 0  # of the next worker
        self._watch = NodeWatch()
        self.listeners = (RayMetrics(),)
        self._capacity = 0  # actors that fit on all nodes

    def start(self, count: int) -> list[int]:
        """Begin to start actors; those for which no CPU or GPU is free wait in Ray."""
        if not self._watch.ident:
            self._watch.start()
        return [self._begin() for _ in range(count)]

    def submit(self, worker: int, task: Task) -> None:
        self._calls[self._actors[worker].run.remote(task)] = _Call(worker, task)

    def poll(self, timeout: float) -> list[Message]:
        pending = list(self._calls)
        if not pending:
            time.sleep(timeout)
            return self._changes()
        finished, _ = ray.wait(pending, num_returns=1, timeout=timeout)
        if finished:
            finished, _ = ray.wait(pending, num_returns=len(pending), timeout=0)
        messages = self._changes()
        for reference in finished:
            call = self._calls.pop(reference, None)
            if call is not None:  # else its actor was found dead a moment ago
                messages += self._messages(call, reference)
        return messages

    def _messages(self, call: _Call, reference: Any) -> list[Message]:
        try:
            value = ray.get(reference)
        except RayError as error:
            self._forget(call.worker)
            return [WorkerDied(call.worker, _cause(error), NODE_LOST in f"{error}")]
        if call.task is not None:
            if value is None:
                return [WorkerLeaving(call.worker, "its process got a SIGTERM", call.task)]
            return [TaskResult(call.worker, call.task, value)]
        if isinstance(value, TaskFailed):
            self._forget(call.worker)
            return [WorkerDied(call.worker, value.reason)]
        self._opening[call.worker] -= 1
        if self._opening[call.worker] > 0:
            return []
        self._locations[call.worker] = value.worker_info.location
        self._nodes[call.worker] = value.node
        return [WorkerReady(call.worker, value.worker_info)]

    def _changes(self) -> list[Message]:
        """Return messages about workers whose nodes are drained; update the capacity."""
        seen = self._watch.take()
        if seen is None:
            return []
        self._capacity = self._count_places(seen)
        left = [worker for worker, node in self._nodes.items() if node in seen.leaving]
        return [WorkerLeaving(worker, "its node is drained") for worker in left]

    @property
    def room(self) -> int:
        """The number of further actors that fit on the nodes; 0 if the number was given."""
        return max(0, self._capacity - len(self._actors)) if self._grows else 0

    def _count_places(self, nodes: Nodes) -> int:
        return sum(map(self._share.fits, nodes.resources))

    def release(self, worker: int) -> None:
        busy = self._forget(worker)
        self._nodes.pop(worker, None)
        ray.kill(self._actors.pop(worker), no_restart=True)
        host, _, pid = self._locations.pop(worker, "").partition(":")
        if busy and host == socket.gethostname():
            # A suspended process ignores Ray; its CPU or GPU would never become free.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)

    def stop(self) -> None:
        """End all workers, and Ray if it was started or joined here, within STOP_TIMEOUT.

        A KeyboardInterrupt only ends this wait: the run's result is known by now.
        """
        thread = threading.Thread(target=self._end, daemon=True)
        thread.start()
        with contextlib.suppress(KeyboardInterrupt):
            thread.join(STOP_TIMEOUT)
        if thread.is_alive():
            stuck.set()
            atexit.unregister(ray.shutdown)  # would wait for ever, too

    def _end(self) -> None:
        self._watch.end()
        for actor in self._actors.values():
            ray.kill(actor, no_restart=True)
        self._actors.clear()
        self._calls.clear()
        if self._own:
            ray.shutdown()

    def _begin(self) -> int:
        actor = self._actor_class.remote(self._job, self.threads)
        self._actors[self._number] = actor
        self._opening[self._number] = self.threads
        for _ in range(self.threads):
            self._calls[actor.open.remote(VERSION)] = _Call(self._number, None)
        self._number += 1
        return self._number - 1

    def _forget(self, worker: int) -> bool:
        """Forget a worker's calls; return whether there were any."""
        self._opening.pop(worker, None)
        calls = [r for r, call in self._calls.items() if call.worker == worker]
        for reference in calls:
            del self._calls[reference]
        return bool(calls)


def _connect(address: str | None, cpus: int) -> None:
    """Connect to a cluster that `check_connection` has tried, or start Ray on this machine."""
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address:
        options |= {"address": address}
    else:  # "local": never a cluster that happens to run here
        options |= {"address": "local", "num_cpus": cpus, "include_dashboard": False}
        options |= {"object_store_memory": OBJECT_STORE}
    added = {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}
    os.environ.update(added)
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**options)
    except SystemExit:
        raise KeyboardInterrupt from None  # how Ray handles SIGTERM
    except Exception as error:  # Ray raises many kinds
        where = address or "this machine"
        remedy = next(
            (f"; {text}" for sign, text in NO_START.items() if re.search(sign, str(error))), ""
        )
        raise InvalidRequestError(
            f"no Ray at {where}: {_short(error).rstrip('.')}{remedy}"
        ) from error
    finally:
        for name in added:
            del os.environ[name]
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)


def _cause(error: BaseException) -> str:
    """Return the last line of a Ray error: an exception, or why an actor died."""
    lines = str(error).strip().splitlines()
    last = _short(lines[-1]) if lines else type(error).__name__
    lacking = "No module named" in last and "tilecppn" in last
    return f"{last}; {SAME_VERSION.format(VERSION)}" if lacking else last


def _short(words: object) -> str:
    return textwrap.shorten(f"{words}", MAX_WORDS, placeholder=" …")
