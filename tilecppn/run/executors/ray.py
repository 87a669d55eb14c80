"""Workers as Ray actors: one per GPU, with several threads, or one per CPU core without GPUs.

Ray only carries tasks and results. It neither restarts actors nor repeats calls, which would hide
a task that kills its worker. Pixels go from the actor to the store; only a few numbers come back,
so Ray's object store stays empty.

An actor's threads are Ray's own (`max_concurrency`), so each task is one call with one answer. Ray
keeps no order among the calls of such an actor, so it gets only as many as it has threads: each is
certainly running, which the coordinator must know for deadlines. While one thread waits for its
next task, the others keep the GPU busy.
"""

import atexit
import contextlib
import logging
import os
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
from tilecppn.run.executors.base import Message, TaskResult, WorkerDied, WorkerReady, gpu_threads
from tilecppn.run.jobs import Job, TaskFailed, TaskSucceeded, WorkerInfo, run_task

STOP_TIMEOUT = 10.0  # seconds for `ray.shutdown`
MAX_WORDS = 300  # characters of an error of Ray's, which can be a page
OBJECT_STORE = 100 * 2**20  # bytes; Ray wants 75 MiB at least
# While Ray starts: else it sets OMP_NUM_THREADS to an actor's CPUs, and asks about statistics.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}

# Set where Ray's processes are stopped and do not answer: a thread waits in Ray for ever, and so
# would the end of this process. The command line then ends it with os._exit.
stuck = threading.Event()


class _Actor:
    """A worker's process; its threads have a runner each."""

    def __init__(self, job: Job, threads: int) -> None:
        self.job = job
        self.threads = threads
        self.all_threads = threading.Barrier(threads)
        self.own = threading.local()  # holds a thread's runner

    def open(self) -> WorkerInfo | TaskFailed:
        """Open the job in one thread. It is called once for each thread."""
        self.all_threads.wait()  # else one thread could answer twice
        try:
            self.own.runner = self.job.open(self.threads)
        except Exception as error:  # as words: Ray would wrap it in a traceback
            return TaskFailed(f"{error}" or type(error).__name__)
        worker_info: WorkerInfo = self.own.runner.worker_info
        return worker_info

    def run(self, task: Task) -> TaskSucceeded | TaskFailed:
        """Run a task; to stop it, the actor is killed."""
        return run_task(self.own.runner, task, lambda: None)


class _Call(NamedTuple):
    worker: int
    task: Task | None  # None: open the job


