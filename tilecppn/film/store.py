"""The film store: frames (t, c, y, x) in Zarr v3, and the clips encoded from them.

    FILM.zarr/zarr.json                  OME-Zarr axes and frame times; attribute `tilecppn`
    FILM.zarr/weights/, keyframe-{k}/    the networks, see `storage/metadata.py`
    FILM.zarr/0/c/{t}/0/{row}/{col}      one shard of frame t, written whole and atomically
    FILM.zarr/clips/{id}-{n}/{t}         a clip of n frames from frame t; {id} is its encoding id
    FILM.zarr/clips/{id}-{n}/{t}.sha256  its checksum, in the format of sha256sum

As in a still's store, a task is done if its file exists. The frames of a finished clip are no
longer needed: their files are deleted, and they count as done.
"""

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tilecppn import filesystem
from tilecppn.addresses import BucketPath, as_path
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError, StoreError
from tilecppn.film import clip_checksums
from tilecppn.film.plan import ClipTask, FilmPlan, FilmTask, FrameShard
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Level, Plan, Window
from tilecppn.storage import metadata
from tilecppn.storage.base_store import (
    LISTED,
    BaseStore,
    NewStore,
    check_safe_to_overwrite,
    create_store,
)
from tilecppn.storage.names import DESCRIPTION
from tilecppn.storage.objects import ObjectStorage
from tilecppn.storage.ome import film_multiscales
from tilecppn.storage.shard_file import ShardFile, empty_shard, read_window
from tilecppn.storage.store import Store
from tilecppn.storage.zarr_format import ArraySpec

CLIPS = "clips"
_CLIPS_ARRAY = {f"{CLIPS}/{DESCRIPTION}": metadata.bytes_array(0)}
_FOLDER = re.compile(r"[0-9a-f]+-\d+")  # of clips: the encoding id, and frames per clip


class FilmStore(BaseStore):
    """An open film store, for one thread. Attributes: path, timeline, arithmetic, plan."""

    plan: FilmPlan

    def __init__(self, path: str | Path, clip: int | None = None, encoding_id: str = "") -> None:
        """Open the store at `path`.

        clip, encoding_id: the frames per clip, and the encoding of clips; by default the store has
        frames only. Raises StoreError if there is no film store, or it is damaged.
        """
        super().__init__(as_path(path))
        self.encoding_id = encoding_id
        record = self.record
        if "timeline" not in record:
            raise StoreError(f"{self.path}: holds a still, not a film; choose another path")
        try:
            self.networks = metadata.networks(self.storage, record)
            self.timeline = Timeline.parse(
                record["timeline"], name=str(self.path), embedded=self.networks
            )
            self.arithmetic = Arithmetic(**record["arithmetic"])
        except (OSError, KeyError, TypeError, AttributeError, InvalidRequestError) as error:
            raise StoreError(f"{self.path}: its metadata is damaged ({error})") from error
        if record.get("fingerprint") != self.timeline.fingerprint:
            raise StoreError(f"{self.path}: its timeline was changed after it was begun")
        self.plan = film_plan(self.timeline, clip)
        self.channels, self.dtype = self.plan.still.channels, self.timeline.base.output.dtype
        # A frame that awaits its clip needs no sync: after a power cut it is drawn again.
        self.lasting = clip is None

    @classmethod
    def found(cls, path: str | Path) -> "FilmStore":
        """Open a store with the clips of its most recent run, if any. Raises StoreError."""
        folders = _clip_folders(as_path(path))
        if not folders:
            return cls(path)
        last = max(folders, key=lambda name: Path(path, CLIPS, name).stat().st_mtime_ns)
        encoding_id, _, clip = last.rpartition("-")
        return cls(path, int(clip), encoding_id)

    @classmethod
    @contextlib.contextmanager
    def create(
        cls,
        path: Path,
        timeline: Timeline,
        arithmetic: Arithmetic,
        clip: int | None,
        encoding_id: str,
        *,
        overwrite: bool = False,
    ) -> Iterator["FilmStore"]:
        """Create an empty store at `path`, atomically, and hold its lock for the block.

        `overwrite` replaces an existing tilecppn store, whose lock the caller holds. Raises
        StoreError if something else exists there.
        """
        clips = None if clip is None else _CLIPS_ARRAY
        new = cls.initial_contents(path, timeline, arithmetic)
        with create_store(path, new, overwrite=overwrite, more=clips):
            yield cls(path, clip, encoding_id)

    @classmethod
    def initial_contents(cls, path: Path, timeline: Timeline, arithmetic: Arithmetic) -> NewStore:
        plan = film_plan(timeline, None)

        def empty_shards(generation: str) -> Iterator[tuple[str, bytes]]:
            empty = empty_shard(plan.still.levels[0], generation)
            for frame in range(plan.frames):
                for shard in plan.frame_shards(frame):
                    yield frame_name(shard), empty

        record = {
            "timeline": timeline.to_toml(),
            "fingerprint": timeline.fingerprint,
            "arithmetic": arithmetic._asdict(),
        }
        name, dtype = path.name.removesuffix(".zarr"), timeline.base.output.dtype
        ome = film_multiscales(plan.still, dtype, name, float(1 / timeline.film.fps))
        arrays = [_frames_of(plan, dtype)]
        return NewStore(record, ome, dict(timeline.networks), arrays, empty_shards)

    def check(self, timeline: Timeline) -> None:
        if not self.is_of(timeline):
            differences = self.timeline.differences(timeline) or ["the networks' weights differ"]
            raise StoreError(
                f"{self.path}: holds another film or layout: {'; '.join(differences[:LISTED])}. "
                "Choose another path, or --overwrite"
            )

    def check_safe_to_overwrite(self) -> None:
        """Raise StoreError if the folder contains files that no film store has."""
        refuse_foreign_film(self.storage)

    def is_of(self, timeline: Timeline) -> bool:
        """Return whether this is a store of `timeline`, with the same tiles and shards."""
        return _named(self.timeline) == _named(timeline)

    def faulty_clips(self, check_cancelled: CheckCancelled = lambda: None) -> dict[ClipTask, str]:
        """Read all clips; return the faulty ones with their fault, "missing" or "damaged"."""
        found = {}
        for clip in self.plan.all_clips():
            check_cancelled()
            if fault := self.damage(clip):
                found[clip] = fault
        return found

    def encoding_ids(self) -> set[str]:
        """Return the ids of the encodings of which the store has clips."""
        return {name.rpartition("-")[0] for name in _clip_folders(self.path)}

    def remove(self) -> None:
        """Delete the store, whose lock the caller holds. It disappears for other
        processes at once.
        """
        old = filesystem.temporary_path(self.path)
        self.path.rename(old)
        shutil.rmtree(old, ignore_errors=True)

    def arrays(self) -> list[ArraySpec]:
        return [_frames_of(self.plan, self.dtype)]

    def _copies(self) -> dict[str, bytes]:
        """Add the metadata of an empty array for the clips, so that plain Zarr readers
        accept them.
        """
        files = super()._copies()
        if self.plan.clip is not None or _clip_folders(self.path):
            files.update(_CLIPS_ARRAY)
        return files

    # Shards of frames, and clips

    def has(self, task: FilmTask) -> bool:
        """Return whether a shard or clip is done; frames of a finished clip are."""
        clip = self.plan.parent(task)
        return super().has(task) or (clip is not None and super().has(clip))

    def put_clip(self, clip: ClipTask, write: Callable[[Path], object]) -> None:
        """Store a clip, which `write` encodes into the path that it is given.

        When this returns the clip survives a power cut, so its frames may be deleted.
        """
        file = self.file(clip)
        self.check_in_place()

        def still_here(path: Path) -> None:
            write(path)
            self.check_in_place()

        clip_checksums.put(file, still_here)
        for folder in file.relative_to(self.path).parents:
            filesystem.fsync_directory(self.path / folder)

    def delete(self, task: FilmTask) -> None:
        """Delete a shard's file, or a clip's and its checksum, if they exist."""
        super().delete(task)
        if isinstance(task, ClipTask):
            clip_checksums.checksum_path(self.file(task)).unlink(missing_ok=True)

    def read(self, frame: int, window: Window) -> NDArray[Any]:
        """Read pixels (channels, height, width) of a frame.

        Raises RenderError if a shard is missing or damaged.
        """

        def file(row: int, col: int) -> ShardFile:
            return self.shard_file(FrameShard(frame, row, col))

        return read_window(file, self.plan.still.levels[0], window)

    def damage(self, task: FilmTask) -> str | None:
        """Return the fault of a shard or clip: "missing", "damaged", or None.

        The frames of a finished clip are no longer needed, and are not checked.
        """
        if isinstance(task, ClipTask):
            if not self.has(task):
                return "missing"
            return None if clip_checksums.is_sound(self.file(task)) else "damaged"
        clip = self.plan.parent(task)
        if clip is not None and super().has(clip):
            return None
        return self.shard_file(task).fault(self.plan.window(task))

    def name(self, task: FilmTask) -> str:
        if isinstance(task, ClipTask):
            return f"{CLIPS}/{self.encoding_id}-{self.plan.clip}/{task.first}"
        return frame_name(task)

    def level(self, task: FilmTask) -> Level:
        return self.plan.still.levels[0]


