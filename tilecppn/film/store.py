"""The film store: frames (t, c, y, x) in Zarr v3, and the clips that are made of them.

    FILM.zarr/zarr.json                  OME-Zarr axes and frame times; attribute `tilecppn`
    FILM.zarr/*.safetensors              the networks
    FILM.zarr/0/c/{t}/0/{row}/{col}      one shard of one frame, written whole and atomically
    FILM.zarr/clips/{recipe}-{n}/{t}     one clip of n frames, by its first; encoded by {recipe}
    FILM.zarr/clips/{recipe}-{n}/{t}.sha256     its checksum, as sha256sum writes and checks it
    FILM.zarr/.lock                      held by the one process that renders

As in a still's store, what is there is done. Frames of a clip that is there are not needed any
more, and count as done though their files are gone.
"""

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import LocalStore

from tilecppn import filesystem
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError, RenderError, StoreError
from tilecppn.film.encoding import checksums
from tilecppn.film.plan import ClipTask, FilmPlan, FilmTask, FrameShard
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Plan, Window
from tilecppn.storage.directory import (
    LISTED,
    LOCK,
    StoreDirectory,
    check_safe_to_overwrite,
    create_directory,
    is_written,
)
from tilecppn.storage.ome import film_multiscales
from tilecppn.storage.zarr_format import ArraySpec, create_group, encode_shard, find_fault

CLIPS = "clips"
_KIND = re.compile(r"[0-9a-f]+-\d+")  # of clips: the recipe, and frames a clip


class FilmStore(StoreDirectory):
    """A film store opened; it belongs to one thread. Attributes: path, timeline, arithmetic.

    `clip` is the length of its clips in frames and `recipe` the name of their encoding; without
    them it is one of frames alone.
    """

    plan: FilmPlan

    def __init__(self, path: str | Path, clip: int | None = None, recipe: str = "") -> None:
        """Open a store. Raises StoreError if there is none, or it is not a film of ours."""
        super().__init__(Path(path))
        self.recipe = recipe
        kept = self.record
        if "timeline" not in kept:
            raise StoreError(f"{self.path}: holds a still, not a film; choose another path")
        try:
            embedded = {name: (self.path / name).read_bytes() for name in kept["networks"]}
            self.timeline = Timeline.parse(kept["timeline"], name=str(self.path), embedded=embedded)
            self.arithmetic = Arithmetic(**kept["arithmetic"])
        except (OSError, KeyError, TypeError, AttributeError, InvalidRequestError) as error:
            raise StoreError(f"{self.path}: its metadata is damaged ({error})") from error
        if kept.get("fingerprint") != self.timeline.fingerprint:
            raise StoreError(f"{self.path}: its film is not the one that it was begun with")
        self.plan = film_plan(self.timeline, clip)

    @classmethod
    def found(cls, path: str | Path) -> "FilmStore":
        """A store as it was last rendered into: with the clips that were made then, if any.

        Raises StoreError as `FilmStore` does.
        """
        kinds = _kinds(Path(path))
        if not kinds:
            return cls(path)
        last = max(kinds, key=lambda name: Path(path, CLIPS, name).stat().st_mtime_ns)
        recipe, _, clip = last.rpartition("-")
        return cls(path, int(clip), recipe)

    @classmethod
    @contextlib.contextmanager
    def making(
        cls,
        path: Path,
        timeline: Timeline,
        arithmetic: Arithmetic,
        clip: int | None,
        recipe: str,
        *,
        overwrite: bool = False,
    ) -> Iterator["FilmStore"]:
        """An empty store at `path`, whole or not at all, with its lock held.

        `overwrite` replaces a store of ours, whose lock the caller holds. Raises StoreError if
        something else is there.
        """

        plan, dtype = film_plan(timeline, None), timeline.base.output.dtype
        own = {
            "timeline": timeline.to_toml(),
            "networks": sorted(timeline.networks),
            "fingerprint": timeline.fingerprint,
            "arithmetic": arithmetic._asdict(),
        }
        ome = _ome(timeline, plan, path.name.removesuffix(".zarr"))

        def write(folder: Path) -> None:
            create_group(folder, own, ome, [_frames_of(plan, dtype)], timeline.networks)

        with create_directory(path, write, overwrite=overwrite):
            yield cls(path, clip, recipe)

    def check(self, timeline: Timeline) -> None:
        """Raise StoreError, saying what differs, unless this is a store of `timeline`."""
        if not self.is_of(timeline):
            differences = self.timeline.differences(timeline) or ["the networks' weights differ"]
            raise StoreError(
                f"{self.path}: holds another film or layout: {'; '.join(differences[:LISTED])}. "
                "Choose another path, or --overwrite"
            )

    def check_safe_to_overwrite(self) -> None:
        """Raise StoreError unless all in the folder is of a film store's making."""
        refuse_foreign_film(self.path)

    def is_of(self, timeline: Timeline) -> bool:
        """Whether this is a store of `timeline`, with the layout that it has."""
        return _named(self.timeline) == _named(timeline)

    def faulty_clips(self, check_cancelled: CheckCancelled = lambda: None) -> dict[ClipTask, str]:
        """What is wrong with clips, "missing" or "damaged"; all of each is read."""
        found = {}
        for clip in self.plan.all_clips():
            check_cancelled()
            if fault := self.damage(clip):
                found[clip] = fault
        return found

    def recipes(self) -> set[str]:
        """The encodings of the clips that are there."""
        return {name.rpartition("-")[0] for name in _kinds(self.path)}

    def remove(self) -> None:
        """Delete the store, whose lock the caller holds, at one go for all who look at it."""
        old = filesystem.temporary_path(self.path)
        self.path.rename(old)
        shutil.rmtree(old, ignore_errors=True)

    def multiscales(self, name: str) -> dict[str, Any]:
        return _ome(self.timeline, self.plan, name)

    def arrays(self) -> list[ArraySpec]:
        return [_frames_of(self.plan, self.timeline.base.output.dtype)]

    # Shards of frames, and clips

    def has(self, task: FilmTask) -> bool:
        """Whether a clip, or a frame's shard or the clip it went into, is there."""
        clip = self.plan.parent(task)
        return super().has(task) or (clip is not None and super().has(clip))

    def write(self, shard: FrameShard, pixels: NDArray[Any]) -> int:
        """Store a shard's pixels (channels, height, width); returns the bytes written."""
        data = encode_shard(pixels, self.plan.still.levels[0])
        self.check_in_place()
        # A frame that only waits for its clip is drawn again should a power cut damage it.
        filesystem.write_atomic(self.file(shard), data, lasting=self.plan.clip is None)
        return len(data)

    def put_clip(self, clip: ClipTask, write: Callable[[Path], object]) -> None:
        """Store a clip that `write` makes under the name that it is given.

        Its frames may go then: not even a power cut takes it away.
        """
        file = self.file(clip)
        self.check_in_place()

        def still_here(path: Path) -> None:
            write(path)
            self.check_in_place()

        checksums.put(file, still_here)
        for folder in file.relative_to(self.path).parents:
            filesystem.fsync_directory(self.path / folder)

    def delete(self, task: FilmTask) -> None:
        """Delete a frame's shard, or a clip with its checksum; what is not there is ignored."""
        super().delete(task)
        if isinstance(task, ClipTask):
            checksums.checksum(self.file(task)).unlink(missing_ok=True)

    def read(self, frame: int, window: Window) -> NDArray[Any]:
        """Pixels (channels, height, width) of a frame; RenderError if a shard is missing or
        damaged.
        """
        for shard in self.plan.frame_shards(frame):
            top, left, bottom, right = self.plan.window(shard)
            touched = (
                top < window.bottom
                and window.top < bottom
                and left < window.right
                and window.left < right
            )
            if touched and not is_written(self.file(shard)):
                raise RenderError(f"{self.file(shard)}: missing")
        try:
            pixels = self._frames[frame, :, window.top : window.bottom, window.left : window.right]
        except Exception as error:  # damage can raise anything in zarr and its codecs
            raise RenderError(f"{self.path}: frame {frame} is damaged: {error}") from error
        return np.asarray(pixels)

    def damage(self, task: FilmTask) -> str | None:
        """What is wrong with a task's file: "missing", "damaged", or None.

        The frames of a clip that is there are no longer needed, and not looked at.
        """
        if isinstance(task, ClipTask):
            if not self.has(task):
                return "missing"
            return None if checksums.is_sound(self.file(task)) else "damaged"
        clip = self.plan.parent(task)
        if clip is not None and is_written(self.file(clip)):
            return None
        level, window = self.plan.still.levels[0], self.plan.window(task)
        return find_fault(self.file(task), level, window, lambda: self.read(task.frame, window))

    def file(self, task: FilmTask) -> Path:
        """Where a frame's shard or a clip lies, or will."""
        if isinstance(task, ClipTask):
            return self.path / CLIPS / f"{self.recipe}-{self.plan.clip}" / str(task.first)
        return self.path / "0" / "c" / str(task.frame) / "0" / str(task.row) / str(task.col)

    @cached_property
    def _frames(self) -> Any:
        return zarr.open_array(LocalStore(self.path, read_only=True), path="0", mode="r")


