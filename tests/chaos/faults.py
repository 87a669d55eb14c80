"""One render through faults that a seed chooses, process after process, until one ends well."""

import contextlib
import json
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from tests.chaos.child import Setting, begin
from tests.chaos.places import Disk

PATIENCE = 240.0  # seconds for one process: the end of it, not a measure
SHARDS = 80  # after which of them faults are made, at most


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
    """Renders `scene` at a place. `left`: how many faults are still made on purpose."""

    def __init__(self, seed: int, folder: Path, scene: Path, place: Disk) -> None:
        self.random = Random(seed)
        self.folder, self.scene, self.place = folder, scene, place
        self.report = Report(seed, place.name)
        self.left = self.random.randint(4, 8)

    def run(self) -> Report:
        """Render until it is done."""
        began = time.monotonic()
        store = self.place.store(self.folder)
        with self.place.disturbed(self.report.faults, self.random):
            while self._process(store) != 0:
                if self.report.wrong or self.report.processes > 40:
                    self.report.wrong.append("it never ended well")
                    break
        self.report.seconds = time.monotonic() - began
        self.report.faults += Counter()  # without zeros
        self.place.mend()
        return self.report

    def _process(self, store: str) -> int:
        """Run one process, with some faults of the kinds that the seed says; return its code."""
        place, report, number = self.place, self.report, self.report.processes
        report.processes += 1
        place.mend()
        log, made = self.folder / f"{number}.jsonl", self.folder / f"{number}.faults"
        kinds = self.random.choices(
            [*place.faults, *place.injected], k=min(self.left, self.random.randint(1, 3))
        )
        injected = next((kind for kind in kinds if kind in place.injected), "")
        said = self.folder / f"{number}.txt"
        setting = Setting(
            place.environment,
            str(said),
            place.slow,
            place.host,
            *place.injected.get(injected, (0, 0.0)),
            self.random.getrandbits(32),
            str(made),
        )
        command = ["render", self.scene, "-o", store, *place.options, "--log", log]
        process = begin([*map(str, command)], setting)
        self._disturb(process, store, log, [k for k in kinds if k in place.faults])
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            report.wrong.append(f"process {number} hung")
        process.join()
        code = process.exitcode or 0
        if made.exists():
            self.left -= 1
            report.faults[injected] += made.stat().st_size
        report.drawn.update(done(log))
        words = said.read_text(errors="replace") if said.exists() else ""
        if "Traceback" in words or code not in (0, 1, 2, 130, -signal.SIGKILL, -signal.SIGTERM):
            report.wrong.append(f"process {number} ended with {code}: {words[-500:]}")
        return code

    def _disturb(self, process: BaseProcess, store: str, log: Path, kinds: list[str]) -> None:
        """Make faults, each once so many shards are done; none once the process has ended."""
        points = sorted(self.random.choices(range(SHARDS), k=len(kinds)))
        for kind, shards in zip(kinds, points, strict=True):
            seconds = self.random.uniform(0.2, 4.0)
            until = time.monotonic() + PATIENCE
            while _drawn(log) < shards and process.is_alive() and time.monotonic() < until:
                time.sleep(0.02)
            if not process.is_alive():
                return
            self.left -= 1
            self.report.faults[kind] += self.place.faults[kind](process, store, seconds)


def done(log: Path) -> list[str]:
    """The shards that a log says are drawn, as far as its lines are whole."""
    found = []
    for line in log.read_text().splitlines() if log.exists() else []:
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event["event"] == "TaskDone":
                found.append(str(event["task"]))
    return found


def _drawn(log: Path) -> int:
    return log.read_bytes().count(b'"TaskDone"') if log.exists() else 0
