"""Reports of verify: what is damaged or missing, and what was repaired."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilecppn.exporters.output.folder_checksums import DAMAGED, MISSING
from tilecppn.exporters.verify import FOREIGN
from tilecppn.film.plan import ClipTask, FrameShard
from tilecppn.formatting import counted
from tilecppn.plan import Shard, Task

Progress = Callable[[str, int, int, str], None]  # see `verify`
NAMED = 20  # missing shards of a level that are named
LISTED = 200  # files of an export that are named


def ignored(what: str, done: int, total: int, unit: str) -> None:
    """Ignore progress."""


@dataclass(frozen=True, repr=False)
class VerifyReport(ABC):
    """The result of `verify` for `path`.

    damage: what is wrong with each shard of a store, or file of an export: "damaged", "missing", or
    "not part of the export".
    """

    path: Path
    damage: Mapping[Any, str]

    @property
    @abstractmethod
    def sound(self) -> bool:
        """Whether nothing was damaged or missing."""

    @property
    @abstractmethod
    def repaired(self) -> bool:
        """Whether something was damaged or missing, and has been repaired."""

    @property
    @abstractmethod
    def record(self) -> dict[str, Any]:
        """The report as `tilecppn verify --json` prints it."""

    @abstractmethod
    def lines(self) -> list[str]:
        """Return the report as lines of text, with the remedy."""

    def __repr__(self) -> str:
        values = ", ".join(f"{name!r}: {value!r}" for name, value in self.record.items())
        return f"{type(self).__name__}({{{values}}})"


@dataclass(frozen=True, repr=False)
class StoreReport(VerifyReport):
    """The report of a store; `damage` is by shard, and by clip for a film.

    invalid_metadata: names of metadata files that are missing, damaged or wrong.
    missing_of_level: the number of missing shards of each level, if they are too many to be listed.
    remedy: how to repair it, for messages. tasks: the number of shards and clips when it is whole.
    resume: how to finish it, for messages; "" unless it is unfinished, so that missing shards are
    no damage. rescued: whether its metadata was rewritten. rendered: the number of shards rendered
    again; None if nothing was repaired.
    """

    invalid_metadata: tuple[str, ...]
    missing_of_level: Mapping[int, int]
    remedy: str
    tasks: int
    resume: str = ""
    rescued: bool = False
    rendered: int | None = None

    @property
    def sound(self) -> bool:
        return not (self.invalid_metadata or self.damage or self.missing_of_level)

    @property
    def repaired(self) -> bool:
        return self.rendered is not None

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "store": str(self.path),
            "invalid_metadata": list(self.invalid_metadata),
            **{
                name: [_place(task) for task, what in self.damage.items() if what == name]
                for name in (DAMAGED, MISSING)
            },
        }
        if self.missing_of_level:
            record["missing_of_level"] = dict(self.missing_of_level)
        if self.resume and not self.repaired:
            record["unfinished"] = True
        if self.rescued:
            record["rescued"] = True
        if self.rendered is not None:
            record["rendered"] = self.rendered
        return record

    def lines(self) -> list[str]:
        path, wrong = self.path, len(self.invalid_metadata)
        found = Counter(self.damage.values())
        missing = found[MISSING] + sum(self.missing_of_level.values())
        lines = [f"{file}: missing, damaged or wrong" for file in self.invalid_metadata]
        lines += self._listed()
        if self.rescued:
            lines.append(f"{path}: its metadata and the copy were damaged; written again")
        if self.sound:
            lines.append(f"{path}: complete and undamaged")
        elif self.rendered is not None:
            lines.append(f"{path}: repaired, {counted(self.rendered, 'shard')} rendered again")
        else:
            shards = found[DAMAGED] + (0 if self.resume else missing)
            what = [counted(wrong, "metadata file")] if wrong else []
            what += [counted(shards, "shard")] if shards else []
            if what:
                lines.append(f"{path}: {' and '.join(what)} to repair: {self.remedy}")
            if self.resume:
                done = self.tasks - missing
                of = f"{done:,} of {counted(self.tasks, 'shard')}"
                lines.append(f"{path}: unfinished: {of}; {self.resume}")
        return lines

    def _listed(self) -> list[str]:
        """Return the damage, one line per task; many missing ones of a kind are only counted.

        Those of an unfinished store are left out if there are many in all.
        """
        lacking = sum(what == MISSING for what in self.damage.values())
        if self.resume and lacking + sum(self.missing_of_level.values()) > NAMED:
            return [f"{t.name}: {what}" for t, what in self.damage.items() if what != MISSING]
        missing = Counter(_group(task) for task, what in self.damage.items() if what == MISSING)
        many = {group: count for group, count in sorted(missing.items()) if count > NAMED}
        many |= {f"shards of level {k}": n for k, n in self.missing_of_level.items() if n}
        return [
            *(f"{group}: {count:,} missing" for group, count in many.items()),
            *(
                f"{task.name}: {what}"
                for task, what in self.damage.items()
                if what != MISSING or _group(task) not in many
            ),
        ]


@dataclass(frozen=True, repr=False)
class ExportReport(VerifyReport):
    """The report of an export; `damage` is by the paths of its files.

    remedy: how to repair it, for messages. film: whether it is a film, or the frames of one.
    """

    remedy: str
    film: bool = False
    repaired: bool = False

    @property
    def sound(self) -> bool:
        return not self.damage

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "export": str(self.path),
            **{
                name: [str(file) for file, what in self.damage.items() if what == name]
                for name in (DAMAGED, MISSING, FOREIGN)
            },
        }
        return {**record, "repaired": len(self.damage)} if self.repaired else record

    def lines(self) -> list[str]:
        path, many = self.path, counted(len(self.damage), "file")
        lines = [f"{file}: {what}" for file, what in list(self.damage.items())[:LISTED]]
        if len(self.damage) > LISTED:
            lines.append(f"… and {len(self.damage) - LISTED:,} more")
        if self.sound:
            lines.append(f"{path}: complete and undamaged")
        elif self.repaired:
            lines.append(f"{path}: repaired, {many} made again")
        else:
            lines.append(f"{path}: {many} to repair: {self.remedy}")
        return lines


def _group(task: Task) -> str:
    if isinstance(task, Shard):
        return f"shards of level {task.level}"
    return "clips" if isinstance(task, ClipTask) else "shards of frames"


def _place(task: Task) -> list[int]:
    """Return level, row and column, and a film's frame; a clip is on level 1."""
    match task:
        case FrameShard(frame, row, col):
            return [0, row, col, frame]
        case ClipTask(first):
            return [1, 0, 0, first]
    assert isinstance(task, tuple)
    return list(task)
