"""Renders started by the page: tilecppn commands, one at a time, each in its own process."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tilecppn.errors import InvalidRequestError
from tilecppn.serve.studio.orders import Order

MOST: Final = 200  # jobs kept in the list
PATIENCE: Final = 20.0  # seconds for a process to end after SIGINT
ACTIVE: Final = ("waiting", "running", "stopping")
LOGGED: Final = ("render", "animate")  # commands that take --log


@dataclass
class Job:
    """A render: its command lines, its record for the page, and its progress.

    state: waiting, running, stopping, done, failed or stopped; the last two can be resumed.
    """

    name: str
    purpose: str
    lines: list[list[str]]
    outputs: list[str]
    scene: str  # the id by which the page can show it
    film: tuple[str, int] | None = None  # its id and number of frames
    state: str = "waiting"
    error: str = ""
    done: int = 0  # shards
    tasks: int = 0
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    log: Path | None = None
    read: int = 0  # bytes of the log read so far

    @property
    def store(self) -> str | None:
        """The name of the store into which it renders."""
        return next((name for name in self.outputs if name.endswith(".zarr")), None)

    def record(self, number: int) -> dict[str, Any]:
        """Return the record that the page gets."""
        return {
            "number": number,
            "name": self.name,
            "purpose": self.purpose,
            "commands": [shlex.join(["tilecppn", *line]) for line in self.lines],
            "outputs": self.outputs,
            "scene": self.scene,
            "film": self.film,
            "stored": self.store is not None and self.tasks > 0,
            "state": self.state,
            "error": self.error,
            "done": self.done,
            "tasks": self.tasks,
        }


class Jobs:
    """Runs one job at a time, in a thread. All methods may be called from any thread.

    root: the folder of scenes, in which commands run. place: the folder of the event logs that give
    the progress; None for no logs. Jobs are forgotten when the studio ends; their results are in
    their stores, and the same render started again resumes there.
    """

    def __init__(self, root: Path, place: Path | None) -> None:
        self.root, self.place = root, place
        self.jobs: list[Job] = []
        self._change = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def add(self, order: Order, scene: str, film: tuple[str, int] | None = None) -> int:
        """Queue an order whose scene file exists; return its number.

        scene, film: the ids by which the page can show them; for a film also its number of frames.
        """
        with self._change:
            if len(self.jobs) >= MOST:
                raise InvalidRequestError(f"{MOST} renders are enough; start the studio again")
            if any(job.name == order.name and job.state in ACTIVE for job in self.jobs):
                raise InvalidRequestError(f"{order.name} is being rendered; choose another name")
            job = Job(order.name, order.purpose, order.lines, list(order.outputs), scene, film)
            if self.place is not None:
                job.log = self.place / f"render-{len(self.jobs)}.jsonl"
            self.jobs.append(job)
            self._begin()
            return len(self.jobs) - 1

    def cancel(self, number: int) -> None:
        """Stop a job; its finished parts are kept. Raises InvalidRequestError."""
        with self._change:
            job = self._job(number)
            if job.state == "waiting":
                job.state = "stopped"
            elif job.state == "running":
                job.state = "stopping"
                if job.process is not None:
                    _interrupt(job.process)

    def resume(self, number: int) -> None:
        """Queue a job again that was stopped or failed. Raises InvalidRequestError."""
        with self._change:
            job = self._job(number)
            if job.state in ("stopped", "failed"):
                job.state, job.error = "waiting", ""
                self._begin()

    def records(self) -> list[dict[str, Any]]:
        """Return the records of all jobs that the page gets, oldest first."""
        with self._change:
            for job in self.jobs:
                if job.state in ACTIVE:
                    _follow(job)
            return [job.record(number) for number, job in enumerate(self.jobs)]

    def store(self, number: int) -> Path:
        """Return the path of the store into which a job renders. Raises InvalidRequestError."""
        with self._change:
            name = self._job(number).store
        if name is None:
            raise InvalidRequestError("this render has no store")
        return self.root / name

    def close(self) -> None:
        """Stop running jobs, and wait until they have ended."""
        with self._change:
            self._closed = True
            for job in self.jobs:
                if job.process is not None:
                    _interrupt(job.process)
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(PATIENCE + 5.0)

    # ---- the thread ------------------------------------------------------------------------------

    def _job(self, number: int) -> Job:
        if not 0 <= number < len(self.jobs):
            raise InvalidRequestError("there is no such render")
        return self.jobs[number]

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
            self._thread.start()
        self._change.notify_all()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            state, error = "done", ""
            for line in job.lines:
                code, said = self._run(job, line)
                if job.state == "stopping" or self._closed:
                    state = "stopped"
                    break
                if code != 0:
                    state, error = "failed", said
                    break
            with self._change:
                _follow(job)
                job.process, job.state, job.error = None, state, error

    def _next(self) -> Job | None:
        with self._change:
            while not self._closed:
                for job in self.jobs:
                    if job.state == "waiting":
                        job.state = "running"
                        return job
                self._change.wait()
        return None

    def _run(self, job: Job, line: list[str]) -> tuple[int, str]:
        """Run a command; return its exit code and the last line of its standard error."""
        extra: list[str] = []
        with self._change:
            if job.log is not None and line[0] in LOGGED:
                job.done = job.tasks = job.read = 0
                job.log.unlink(missing_ok=True)
                extra = ["--log", str(job.log)]
            if job.state == "stopping" or self._closed:
                return 130, "stopped"
            job.process = subprocess.Popen(
                [sys.executable, "-m", "tilecppn", *line, *extra],
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C goes to the studio, which then stops its jobs
            )
        said = _last_line(job.process)
        return job.process.wait(), said


def _last_line(process: "subprocess.Popen[bytes]") -> str:
    """Return the last line that a process wrote to standard error before it ended."""
    said = b""
    assert process.stderr is not None
    with process.stderr as stream:
        while line := stream.readline(1 << 16):
            said = line.strip() or said
    return said.decode(errors="replace").removeprefix("error: ")[:500]


def _interrupt(process: "subprocess.Popen[bytes]") -> None:
    """Send SIGINT to a process, and kill it if it does not end in time."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    timer = threading.Timer(PATIENCE, lambda: _force(process))
    timer.daemon = True
    timer.start()


def _force(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _follow(job: Job) -> None:
    """Read new events of a job's log, and update the number of tasks and of finished ones."""
    if job.log is None:
        return
    with contextlib.suppress(OSError), job.log.open("rb") as file:
        file.seek(job.read)
        for line in file:
            if not line.endswith(b"\n"):
                return
            job.read += len(line)
            with contextlib.suppress(ValueError, KeyError, TypeError):
                event = json.loads(line)
                if event["event"] == "RunStarted":
                    job.tasks = int(event["tasks"])
                job.done += event["event"] in ("TaskDone", "TaskSkipped")
