"""Render under random faults and print what came of it: `make chaos`, or

python -m tests.chaos [--runs N] [--seed FIRST] [--place disk|seaweedfs|moto|google|cluster …]
"""

import argparse
import contextlib
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.buckets import SERVERS
from tests.chaos.faults import Report, Trial
from tests.chaos.network import Network, can_make_networks
from tests.chaos.places import NODES, Cluster, Disk, InBucket
from tests.cli.test_buckets import files
from tests.run.test_bucket_faults import SCENE
from tilecppn.run.render import render

PLACES = ("disk", "seaweedfs", "moto", "google", "cluster")


class Chaos:
    """Runs by seed, over one scene. Attributes: right, the files of an undisturbed store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        render(SCENE, folder / "a.zarr", executor="local")  # the name is in its metadata
        self.right = files(folder / "a.zarr")
        self.scene = folder / "scene.toml"
        self.scene.write_text(SCENE.to_toml())

    def run(self, seed: int, place: Disk, *, quiet: bool = False) -> Report:
        """Make the run of a seed, and compare its store. quiet: without faults on purpose."""
        folder = self.folder / f"{place.name}-{seed}{'-quiet' * quiet}"
        folder.mkdir()
        trial = Trial(seed, folder, self.scene, place)
        if quiet:
            trial.left = 0
        report = trial.run()
        report.lost = len(self.differing(place, place.store(folder)))
        return report

    def differing(self, place: Disk, store: str) -> set[str]:
        """The files of a store that are missing, or not those of the undisturbed one."""
        found = place.files(store)
        return {n for n in self.right if self.right[n] != found.get(n)} - place.varying


@contextlib.contextmanager
def opened(name: str, folder: Path) -> Iterator[Disk | None]:
    """A place for the block; None where this machine has not what it needs."""
    folder.mkdir()
    with contextlib.ExitStack() as stack:

        def network(hosts: int) -> Network:
            made = Network(hosts)
            stack.callback(made.close)
            return made

        if name == "disk":
            yield Disk()
        elif name in SERVERS and SERVERS[name].program() is not None:
            server = SERVERS[name](folder)
            stack.callback(server.stop)
            yield InBucket(name, server, network(1) if can_make_networks() else None)
        elif name == "cluster" and can_make_networks():
            yield Cluster(network(NODES + 1))
        else:
            yield None


def table(reports: list[Report], undisturbed: dict[str, float]) -> str:
    """One line for each place, and what was wrong."""
    lines = ["| place | runs | faults | processes | lost | drawn twice | seconds lost | unequal |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for place in sorted({report.place for report in reports}):
        some = [report for report in reports if report.place == place]
        seconds = sum(report.seconds - undisturbed.get(place, 0.0) for report in some)
        lines.append(
            f"| {place} | {len(some)} | {sum(r.faults.total() for r in some):,} | "
            f"{sum(r.processes for r in some):,} | {sum(r.lost for r in some)} | "
            f"{sum(r.twice for r in some)} | {seconds:.0f} | {sum(r.lost > 0 for r in some)} |"
        )
    lines.append("\n" + _words(sum((report.faults for report in reports), Counter[str]())))
    lines += [f"seed {r.seed}, {r.place}: {w}" for r in reports for w in r.wrong]
    return "\n".join(lines)


def _words(faults: Counter[str]) -> str:
    return ", ".join(f"{n:,} {kind}" for kind, n in faults.most_common()) or "no fault"


def main() -> int:
    """Run, print the table at the end, and return 1 if anything was lost or wrong."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers and networks are ended
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first run")
    parser.add_argument("--place", choices=PLACES, nargs="*", default=PLACES)
    given = parser.parse_args()
    reports: list[Report] = []
    quiet: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        chaos = Chaos(Path(folder))
        found = [stack.enter_context(opened(name, Path(folder, name))) for name in given.place]
        places = [place for place in found if place is not None]
        try:
            quiet |= {place.name: chaos.run(0, place, quiet=True).seconds for place in places}
            for number in range(given.runs):
                report = chaos.run(given.seed + number, places[number % len(places)])
                reports.append(report)
                sys.stderr.write(
                    f"seed {report.seed} {report.place}: {_words(report.faults)}; "
                    f"{report.lost} lost, {report.seconds:.0f} s {'; '.join(report.wrong)}\n"
                )
        finally:
            sys.stdout.write(table(reports, quiet) + "\n" if reports else "")
    return int(any(report.lost or report.wrong for report in reports))


if __name__ == "__main__":
    sys.exit(main())
