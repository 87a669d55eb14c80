"""Runs workers as threads of this process; kernels and codecs release Python's global lock."""

import queue
import threading
import time
from collections.abc import Iterator
from itertools import count

from tilecppn.plan import Task
from tilecppn.run.executors.base import Executor, Message, TaskResult, WorkerDied, WorkerReady
from tilecppn.run.jobs import Cancelled, Job, run_task

JOIN = 2.0  # seconds to wait for all threads at the end


class _Thread(threading.Thread):
    """A worker: opens the job, then runs tasks until it is stopped."""

    def __init__(
        self, number: int, job: Job, threads: int, messages: "queue.SimpleQueue[Message]"
    ) -> None:
        super().__init__(name=f"tilecppn-worker-{number}", daemon=True)
        self.number = number
        self.job = job
        self.threads = threads
        self.messages = messages
        self.inbox: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self.halt = threading.Event()

    def check_cancelled(self) -> None:
        """Raise Cancelled if the worker was asked to stop."""
        if self.halt.is_set():
            raise Cancelled

    def run(self) -> None:
        """Open the job and run tasks, in the thread."""
        try:
            runner = self.job.open(self.threads)
            self.messages.put(WorkerReady(self.number, runner.worker_info))
            for task in iter(self.inbox.get, None):
                self.messages.put(
                    TaskResult(self.number, task, run_task(runner, task, self.check_cancelled))
                )
        except Cancelled:
            pass
        except BaseException as error:
            self.messages.put(WorkerDied(self.number, f"{error}" or type(error).__name__))


class LocalExecutor(Executor):
    """An executor with one thread per worker, which runs one task at a time."""

    name = "local"
    remote = False
    threads = 1
    depth = 1
    room = 0
    gpus = 0.0

    def __init__(self, job: Job, workers: int) -> None:
        self.workers = workers
        self._job = job
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._numbers: Iterator[int] = count()
        self._threads: dict[int, _Thread] = {}

    def start(self, count: int) -> list[int]:
        return [self._begin() for _ in range(count)]

    def submit(self, worker: int, task: Task) -> None:
        self._threads[worker].inbox.put(task)

    def poll(self, timeout: float) -> list[Message]:
        messages: list[Message] = []
        try:
            messages.append(self._messages.get(timeout=timeout))
            while True:
                messages.append(self._messages.get_nowait())
        except queue.Empty:
            # A released thread cannot be killed; its later messages are ignored.
            return [m for m in messages if m.worker in self._threads]

    def release(self, worker: int) -> None:
        """Ask a worker's thread to stop; it does so when it next checks."""
        self._end(self._threads.pop(worker))

    def stop(self) -> None:
        """Ask all threads to stop, and wait for them for up to JOIN seconds in all."""
        for thread in self._threads.values():
            self._end(thread)
        end = time.monotonic() + JOIN
        for thread in self._threads.values():
            thread.join(max(0.0, end - time.monotonic()))
        self._threads.clear()

    def _begin(self) -> int:
        thread = _Thread(next(self._numbers), self._job, self.workers, self._messages)
        thread.start()
        self._threads[thread.number] = thread
        return thread.number

    def _end(self, thread: _Thread) -> None:
        thread.halt.set()
        thread.inbox.put(None)