class RayExecutor:
    """Workers on the cluster at `address`, on the Ray that this process has, or on a new local one.

    workers: how many actors; None for one per GPU, or per CPU core where there is no GPU.
    threads: how many each has, and CPUs that it reserves; None for one without GPUs, and with them
        as many as every node has for each of its GPUs.
    """

    name = "ray"

    def __init__(
        self,
        job: Job,
        workers: int | None = None,
        address: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._own = not ray.is_initialized()
        if self._own:
            # Ray by itself counts the machine's cores, also those that this process may not use.
            cpus = (
                machine.cores() if workers is None or machine.gpus() else workers * (threads or 1)
            )
            _connect(address, cpus)
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        self._job = ray.put(job)  # sent once a node, not once an actor
        gpus = int(resources.get("GPU", 0))
        self.threads = threads or _threads(nodes)
        # With one thread one shard runs and one is on its way, so that it never waits.
        self.depth = max(2, self.threads)
        self.workers = workers or gpus or max(1, int(resources.get("CPU", 1)) // self.threads)
        self._actor_class: Any = ray.remote(_Actor).options(
            num_cpus=self.threads,
            num_gpus=1 if gpus else 0,
            max_concurrency=self.threads,
            max_restarts=0,
            max_task_retries=0,
        )
        self._actors: dict[int, Any] = {}
        self._locations: dict[int, str] = {}
        self._calls: dict[Any, _Call] = {}
        self._opening: dict[int, int] = {}  # worker → threads that have not opened the job yet
        self._number = 0  # of the next worker

    def start(self) -> None:
        """Begin to start all workers."""
        for _ in range(self.workers):
            self._begin()

    def submit(self, worker: int, task: Task) -> None:
        """Call the worker's actor."""
        self._calls[self._actors[worker].run.remote(task)] = _Call(worker, task)

    def poll(self, timeout: float) -> list[Message]:
        """Wait for results, up to `timeout` seconds."""
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
            if call is not None:  # else its actor was found dead a moment ago
                messages += self._messages(call, reference)
        return messages

    def _messages(self, call: _Call, reference: Any) -> list[Message]:
        try:
            value = ray.get(reference)
        except RayError as error:
            self._forget(call.worker)
            return [WorkerDied(call.worker, _cause(error))]
        if call.task is not None:
            return [TaskResult(call.worker, call.task, value)]
        if isinstance(value, TaskFailed):
            self._forget(call.worker)
            return [WorkerDied(call.worker, value.reason)]
        self._opening[call.worker] -= 1
        if self._opening[call.worker] > 0:
            return []
        self._locations[call.worker] = value.location
        return [WorkerReady(call.worker, value)]

    def replace(self, worker: int) -> None:
        """Kill a worker's actor and start another."""
        self._forget(worker)
        ray.kill(self._actors.pop(worker), no_restart=True)
        host, _, pid = self._locations.pop(worker, "").partition(":")
        if host == socket.gethostname():
            # A stopped process does not hear Ray; its CPU or GPU would never come free.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)
        self._begin()

    def stop(self) -> None:
        """End all workers, and Ray if it was started or joined here, within STOP_TIMEOUT."""
        thread = threading.Thread(target=self._end, daemon=True)
        thread.start()
        thread.join(STOP_TIMEOUT)
        if thread.is_alive():
            stuck.set()
            atexit.unregister(ray.shutdown)  # would wait for ever, too

    def _end(self) -> None:
        for actor in self._actors.values():
            ray.kill(actor, no_restart=True)
        self._actors.clear()
        self._calls.clear()
        if self._own:
            ray.shutdown()

    def _begin(self) -> None:
        # An actor for which there is no CPU or GPU yet waits in Ray until the cluster has grown.
        actor = self._actor_class.remote(self._job, self.threads)
        self._actors[self._number] = actor
        self._opening[self._number] = self.threads
        for _ in range(self.threads):
            self._calls[actor.open.remote()] = _Call(self._number, None)
        self._number += 1

    def _forget(self, worker: int) -> None:
        self._opening.pop(worker, None)
        for reference in [r for r, call in self._calls.items() if call.worker == worker]:
            del self._calls[reference]


def _threads(nodes: list[dict[str, Any]]) -> int:
    """Return an actor's threads: the CPUs that every node has for each GPU; 1 without GPUs."""
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    return min(
        (gpu_threads(r["CPU"], r["GPU"]) for r in resources if r.get("GPU") and r.get("CPU")),
        default=1,
    )


def _connect(address: str | None, cpus: int) -> None:
    """Connect to a cluster that was tried before, or start Ray on this machine."""
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
        raise KeyboardInterrupt from None  # Ray's answer to SIGTERM
    except (ConnectionError, ValueError, RuntimeError, OSError, RayError) as error:
        where = address or "this machine"
        raise InvalidRequestError(f"no Ray at {where}: {_short(error)}") from error
    finally:
        for name in added:
            del os.environ[name]
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)


def _cause(error: BaseException) -> str:
    """Return the last line of an error of Ray's: an exception, or why an actor died."""
    lines = str(error).strip().splitlines()
    return _short(lines[-1]) if lines else type(error).__name__


def _short(words: object) -> str:
    return textwrap.shorten(f"{words}", MAX_WORDS, placeholder=" …")
