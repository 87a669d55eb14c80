"""Shows the progress of a training on stderr."""

import time

from tilecppn.cli.progress import Meter
from tilecppn.formatting import counted, format_duration
from tilecppn.train.events import BatchDone, Event, Saved, StageBegan, Started, Stopping


class TrainingMeter(Meter):
    """A meter that listens to a training; it counts batches, or minutes if they are limited."""

    def __init__(self, max_minutes: float | None) -> None:
        super().__init__("train")
        self.limit = 60 * max_minutes if max_minutes else None
        self.words = ""

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                parts = ", ".join(f"{name} {n:,}" for name, n in event.parameters.items())
                cut = f"{event.size} × {event.size} × {event.channels}"
                self.note(
                    f"{event.count:,} images of {event.source}, cut to {cut}, {event.batch} a "
                    f"batch, on {event.device}; parameters: {parts}"
                )
                if event.done:
                    self.note(f"going on after {counted(event.done, 'batch', 'batches')}")
                self.begin(event.batches)
                self.skip(event.done)
            case BatchDone(point):
                losses = point.losses
                named = {"vae": losses.vae, "g": losses.g, "d": losses.d}
                values = (f"{k} {v:.3f}" for k, v in named.items() if v is not None)
                self.words = f"epoch {point.epoch + 1}  " + "  ".join(values)
                self.add(1)
            case Saved(path):
                self.note(f"{self.line()}  {path}")
            case Stopping():
                self.note("stopping: a checkpoint is written first")
            case StageBegan(side):
                self.note(f"now {side} × {side} pixels")

    def line(self) -> str:
        """Return a line like `train 42 %  batch 420 of 1,000  epoch 3  vae 0.212 …  ETA 4 min`."""
        finished = self.done + self.skipped
        share = finished / self.total if self.total else 0.0
        spent = time.monotonic() - self._began
        left = spent / self.done * (self.total - finished) if self.done else None
        if self.limit is not None:
            remaining = max(self.limit - spent, 0.0)
            if left is None or remaining < left:
                share, left = min(spent / self.limit, 1.0), remaining
        eta = f"  ETA {format_duration(left)}" if left else ""
        return (
            f"{self.what} {100 * share:.0f} %  batch {finished:,} of {self.total:,}  "
            f"{self.words}{eta}"
        )
