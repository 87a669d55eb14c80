"""Two renders of two scenes into one place of a bucket at once: never a mix, never both.

python -m tests.chaos.coordinators [--rounds N] [--seed FIRST] [--at-once N] [--server NAME]

Both replace what is there. Again and again one stands still, or its clock jumps so far that S3
refuses its requests, for longer than a lease lasts or not.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests import wrong_clock
from tests.buckets import BUCKET, SERVERS, Server
from tests.chaos.child import LEASE, Setting, begin
from tests.cli.test_buckets import GROUP, files, objects
from tests.run.test_bucket_faults import SCENE
from tilecppn.addresses import as_path
from tilecppn.errors import StoreError
from tilecppn.run.render import render
from tilecppn.storage.store import Store

SCENES = {"a": SCENE, "b": SCENE.replace(latent={"seed": 5})}
SLOW = 0.03  # seconds that a shard takes longer


class Render(NamedTuple):
    """A process that renders one of the scenes."""

    scene: str
    process: BaseProcess
    log: Path
    clock: Path

    @property
    def code(self) -> int:
        """Its exit code, once it has ended."""
        self.process.join()
        return self.process.exitcode or 0

    def stand_still(self, seconds: float) -> None:
        """Stop it for a while, if it is there."""
        assert self.process.pid is not None
        if self.process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGSTOP)
                time.sleep(seconds)
                os.kill(self.process.pid, signal.SIGCONT)

    def live_in_another_time(self, seconds: float) -> None:
        """Let its clock be two hours ahead for a while."""
        wrong_clock.jump(self.clock, 7200)
        time.sleep(seconds)
        wrong_clock.jump(self.clock, 0)

    def drew(self) -> tuple[str, str] | None:
        """When it drew its first and its last shard; None if it drew none."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        times = [e["time"] for e in map(json.loads, lines) if e["event"] == "TaskDone"]
        return (times[0], times[-1]) if times else None


class Coordinators:
    """Rounds by seed, in a server's bucket, to which the environment leads."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.environment = folder, server.environment
        self.bucket = f"{server.scheme}://{BUCKET}"
        self.right: dict[str, dict[str, bytes]] = {}
        for name, scene in SCENES.items():
            scene.save(folder / f"{name}.toml")
            store = folder / "right" / name / "s.zarr"
            render(scene, store, executor="local")
            self.right[name] = {k: v for k, v in files(store).items() if k not in GROUP}

    def _begin(self, scene: str, place: Path, *options: str) -> Render:
        """Begin to render into s.zarr below a place of the bucket."""
        name = f"{place.name}-{scene}{len(options)}"
        log, said, clock = (self.folder / f"{name}{kind}" for kind in (".jsonl", ".txt", ".clock"))
        arguments = ["render", str(self.folder / f"{scene}.toml"), "-o", str(place / "s.zarr")]
        arguments += ["--executor", "local", "--workers", "2", "--log", str(log), *options]
        setting = Setting({**self.environment, "CLOCK_AHEAD": str(clock)}, str(said), SLOW)
        return Render(scene, begin(arguments, setting), log, clock)

    def round(self, seed: int) -> tuple[str, list[str]]:
        """What came of a round, in words, and what is wrong with it."""
        random, place = Random(seed), as_path(f"{self.bucket}/{os.getpid()}/{seed}")
        order = random.sample([*SCENES], k=2)
        first = self._begin(order[0], place, "--overwrite")
        time.sleep(random.uniform(0.0, 2.0))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(first.stand_still, random.uniform(0.0, 3.0 * LEASE))
            time.sleep(random.uniform(0.0, 1.0))
            second = self._begin(order[1], place, "--overwrite")
        while any(one.process.is_alive() for one in (first, second)):
            time.sleep(random.uniform(0.0, 1.0))
            disturb = random.choice((Render.stand_still, Render.live_in_another_time))
            disturb(random.choice((first, second)), random.uniform(0.0, 2.0 * LEASE))
        wrong = self._judge(place / "s.zarr", first, second)
        whose, unequal = self._finish(place)
        ended = " and ".join("ended" if one.code == 0 else "gave up" for one in (first, second))
        return f"{ended}; {'first' if whose == first.scene else 'second'} is there", wrong + unequal

    def _judge(self, store: Path, *both: Render) -> list[str]:
        """What is wrong once both have ended."""
        wrong = self.faults(store)
        wrong += [f"exit code {one.code}" for one in both if one.code not in (0, 1, 2)]
        times = [one.drew() for one in both if one.code == 0]
        if len(times) == 2 and times[0] and times[1]:
            (a, b), (c, d) = times[0], times[1]
            wrong += ["both at once"] if a <= d and c <= b else []
        return wrong

    def faults(self, store: Path) -> list[str]:
        """What is wrong with a store that two have written to."""
        found = objects(store)
        there = {
            scene
            for scene, right in self.right.items()
            if any(right[name] == found.get(name) for name in right if "/c/0/" in name)
        }
        wrong = [f"a mix of {sorted(there)}"] if len(there) > 1 else []
        with suppress(StoreError):  # it was not finished when it was made
            scene = Store(store).scene
            wrong += ["pixels of another scene" for name in there if SCENES[name] != scene]
        return wrong

    def _finish(self, place: Path) -> tuple[str, list[str]]:
        """Let the store be finished by a render of its scene; say whose it is."""
        store = place / "s.zarr"
        for scene, options in (("a", ()), ("b", ()), ("a", ("--overwrite",))):
            if self._begin(scene, place, *options).code == 0:
                found, right = objects(store), self.right[scene]
                same = all(found.get(name) == data for name, data in right.items())
                return scene, [] if same else ["unequal bytes"]
        return "", ["nobody could finish it"]


def main() -> int:
    """Make rounds, several at once, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--server", choices=SERVERS, default="seaweedfs")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "server").mkdir()
        server = SERVERS[given.server](Path(folder) / "server")
        os.environ.update(server.environment)
        try:
            rounds = Coordinators(Path(folder), server)
            seeds = range(given.seed, given.seed + given.rounds)
            with ThreadPoolExecutor(given.at_once) as pool:
                for seed, (words, wrong) in zip(seeds, pool.map(rounds.round, seeds), strict=True):
                    counts[words] += 1
                    faults += bool(wrong)
                    sys.stderr.write(f"seed {seed}: {words} {'; '.join(wrong)}\n")
        finally:
            server.stop()
            for words, count in counts.most_common():
                sys.stdout.write(f"{count:4} {words}\n")
            sys.stdout.write(f"{counts.total()} rounds, {faults} with a fault\n")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
