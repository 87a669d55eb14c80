"""Run a training from its start, or from a checkpoint, to its end.

SAVE_DIR/training.json    marks the folder as a training's, with the settings
         checkpoints/     the last ones (`train.checkpoint`)
         losses.csv, losses.png
         sheets/          samples and reconstructions, two files per checkpoint
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tilecppn import filesystem
from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import CheckpointError, Interrupted, TrainingDivergedError
from tilecppn.exporters.output.atomic import claimed
from tilecppn.formatting import counted
from tilecppn.storage import locks
from tilecppn.train import checkpoint, curriculum, noise, sheets
from tilecppn.train.checkpoint import State
from tilecppn.train.checks import MARK, check_fit, check_paths, checkpoints, default_save_dir
from tilecppn.train.curves import CSV, PLOT, Curves, Losses, Point, plot
from tilecppn.train.data.images import Images
from tilecppn.train.device import has_bfloat16, pick_device
from tilecppn.train.events import BatchDone, Event, Saved, StageBegan, Started, Stopping
from tilecppn.train.networks import count
from tilecppn.train.settings import Settings, continued
from tilecppn.train.trainer import Trainer

CHECKPOINT_EVERY = 600.0  # seconds; for long epochs
SHEET_COLUMNS = 10  # of a sheet of reconstructions


@dataclass(frozen=True)
class Outcome:
    """The result of a training session."""

    model: Path
    checkpoint: Path
    batches: int
    epochs: float
    seconds: float  # of training, over all sessions
    point: Point | None  # the last batch of this session


def train_model(
    images: Images,
    output: Path,
    given: Mapping[str, Any] | None = None,
    *,
    save_dir: Path | None = None,
    start: Path | None = None,
    overwrite: bool = False,
    max_minutes: float | None = None,
    keep: int = 5,
    device: str = "auto",
    precision: str = "auto",
    listeners: Sequence[Callable[[Event], None]] = (),
    stopping: ShouldStop = never,
) -> Outcome:
    """Train on `images` and write the model file `output`, at every checkpoint and at the end.

    given: settings by name; others come from the checkpoint, or are defaults. save_dir: by default
    `output` with the suffix `.training`; an existing training resumes from its last checkpoint, or
    from `start`. max_minutes: limit of this session. keep: number of checkpoints to keep. device:
    auto, cpu or cuda. precision: float32, mixed (products in bfloat16), or auto: mixed if the
    device has native bfloat16.

    Raises InvalidRequestError before any work; TrainingDivergedError, with the last checkpoint
    kept; Interrupted on Ctrl-C, after a checkpoint of all complete batches.
    """
    began, given = time.monotonic(), given or {}
    folder = save_dir or default_save_dir(output)
    chosen = pick_device(device)
    mixed = precision == "mixed" or (precision == "auto" and has_bfloat16(chosen))
    check_paths(output, folder, start, overwrite)
    fresh = Settings(**given)
    check_fit(fresh.with_defaults(len(images), images.shortest_side), images)
    with claimed(output), _opened(folder, overwrite, given):
        kept = _kept(folder, start)
        settings = fresh if kept is None else _continued(kept, given, images)
        settings = settings.with_defaults(len(images), images.shortest_side)
        trainer = Trainer(settings, images.channels, chosen, mixed)
        data = {
            "source": images.source,
            "sha256": images.sha256,
            "count": len(images),
            "size": trainer.size,
            "channels": images.channels,
        }
        state = State(0, 0, 0.0, settings.record(), data)
        if kept is not None:
            where, read = kept
            checkpoint.restore(trainer, *read, name=where)
            state = read[0]
        session = _Session(
            images, output, folder, settings, trainer, data, keep, listeners, stopping
        )
        return session.run(state, began + 60 * max_minutes if max_minutes else None)


@dataclass
class _Session:
    """One session of training: the loop, and the files it writes."""

    images: Images
    output: Path
    folder: Path
    settings: Settings
    trainer: Trainer
    data: dict[str, Any]
    keep: int
    listeners: Sequence[Callable[[Event], None]]
    stopping: ShouldStop
    last: Point | None = None
    saved: Path | None = None

    @property
    def batch(self) -> int:
        """The number of images of a batch."""
        assert self.settings.batch is not None
        return self.settings.batch

    @property
    def per_epoch(self) -> int:
        """The number of batches of an epoch."""
        return len(self.images) // self.batch

    def run(self, state: State, deadline: float | None) -> Outcome:
        """Train from `state` until all epochs are done, or until `deadline` (time.monotonic)."""
        total = self.settings.epochs * self.per_epoch
        parts = {"generator": self.trainer.networks.g, **self.trainer.networks.companions()}
        self._tell(
            Started(
                self.images.source,
                len(self.images),
                self.trainer.size,
                self.images.channels,
                self.batch,
                total,
                state.batches,
                self.trainer.device.type,
                {name: count(module) for name, module in parts.items()},
            )
        )
        curves = Curves(self.folder, state.batches)
        done, seconds = state.batches, state.seconds
        saved_at = time.monotonic()
        side = self.trainer.size
        try:
            while done < total:
                began = time.monotonic()
                epoch, index = divmod(done, self.per_epoch)
                now = self._side(epoch)
                if now != side:
                    side = now
                    self.trainer.stage = self.trainer.stage_of(side)
                    self._tell(StageBegan(side))
                before = self.trainer.snapshot()
                try:
                    learned = self._learn(epoch, index, done)
                except KeyboardInterrupt:  # a batch may take long; the next session repeats it
                    self.trainer.restore(before)
                    raise self._stopped(done, seconds, state.batches) from None
                done += 1
                seconds += time.monotonic() - began
                self.last = Point(done, epoch, side, seconds, learned)
                curves.add(self.last)
                self._tell(BatchDone(self.last))
                if self.stopping():
                    raise self._stopped(done, seconds, state.batches)
                late = deadline is not None and time.monotonic() >= deadline
                ends = late or done == total
                due = done % self.per_epoch == 0 or time.monotonic() - saved_at > CHECKPOINT_EVERY
                if ends or due:
                    self._save(done, seconds, sheets=True)
                    saved_at = time.monotonic()
                if ends:
                    break
        except Interrupted:
            raise
        except KeyboardInterrupt:
            kept = self.saved or "the last checkpoint, if there is one,"
            raise Interrupted(f"stopped; {kept} is kept") from None
        saved = self.saved or self._save(done, seconds, sheets=True)  # if nothing was left to do
        return Outcome(self.output, saved, done, done / self.per_epoch, seconds, self.last)

    def _stopped(self, done: int, seconds: float, before: int) -> Interrupted:
        """Return the Interrupted to raise, after saving a checkpoint if more than
        `before` is done.
        """
        if done == before:
            kept = "the last checkpoint is kept" if done else "nothing was written"
            return Interrupted(f"stopped before a batch was done; {kept}")
        self._tell(Stopping())
        self._save(done, seconds, sheets=False)
        return Interrupted(
            f"stopped after {counted(done, 'batch', 'batches')}; {self.saved} has "
            "them, and the same command goes on from there"
        )

    def _learn(self, epoch: int, index: int, done: int) -> Losses:
        """Train on one batch: its images in the epoch's order, each cropped at a random
        position.
        """
        seed, images, n = self.settings.seed, self.images, self.batch
        chosen = noise.order(seed, epoch, len(images))[index * n : (index + 1) * n]
        crops = images.crops(chosen, self.trainer.size, noise.crop_positions(seed, done, n))
        if self.settings.flip:
            turned = noise.flips(seed, done, n)
            crops[turned] = crops[turned, :, ::-1]
        try:
            return self.trainer.learn(torch.from_numpy(crops), self.stopping)
        except TrainingDivergedError as error:
            raise self._diverged(str(error)) from None

    def _save(self, done: int, seconds: float, *, sheets: bool) -> Path:
        """Write a checkpoint, which is returned, and the model file; sheets take many seconds."""
        if not checkpoint.is_finite(self.trainer):
            raise self._diverged("a weight is NaN or infinite")
        state = State(done, self.trainer.updates, seconds, self.settings.record(), self.data)
        self.saved = checkpoint.save(self.folder, self.trainer, state, self.keep)
        filesystem.write_atomic(self.output, (self.saved / checkpoint.MODEL).read_bytes())
        if sheets:
            self._draw_sheets(done)
        self._tell(Saved(self.saved))
        return self.saved

    def _draw_sheets(self, done: int) -> None:
        """Write the sheets and the plot of the losses."""
        folder = self.folder / "sheets"
        folder.mkdir(exist_ok=True)
        networks, size = self.trainer.networks, self.trainer.size
        sheet = sheets.samples(networks, self.settings.seed, size)
        with filesystem.naming_file(folder):
            sheet.save(folder / f"{done:08d}-samples.png")
            if networks.q is not None:
                shown = self.images.centre(_one_of_each(self.images), size)
                sheet = sheets.reconstructions(networks, shown)
                sheet.save(folder / f"{done:08d}-reconstructions.png")
            if self.last is not None:
                plot(self.folder)

    def _diverged(self, what: str) -> TrainingDivergedError:
        good = checkpoints(self.folder)
        rescue = f"the last good checkpoint is {good[-1]}" if good else "there is no checkpoint yet"
        return TrainingDivergedError(
            f"{what}: the training has diverged; {rescue}; try a smaller learning rate"
        )

    def _side(self, epoch: int) -> int:
        if not self.settings.curriculum:
            return self.trainer.size
        stages = curriculum.sizes(self.trainer.size)
        return stages[min(epoch // self.settings.curriculum_epochs, len(stages) - 1)]

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)


Kept = tuple[Path, tuple[State, checkpoint.Tensors, checkpoint.Tensors]]


def _kept(folder: Path, start: Path | None) -> Kept | None:
    """Return the checkpoint to resume from: `start`, or the folder's last; None if
    there is none.
    """
    there = checkpoints(folder)
    if start is None:
        return (there[-1], checkpoint.read(there[-1])) if there else None
    read = checkpoint.read(start)
    if start.resolve().parent.parent == folder.resolve():
        for later in [p for p in there if p.name > start.name]:
            try:
                checkpoint.read(later)
            except CheckpointError:
                shutil.rmtree(later)  # damaged, which is why an earlier one was chosen
                continue
            raise CheckpointError(
                f"{start}: {later} is later and sound; to go another way from here give another "
                "--save-dir"
            )
    return start, read


def _continued(kept: Kept, given: Mapping[str, Any], images: Images) -> Settings:
    where, (state, _, _) = kept
    if state.data["sha256"] != images.sha256:
        raise CheckpointError(
            f"{where}: was trained on other images ({state.data['source']}); train anew: "
            "--overwrite, or another --save-dir"
        )
    return continued(state.settings, given, str(where))


@contextmanager
def _opened(folder: Path, overwrite: bool, given: Mapping[str, Any]) -> Iterator[None]:
    """Lock the folder for the block, and empty it of an older training with `overwrite`."""
    folder.mkdir(parents=True, exist_ok=True)
    with locks.locked(folder / ".lock", str(folder)):
        if overwrite:
            for name in ("checkpoints", "sheets"):
                shutil.rmtree(folder / name, ignore_errors=True)
            for name in (CSV, PLOT):
                (folder / name).unlink(missing_ok=True)
        text = json.dumps({"tilecppn": "training", "settings": dict(given)}, indent=1)
        if overwrite or not (folder / MARK).exists():
            filesystem.write_atomic(folder / MARK, text.encode())
        yield


def _one_of_each(images: Images) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the indices of SHEET_COLUMNS images: one per label, or the first ones."""
    if images.labels is None:
        return np.arange(min(SHEET_COLUMNS, len(images)))
    firsts = np.unique(images.labels, return_index=True)[1]
    return firsts[:SHEET_COLUMNS].astype(np.int64)
