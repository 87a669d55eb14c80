"""Small trainings, and the files they leave."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from tilecppn.train.data.images import Images
from tilecppn.train.events import BatchDone, Event
from tilecppn.train.training import Outcome, train_model

TINY: dict[str, Any] = {
    "width": 6,
    "encoder_width": 8,
    "discriminator_width": 2,
    "z_dim": 3,
    "batch": 4,
    "epochs": 3,
    "keep_prob": 0.9,
}


def images(count: int = 10, side: int = 10, channels: int = 1, seed: int = 0) -> Images:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, side, side, channels), np.uint8)
    return Images("test", pixels, np.arange(count) % 2, ("even", "odd"))


def train(
    folder: Path,
    given: dict[str, Any] | None = None,
    *,
    stop_after: int | None = None,
    **options: Any,
) -> Outcome:
    options.setdefault("images", images())
    if stop_after is not None:
        stop = StopAfter(stop_after)
        options["listeners"] = [*options.get("listeners", ()), stop]
        options["stopping"] = lambda: stop.reached
    return train_model(
        options.pop("images"), folder / "m.safetensors", {**TINY, **(given or {})}, **options
    )


class StopAfter:
    """A listener that wants the training to stop after so many batches."""

    def __init__(self, batches: int) -> None:
        self.batches = batches
        self.reached = False

    def __call__(self, event: Event) -> None:
        self.reached |= isinstance(event, BatchDone) and event.point.batch == self.batches


def same_files(a: Path, b: Path, *names: str) -> None:
    for name in names:
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def csv_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "losses.csv").open() as file:
        return list(csv.DictReader(file))
