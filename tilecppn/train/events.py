"""What a training tells its listeners. Nothing here prints."""

from dataclasses import dataclass
from pathlib import Path

from tilecppn.train.curves import Point


@dataclass(frozen=True)
class Started:
    """`batches` in all, `done` of them by the checkpoint it goes on from."""

    source: str
    count: int
    size: int
    channels: int
    batch: int
    batches: int
    done: int
    device: str
    parameters: dict[str, int]  # by network


@dataclass(frozen=True)
class BatchDone:
    """A batch was learned."""

    point: Point


@dataclass(frozen=True)
class Saved:
    """A checkpoint, with its sheets and curves."""

    checkpoint: Path


@dataclass(frozen=True)
class StageBegan:
    """The curriculum's: images of side × side from now on."""

    side: int


@dataclass(frozen=True)
class Stopping:
    """A signal was heard; a checkpoint comes first."""


Event = Started | BatchDone | Saved | StageBegan | Stopping
