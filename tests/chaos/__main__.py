"""Render under random faults and print what came of it: `make chaos`, or

python -m tests.chaos [--runs N] [--seed FIRST] [--place disk|bucket|both]
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.buckets import BUCKET, WEED, Server
from tests.chaos.faults import Report, Trial
from tests.cli.test_buckets import GROUP, files, objects
from tests.conftest import SMALL_NET
from tilecppn.addresses import as_path
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage import client

SCENE = Scene.of(
    cppn=SMALL_NET,
    canvas={"width": 1000, "height": 900},
    output={"tile": 64, "shard": 128, "tolerance": 0},
)


class Chaos:
    """Runs by seed, over one scene and, for buckets, one server."""

    def __init__(self, folder: Path, server: Server | None) -> None:
        self.folder, self.server = folder, server
        render(SCENE, folder / "a.zarr", executor="local")  # the name is in its metadata
        self.right = files(folder / "a.zarr")
        self.scene = folder / "scene.toml"
        self.scene.write_text(SCENE.to_toml())
        self.undisturbed: dict[str, float] = {}

    def run(self, seed: int, place: str, *, quiet: bool = False) -> Report:
        """Make the run of a seed, and compare its store. quiet: without faults."""
        folder = self.folder / f"{place}-{seed}{'-quiet' * quiet}"
        folder.mkdir()
        trial = Trial(seed, folder, self.scene, self.server if place == "bucket" else None)
        if quiet:
            trial.left = 0
        name = f"s3://{BUCKET}/{folder.name}.zarr" if place == "bucket" else f"{folder}/a.zarr"
        report = trial.run(name)
        path = as_path(name)
        if place == "bucket":
            assert self.server is not None
            os.environ.update(self.server.environment)
            client._client.cache_clear()
            found = objects(path)
            client._client.cache_clear()
        else:
            found = files(path)
        same_group = GROUP if place == "bucket" else set()  # has the store's generation, too
        differing = {name for name in self.right if self.right[name] != found.get(name)}
        report.lost = len(differing - same_group)
        return report


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
    kinds = sum((report.faults for report in reports), Counter[str]())
    lines.append("\n" + ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common()))
    lines += [f"seed {r.seed}, {r.place}: {w}" for r in reports for w in r.wrong]
    return "\n".join(lines)


def main() -> int:
    """Run, print the table as it grows, and return 1 if anything was lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first run")
    parser.add_argument("--place", choices=["disk", "bucket", "both"], default="both")
    given = parser.parse_args()
    places = ["disk", "bucket"] if given.place == "both" else [given.place]
    if not WEED.exists():
        places = [place for place in places if place == "disk"]
    reports: list[Report] = []
    with tempfile.TemporaryDirectory() as name:
        server = None
        if "bucket" in places:
            Path(name, "s3").mkdir()
            server = Server(Path(name, "s3"))
        try:
            chaos = Chaos(Path(name), server)
            quiet = {p: chaos.run(0, p, quiet=True).seconds for p in places}
            for number in range(given.runs):
                report = chaos.run(given.seed + number, places[number % len(places)])
                reports.append(report)
                sys.stderr.write(
                    f"seed {report.seed} {report.place}: {report.faults.total()} faults, "
                    f"{report.lost} lost, {report.seconds:.0f} s {'; '.join(report.wrong)}\n"
                )
        finally:
            if server is not None:
                server.stop()
            sys.stdout.write(table(reports, quiet) + "\n" if reports else "")
    return int(any(report.lost or report.wrong for report in reports))


if __name__ == "__main__":
    sys.exit(main())
