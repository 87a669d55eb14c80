"""The store: a Zarr v3 group of sharded levels with OME-Zarr 0.5 metadata.

    OUT.zarr/zarr.json          multiscales; attribute `tilecppn`
    OUT.zarr/weights/           the network, so that the store renders anywhere on its own
    OUT.zarr/0/c/0/{row}/{col}  one shard, (c, y, x), written whole and atomically

`metadata.py` describes the files in weights/.

A shard that exists is done: the store itself records the progress of a run. `shard_file.py` reads
and writes shards, because zarr-python writes nothing for black, reads a missing shard as black, and
reads a damaged one before it replaces it, and so fails. zarr-python and other readers can read
them.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tilecppn.addresses import AnyPath, as_path
from tilecppn.errors import InvalidRequestError, StoreError
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Level, Plan, Shard, Window
from tilecppn.scene.scene import EMBEDDED, Scene
from tilecppn.scene.sections import LAYOUT
from tilecppn.storage import metadata
from tilecppn.storage.base_store import (
    LISTED,
    BaseStore,
    NewStore,
    check_safe_to_overwrite,
    create_store,
)
from tilecppn.storage.ome import multiscales
from tilecppn.storage.shard_file import ShardFile, empty_shard, read_window
from tilecppn.storage.zarr_format import ArraySpec, still_arrays


class Store(BaseStore):
    """A store opened for reading; the renderer also writes and deletes shards.

    A Store belongs to one thread. Attributes: path, scene, plan, arithmetic.
    """

    plan: Plan

    def __init__(self, path: AnyPath) -> None:
        """Open a store. Raises StoreError if there is none, or it is not a tilecppn store."""
        super().__init__(as_path(path))
        record = self.record
        if "timeline" in record:
            raise StoreError(
                f"{self.path}: holds a film, not a still; choose another path, or draw from it: "
                f"tilecppn animate {self.path} -o FILM.mp4, or preview --time"
            )
        try:
            text = record["scene"]
            self.arithmetic = Arithmetic(**record["arithmetic"])
            self.networks = metadata.networks(self.storage, record)
            embedded = self.networks[EMBEDDED]
            self.scene = Scene.parse(text, name=str(self.path), embedded=embedded)
        except (OSError, KeyError, TypeError, AttributeError, InvalidRequestError) as error:
            raise StoreError(f"{self.path}: its metadata is damaged ({error})") from error
        if record.get("fingerprint") != self.scene.fingerprint:
            raise StoreError(
                f"{self.path}: its scene or {EMBEDDED} is not the one that it was begun with"
            )
        self.plan = Plan.of(self.scene.canvas, self.scene.output, self.scene.channels)
        self.channels, self.dtype = self.plan.channels, self.scene.output.dtype

    def __repr__(self) -> str:
        width, height = self.plan.width, self.plan.height
        return f"Store({str(self.path)!r}, {width} × {height} {self.dtype})"

    @classmethod
    @contextlib.contextmanager
    def create(
        cls, path: Path, scene: Scene, arithmetic: Arithmetic, *, overwrite: bool = False
    ) -> Iterator["Store"]:
        """Create an empty store at `path` atomically, and hold its lock for the block.

        overwrite: replace an existing tilecppn store, whose lock the caller holds. Raises
        StoreError if anything else is there.
        """
        new = cls.initial_contents(path, scene, arithmetic)
        with create_store(path, new, overwrite=overwrite):
            yield cls(path)

    @classmethod
    def initial_contents(cls, path: Path, scene: Scene, arithmetic: Arithmetic) -> NewStore:
        plan = Plan.of(scene.canvas, scene.output, scene.channels)

        def empty_shards(generation: str) -> Iterator[tuple[str, bytes]]:
            for shard in plan.order():
                yield shard_name(shard), empty_shard(plan.levels[shard.level], generation)

        record = {
            "scene": scene.to_toml(),
            "fingerprint": scene.fingerprint,
            "arithmetic": arithmetic._asdict(),
        }
        dtype = scene.output.dtype
        ome = multiscales(plan, dtype, path.name.removesuffix(".zarr"))
        networks = {EMBEDDED: scene.cppn.to_bytes()}
        return NewStore(record, ome, networks, still_arrays(plan, dtype), empty_shards)

    def check_safe_to_overwrite(self) -> None:
        """Raise StoreError if the folder holds anything that is not part of a store."""
        known = "|".join(str(level.index) for level in self.plan.levels)
        folder = re.compile(rf"{metadata.FOLDERS}|({known})(/c(/0(/\d+)?)?)?")
        file = re.compile(rf"{metadata.FILES}|({known})/(zarr\.json|c/0/\d+/\d+)")
        check_safe_to_overwrite(self.storage, folder, file)

    def check(self, scene: Scene) -> None:
        if scene.fingerprint != self.scene.fingerprint:
            differences = self.scene.differences(scene) or ["the network's weights differ"]
        else:
            differences = [
                d for d in self.scene.differences(scene) if d.split(":")[0] in _LAYOUT_KEYS
            ]
        if differences:
            raise StoreError(
                f"{self.path}: holds another picture or layout: "
                + "; ".join(differences[:LISTED])
                + ("; …" if len(differences) > LISTED else "")
                + ". Choose another path, or --overwrite"
            )

    def arrays(self) -> list[ArraySpec]:
        return still_arrays(self.plan, self.dtype)

    # Shards

    def read(self, level: int, window: Window, *, partial: bool = False) -> NDArray[Any]:
        """Read the pixels (channels, height, width) of a window.

        Raises RenderError if a shard in it is missing, unless `partial`, where it reads as 0, or
        if one is damaged; InvalidRequestError for a level or a window that the store does not have.
        """
        if not 0 <= level < len(self.plan.levels):
            last = len(self.plan.levels) - 1
            raise InvalidRequestError(f"{self.path}: level {level}: its levels are 0 to {last}")

        def file(row: int, col: int) -> ShardFile:
            return self.shard_file(Shard(level, row, col))

        return read_window(file, self.plan.levels[level], window, partial=partial)

    def damage(self, shard: Shard) -> str | None:
        return self.shard_file(shard).fault(self.plan.window(shard))

    def is_whole(self) -> bool:
        """Return whether every shard of every level exists."""
        return all(self.has(shard) for shard in self.plan.order())

    def name(self, shard: Shard) -> str:
        return shard_name(shard)

    def level(self, shard: Shard) -> Level:
        return self.plan.levels[shard.level]

    def count_done(self, level: int) -> int:
        """Count the existing shards of a level, by listing them. Raises OSError."""
        return sum(1 for _ in self.stored(level))

    def stored(self, level: int) -> Iterator[Shard]:
        """Yield the existing shards of a level, by listing them. Raises OSError."""
        grid = self.plan.levels[level]
        empty = self.empty(Shard(level, 0, 0))
        for row, col in self.storage.shards(f"{level}/c/0", empty):
            if row < grid.rows and col < grid.cols:
                yield Shard(level, row, col)


def shard_name(shard: Shard) -> str:
    """Return the name of a shard's file in its store."""
    return f"{shard.level}/c/0/{shard.row}/{shard.col}"


_LAYOUT_KEYS = [f"output.{key}" for key in LAYOUT]
