"""Compares rendering and tiling a gigapixel on all cores with other programs, end to end."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.endtoend import Measured, run, scene_of
from benchmarks.measuring import Table
from tilecppn import machine
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render_to

OURS, EXPORT, DZSAVE, SCRIPT = (
    "render, store, levels, tiles in one pass",
    "export of the finished store",
    "libvips dzsave of the finished picture",
    "plain script (torch, Pillow)",
)
CLOCKS = ("seconds", "CPU seconds")
SMALL = 4096  # pixels a side where every pixel is evaluated


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def side_by_side(side: int, rounds: int, largest: int) -> dict[str, list[Measured]]:
    """Measure each way, in turns; the plain script once, on at most `largest`² pixels.

    The shares of our time are measured in a separate run.
    """
    workers = machine.cores()
    taken: dict[str, list[Measured]] = {OURS: [], EXPORT: [], DZSAVE: []}
    # All files are kept until the end: ext4 creates new ones several times slower in the minutes
    # after many were deleted.
    with folder() as place:
        for number in range(rounds):
            (own := place / str(number)).mkdir()
            for name, way in ((OURS, "ours"), (EXPORT, "export"), (DZSAVE, "dzsave")):
                taken[name].append(run(way, side, workers, own))
        (own := place / "shares").mkdir()
        inside = run("shares", side, workers, own)
        smaller = min(side, largest)
        measured = run("script", smaller, workers, place)
    for clock in CLOCKS:
        measured[clock] *= (side / smaller) ** 2
    taken[OURS] = [{**inside, **plain} for plain in taken[OURS]]
    return {**taken, SCRIPT: [measured]}


def middle(measured: list[Measured]) -> Measured:
    """Return the median seconds and the largest peak, and the rest of the last round."""
    return {
        **measured[-1],
        **{clock: median(m[clock] for m in measured) for clock in CLOCKS},
        "peak bytes": max(m["peak bytes"] for m in measured),
    }


def end_to_end(side: int, rounds: int, largest: int) -> tuple[Table, dict[str, Measured]]:
    """Return the rates beside those of libvips, and all measurements."""
    found = {
        name: middle(measured) for name, measured in side_by_side(side, rounds, largest).items()
    }
    rates = {name: side**2 / 1e6 / measured["seconds"] for name, measured in found.items()}
    ours = found[OURS]
    shares = ", ".join(f"{stage} {100 * share:.0f} %" for stage, share in ours["shares"].items())
    spent = ", ".join(f"{name} {m['CPU seconds']:.1f}" for name, m in found.items())
    peaks = ", ".join(f"{name} {m['peak bytes'] / 1e6:.0f} MB" for name, m in found.items())
    notes = (
        f"of our CPU time: {shares}",
        f"{ours['evaluations a pixel']:.4f} evaluations a pixel",
        f"{rates[OURS] / rates[SCRIPT]:.1f} × the plain script",
        f"CPU seconds: {spent}",
        f"peak memory: {peaks}",
    )
    return Table(f"{side}² to a PNG Deep Zoom", rates, DZSAVE, notes), found


def scaling(rounds: int = 3) -> list[Table]:
    """Measure one worker and two, with and without reconstruction."""
    tables = []
    for title, side, output in (
        (f"{SMALL}², every pixel evaluated", SMALL, {"tolerance": 0.0, "shard": 512}),
        (f"{2 * SMALL}², reconstructed", 2 * SMALL, {"shard": 1024}),
    ):
        scene = scene_of(side, **output)
        rates: dict[str, list[float]] = {"1 worker": [], "2 workers": []}
        for _ in range(rounds):
            for count, way in enumerate(rates, start=1):
                with folder() as place:
                    _, outcome = render_to(
                        scene, place / "a.zarr", RunOptions("local", workers=count)
                    )
                rates[way].append(outcome.pixels / outcome.seconds / 1e6)
        medians = {way: median(rate) for way, rate in rates.items()}
        tables.append(Table(title, medians, "1 worker"))
    return tables


def coordination() -> dict[str, Any]:
    """Measure the coordinator's overhead in a separate process."""
    command = [sys.executable, "-m", "benchmarks.coordination"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def tables(sides: list[int], rounds: int, largest: int) -> tuple[list[Table], dict[str, Any]]:
    """Measure and print all tables; return them, and the figures that they leave out."""
    found: list[Table] = []
    details: dict[str, Any] = {}
    for side in sides:
        if shutil.disk_usage(tempfile.gettempdir()).free < side**2:
            print(f"{side}² is left out: the disk is too full\n")
            continue
        table, details[str(side)] = end_to_end(side, rounds, largest)
        found.append(table)
        print(table, flush=True)
    for table in scaling():
        found.append(table)
        print(table, flush=True)
    details["coordinator"] = cost = coordination()
    print(
        f"coordinator, {cost['workers']:,} workers, {cost['pixels']:.0e} pixels: "
        f"{cost['microseconds a shard']:.0f} µs a shard, {cost['peak bytes'] / 1e6:.0f} MB\n"
    )
    return found, details
