"""Events that a training sends to its listeners."""

from dataclasses import dataclass
from pathlib import Path

from tilecppn.train.curves import Point


@dataclass(frozen=True)
class Started:
    """A training starts or resumes: `batches` in all, `done` of them in the checkpoint."""

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
    """A batch was trained on."""

    point: Point


@dataclass(frozen=True)
class Saved:
    """A checkpoint was written."""

    checkpoint: Path


@dataclass(frozen=True)
class StageBegan:
    """A stage of the curriculum begins: images of side × side."""

    side: int


@dataclass(frozen=True)
class Stopping:
    """A stop was requested; a checkpoint will be written first."""


Event = Started | BatchDone | Saved | StageBegan | Stopping
