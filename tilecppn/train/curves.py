"""The losses of a training: a CSV file as it goes, and a plot of it."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tilecppn import filesystem
from tilecppn.train.trainer import Losses

CSV, PLOT = "losses.csv", "losses.png"
HEAD = ("batch", "epoch", "side", "seconds", *Losses._fields)


class Point(NamedTuple):
    """One row of the CSV file."""

    batch: int
    epoch: int
    side: int  # pixels, of the curriculum's stage
    seconds: float
    losses: Losses


class Curves:
    """Appends to `losses.csv`; what is there beyond `batches` is of a past that was left."""

    def __init__(self, folder: Path, batches: int) -> None:
        self.path = folder / CSV
        kept = [row for row in _rows(self.path) if int(row["batch"]) <= batches]
        text = "".join(",".join(row[name] for name in HEAD) + "\n" for row in kept)
        filesystem.write_atomic(self.path, (",".join(HEAD) + "\n" + text).encode())

    def add(self, point: Point) -> None:
        numbers = [f"{v:.6g}" if isinstance(v, float) else v for v in point.losses]
        row = [point.batch, point.epoch, point.side, f"{point.seconds:.3f}", *numbers]
        with self.path.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(row)


def plot(folder: Path) -> Path | None:
    """Draw `losses.csv` as `losses.png`; None without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    rows = _rows(folder / CSV)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    minutes = [float(row["seconds"]) / 60 for row in rows]
    for name, label in (("vae", "vae (per pixel)"), ("g", "generator"), ("d", "discriminator")):
        points = [(t, float(row[name])) for t, row in zip(minutes, rows, strict=True) if row[name]]
        if points:
            t, values = zip(*points, strict=True)
            (line,) = axes.plot(t, values, linewidth=0.6, alpha=0.35)
            axes.plot(t, _smooth(values), color=line.get_color(), label=label)
    axes.set(xlabel="minutes of training", ylabel="loss", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    path = folder / PLOT
    figure.savefig(path, dpi=110)
    return path


def _smooth(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The mean of the last twentieth of all points, at each."""
    span = max(1, len(values) // 20)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - span)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if (row.get("batch") or "").isdigit()]
