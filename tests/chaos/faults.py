"""What goes wrong in a render, and where: on a disk, or in a bucket behind a faulty proxy."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.buckets import Server, environment
from tests.faulty_proxy import FaultyProxy

PATIENCE = 120.0  # seconds for one process: the end of it, not a measure
SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "stop": signal.SIGSTOP}
DISK = {"EIO": 5, "full disk": 28}  # error numbers
# A lease lapses soon, so that whoever follows a killed process need not wait for half a minute.
CHILD = """
import os, random, sys
from tilecppn import filesystem
from tilecppn.cli import main
from tilecppn.storage import lease
lease.LEASE, lease.POLL = 3.0, 0.2
number, share, seed, made = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4]
del sys.argv[1:5]
chance, put = random.Random(seed), filesystem.write_atomic
def shaky(path, data, lasting=True):
    if chance.random() < share:
        with open(made, "a") as file:
            file.write("x")
        raise OSError(number, os.strerror(number), str(path))
    put(path, data, lasting)
filesystem.write_atomic = shaky
main()
"""


@dataclass
class Report:
    """What came of one run. faults: by kind. drawn: how often each shard was."""

    seed: int
    place: str
    faults: Counter[str] = field(default_factory=Counter)
    drawn: Counter[str] = field(default_factory=Counter)
    processes: int = 0
    seconds: float = 0.0
    lost: int = 0  # shards that are missing or differ
    wrong: list[str] = field(default_factory=list)  # what should not be

    @property
    def twice(self) -> int:
        """How many shards were reported as drawn more often than once."""
        return sum(count - 1 for count in self.drawn.values())


class Trial:
    """Renders `scene` into `store` through faults, process after process, until one ends well."""

    def __init__(self, seed: int, folder: Path, scene: Path, server: Server | None) -> None:
        self.random = Random(seed)
        self.folder, self.scene, self.server = folder, scene, server
        self.report = Report(seed, "disk" if server is None else "bucket")
        self.left = self.random.randint(3, 7)  # faults that are still made on purpose

    def run(self, store: str) -> Report:
        """Render until it is done."""
        began = time.monotonic()
        with self._proxy() as variables:
            while self._process(store, variables) != 0:
                if self.report.wrong or self.report.processes > 40:
                    self.report.wrong.append("it never ended well")
                    break
        self.report.seconds = time.monotonic() - began
        return self.report

    @contextlib.contextmanager
    def _proxy(self) -> Iterator[dict[str, str]]:
        if self.server is None:
            yield {}
            return
        proxy = FaultyProxy(self.server.port, share=0.04, seed=self.random.getrandbits(32))
        yield environment(proxy.port)
        self.report.faults += proxy.made

    def _process(self, store: str, variables: dict[str, str]) -> int:
        """Run one process, with one fault of the kind that the seed says; return its code."""
        report, number = self.report, self.report.processes
        report.processes += 1
        log, made = self.folder / f"{number}.jsonl", self.folder / f"{number}.faults"
        kind = self._kind()
        share = {"EIO": 0.1, "full disk": 0.05}.get(kind, 0.0)
        inject = [DISK.get(kind, 0), share, self.random.getrandbits(32), made]
        command = ["render", self.scene, "-o", store, "--executor", "local", "--workers", "2"]
        with (self.folder / f"{number}.err").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", CHILD, *map(str, [*inject, *command, "--log", log])],
                env={**os.environ, **variables},
                stdout=errors,
                stderr=errors,
            )
            try:
                self._disturb(process, log, kind)
                code = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
                report.wrong.append(f"process {number} hung")
        report.faults[kind] += made.stat().st_size if made.exists() else 0
        report.faults += Counter()  # without zeros
        report.drawn.update(done(log))
        said = (self.folder / f"{number}.err").read_text(errors="replace")
        if "Traceback" in said or code not in (0, 1, 2, 130, -signal.SIGKILL, -signal.SIGTERM):
            report.wrong.append(f"process {number} ended with {code}: {said[-500:]}")
        return code

    def _kind(self) -> str:
        if self.left <= 0:
            return ""
        self.left -= 1
        kinds: list[str] = [*SIGNALS, *(DISK if self.server is None else ["restart"])]
        return self.random.choice(kinds)

    def _disturb(self, process: "subprocess.Popen[bytes]", log: Path, kind: str) -> None:
        """Make a fault once so many shards are done; none if the process ends before."""
        if kind not in (*SIGNALS, "restart"):
            return
        shards = self.random.randint(0, 60)
        pause = self.random.uniform(0.1, 1.5)
        until = time.monotonic() + PATIENCE
        while len(done(log)) < shards and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        if process.poll() is not None:
            return
        self.report.faults[kind] += 1
        if kind == "restart":
            assert self.server is not None
            self.server.restart()
            return
        process.send_signal(SIGNALS[kind])
        if kind == "stop":
            time.sleep(pause)
            process.send_signal(signal.SIGCONT)


def done(log: Path) -> list[str]:
    """The shards that a log says are drawn, as far as its lines are whole."""
    found = []
    for line in log.read_text().splitlines() if log.exists() else []:
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event["event"] == "TaskDone":
                found.append(str(event["task"]))
    return found