def frame_name(shard: FrameShard) -> str:
    """Return the name of a frame shard's file in its store."""
    return f"0/c/{shard.frame}/0/{shard.row}/{shard.col}"


def _named(timeline: Timeline) -> tuple[str, int, int]:
    output = timeline.base.output
    return timeline.fingerprint, output.tile, output.shard


def refuse_foreign_film(storage: ObjectStorage) -> None:
    """Raise StoreError if the folder contains files that no film store has."""
    folder = re.compile(
        rf"{metadata.FOLDERS}|0(/c(/\d+(/0(/\d+)?)?)?)?|{CLIPS}(/{_FOLDER.pattern})?"
    )
    file = re.compile(
        rf"{metadata.FILES}|0/zarr\.json|0/c/\d+/0/\d+/\d+|{CLIPS}/zarr\.json|"
        rf"{CLIPS}/{_FOLDER.pattern}/\d+(\{clip_checksums.CHECKSUM})?"
    )
    check_safe_to_overwrite(storage, folder, file)


def film_plan(timeline: Timeline, clip: int | None) -> FilmPlan:
    """Return the plan of a timeline's film, with clips of `clip` frames or none."""
    base = timeline.base
    return FilmPlan(Plan.of(base.canvas, base.output, timeline.channels), timeline.frames, clip)


def _clip_folders(path: Path) -> list[str]:
    """Return the names of a store's folders with clips, one per encoding and length."""
    if isinstance(path, BucketPath):  # buckets hold frames only
        return []
    return [f.name for f in Path(path, CLIPS).glob("*") if _FOLDER.fullmatch(f.name)]


def _frames_of(plan: FilmPlan, dtype: str) -> ArraySpec:
    level = plan.still.levels[0]
    shape = (plan.frames, plan.still.channels, level.height, level.width)
    return ArraySpec("0", shape, level, dtype)


def open_store(path: Path) -> Store | FilmStore:
    """Open the store of a still or a film. Raises StoreError."""
    is_film = "timeline" in (metadata.attributes(path) or {})
    return FilmStore.found(path) if is_film else Store(path)