def _named(timeline: Timeline) -> tuple[str, int, int]:
    output = timeline.base.output
    return timeline.fingerprint, output.tile, output.shard


def refuse_foreign_film(path: Path) -> None:
    """Raise StoreError unless all in a folder is of a film store's making."""
    folder = re.compile(rf"0(/c(/\d+(/0(/\d+)?)?)?)?|{CLIPS}(/{_KIND.pattern})?")
    file = re.compile(
        rf"zarr\.json|0/zarr\.json|[\w-]+\.safetensors|\{LOCK}|0/c/\d+/0/\d+/\d+|"
        rf"{CLIPS}/{_KIND.pattern}/\d+(\{checksums.CHECKSUM})?"
    )
    check_safe_to_overwrite(path, folder, file)


def film_plan(timeline: Timeline, clip: int | None) -> FilmPlan:
    base = timeline.base
    return FilmPlan(Plan.of(base.canvas, base.output, timeline.channels), timeline.frames, clip)


def _kinds(path: Path) -> list[str]:
    """The folders of clips in a store."""
    return [f.name for f in Path(path, CLIPS).glob("*") if _KIND.fullmatch(f.name)]


def _frames_of(plan: FilmPlan, dtype: str) -> ArraySpec:
    level = plan.still.levels[0]
    shape = (plan.frames, plan.still.channels, level.height, level.width)
    return ArraySpec("0", shape, level, dtype)


def _ome(timeline: Timeline, plan: FilmPlan, name: str) -> dict[str, Any]:
    return film_multiscales(plan.still, timeline.base.output.dtype, name, timeline.time(1))
