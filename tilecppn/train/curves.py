"""The losses of a training: a CSV file with one row per batch, and its plot."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tilecppn import filesystem


class Losses(NamedTuple):
    """The last value of each loss in a batch (None if it was not computed), and its updates."""

    vae: float | None
    g: float | None
    d: float | None
    vae_updates: int
    g_updates: int
    d_updates: int


CSV, PLOT = "losses.csv", "losses.png"
HEAD = ("batch", "epoch", "side", "seconds", *Losses._fields)
ROW = re.compile(r"\d+,\d+,\d+,[\d.]+(,[\d.e+-]*){3}(,\d+){3}")  # a loss may be empty


class Point(NamedTuple):
    """One row of the CSV file."""

    batch: int
    epoch: int
    side: int  # pixels, of the curriculum's stage
    seconds: float
    losses: Losses


class Curves:
    """The writer of `losses.csv`."""

    def __init__(self, folder: Path, batches: int) -> None:
        """Open the file in `folder`, and drop its rows after the first `batches` batches.

        A training that resumes from an earlier checkpoint computes those again.
        """
        self.path = folder / CSV
        kept = [row for row in _rows(self.path) if int(row["batch"]) <= batches]
        text = "".join(",".join(row[name] for name in HEAD) + "\n" for row in kept)
        filesystem.write_atomic(self.path, (",".join(HEAD) + "\n" + text).encode())

    def add(self, point: Point) -> None:
        """Append a row; a loss that is None stays empty."""
        losses = [f"{v:.6g}" if isinstance(v, float) else v for v in point.losses]
        cells = [point.batch, point.epoch, point.side, f"{point.seconds:.3f}", *losses]
        row = ",".join("" if cell is None else str(cell) for cell in cells)
        with (
            filesystem.naming_file(self.path),
            self.path.open("a", encoding="utf-8", newline="\n") as file,
        ):
            file.write(row + "\n")


def plot(folder: Path) -> Path | None:
    """Draw the `losses.csv` of `folder` as `losses.png`. Returns None without matplotlib."""
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
    """Return, at each point, the mean over the last twentieth of all points."""
    span = max(1, len(values) // 20)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - span)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the complete rows of the CSV file; a killed process may leave an
    incomplete last line.
    """
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text[: text.rfind("\n") + 1].splitlines()
    return [dict(zip(HEAD, row.split(","), strict=True)) for row in lines if ROW.fullmatch(row)]
