"""The base class of stores of stills and films, and the checks before one is written."""

import contextlib
import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import RenderError, StoreError
from tilecppn.idle_threads import Share, alone
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Level, TaskGraph
from tilecppn.storage import metadata
from tilecppn.storage.metadata import attributes, check_outside_stores
from tilecppn.storage.names import DESCRIPTION
from tilecppn.storage.objects import UNFINISHED, Files, ObjectStorage
from tilecppn.storage.places import storage_of
from tilecppn.storage.shard_file import ShardFile, empty_shard, encode_shard
from tilecppn.storage.zarr_format import ArraySpec, array_files, invalid_metadata
from tilecppn.version import VERSION

LISTED = 3  # differences named in one error


class BaseStore(ABC):
    """A store of a still or of a film: one file for each finished task.

    Attributes: path; storage, its files; plan; arithmetic; record, the `tilecppn` attribute of its
    group; networks, the bytes of its weights files by name; channels and dtype of its pixels;
    lasting, whether a shard survives a power cut once it is written.
    """

    plan: TaskGraph
    arithmetic: Arithmetic
    networks: Mapping[str, bytes]
    channels: int
    dtype: str
    lasting = True

    def __init__(self, path: Path) -> None:
        """Open a store. Raises StoreError if there is no tilecppn store at the path."""
        self.path = path
        self.storage: ObjectStorage = storage_of(path)
        self._written: set[str] = set()  # folders with new files
        self._found = self.storage.file_id(DESCRIPTION)
        group = metadata.group(self.storage)
        if group is None:
            raise StoreError(not_a_store(path, reading=True))
        self._group = group
        self.record = group["attributes"][metadata.ATTRIBUTE]
        if UNFINISHED in self.record:
            raise StoreError(
                f"{path}: was not finished when it was made; run tilecppn render again"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __fspath__(self) -> str:
        """Return its path, so that functions that take a store's path also take the store."""
        return str(self.path)

    def for_thread(self) -> Self:
        """Return this store for another thread, with a storage of its own."""
        other = copy.copy(self)
        other.storage = storage_of(self.path)
        return other

    def check_in_place(self) -> None:
        """Raise StoreError if the store at the path was moved, removed or replaced.

        A store with the same metadata is accepted, since its shards are the same.
        """
        found = self.storage.file_id(DESCRIPTION)
        if found == self._found:
            return
        # Some network disks change a file's inode number, so the contents decide.
        if attributes(self.path) != self.record:
            raise StoreError(
                f"{self.path}: was moved, removed or replaced while it was in use; nothing was "
                "written to what is there now"
            )
        self._found = found

    def check_read(self) -> None:
        """Raise RenderError if another store may have been read, which would mix two pictures."""
        try:
            self.check_in_place()
        except StoreError:
            raise RenderError(
                f"{self.path}: was moved, removed or replaced while it was read; run the command "
                "again"
            ) from None

    @abstractmethod
    def arrays(self) -> list[ArraySpec]:
        """Return its arrays, as each one's zarr.json must describe them."""

    @abstractmethod
    def check(self, picture: Any, /) -> None:
        """Raise StoreError, saying what differs, unless the store holds this scene or film."""

    @abstractmethod
    def name(self, task: Any, /) -> str:
        """Return the name of a task's file in the store."""

    def file(self, task: Any, /) -> Path:
        """Return the path of a task's file, whether or not it exists."""
        return self.path / self.name(task)

    @abstractmethod
    def level(self, task: Any, /) -> Level:
        """Return the level that a task's shard belongs to."""

    def empty(self, task: Any, /) -> bytes:
        """Return the placeholder for a task's missing shard, used in buckets."""
        return empty_shard(self.level(task), self.generation)

    def shard_file(self, task: Any, /) -> ShardFile:
        """Return the file of a task's shard, for reading."""
        empty, dtype = self.empty(task), np.dtype(self.dtype)
        return ShardFile(
            self.storage, self.name(task), self.level(task), self.channels, dtype, empty
        )

    def write(self, task: Any, pixels: NDArray[Any], /, share: Share = alone) -> int:
        """Store a shard's pixels (channels, height, width); return the bytes written.

        Raises StoreError if the store was moved, removed or replaced since it was opened.
        """
        data = encode_shard(pixels, self.level(task), share)
        self.check_in_place()
        self.storage.put_shard(self.name(task), data, self.empty(task), lasting=self.lasting)
        return len(data)

    @abstractmethod
    def damage(self, task: Any, /) -> str | None:
        """Return what is wrong with a task's file: "missing", "damaged", or None."""

    @property
    def generation(self) -> str:
        """The mark, in hex, that tells this store from an earlier one; "" on a disk."""
        return str(self.record.get("generation", ""))

    def has(self, task: Any, /) -> bool:
        """Return whether a task is done."""
        return self.storage.has_shard(self.name(task), self.empty(task))

    def note_written(self, task: Any, /) -> None:
        """Remember that a worker has written a task's file, for `sync`."""
        self._written.add(self.name(task).rpartition("/")[0])

    def sync(self) -> None:
        """Sync the folders of files that workers wrote, to survive a power cut."""
        self.storage.sync(self._written)

    def why_gone(self, task: Any, /) -> None:
        """Return None: a run with a single store cannot go on without it."""
        return

    def delete(self, task: Any, /) -> None:
        """Delete a task's file, if it exists. Raises StoreError if the store was moved."""
        self.check_in_place()
        self.storage.delete_shard(self.name(task), self.empty(task))

    @classmethod
    @abstractmethod
    def initial_contents(cls, path: Path, picture: Any, arithmetic: Arithmetic, /) -> "NewStore":
        """Return what a store of a scene or film at `path` holds before its first shard."""

    @classmethod
    def rewrite(cls, path: Path, picture: Any, arithmetic: Arithmetic) -> None:
        """Rewrite everything but the shards of the store at `path`, which hold that picture.

        Raises StoreError if the store is being rendered.
        """
        new, storage = cls.initial_contents(path, picture, arithmetic), storage_of(path)
        with storage.lock():
            kept = metadata.attributes(path) or {}
            generation = str(kept.get("generation") or storage.new_generation())
            storage.replace(metadata.all_files(new.group(generation), new.networks))
            storage.replace(invalid_metadata(storage, new.arrays))
            storage.reserve(new.empty_shards(generation))

    def invalid_metadata(self) -> list[str]:
        """Return the metadata files, zarr.json and copies, that are missing, damaged or wrong.

        Without them other programs cannot read the store, or only one intact copy is left.
        """
        return list(self._repaired_metadata())

    def _repaired_metadata(self) -> dict[str, bytes]:
        """Return the right contents of the files that `invalid_metadata` names."""
        group = metadata.repaired_group(self.storage, self._group)
        copies = self._copies()
        return {
            **({} if group is None else {DESCRIPTION: group}),
            **{name: copies[name] for name in metadata.damaged_files(self.storage, copies)},
            **invalid_metadata(self.storage, self.arrays()),
        }

    def _copies(self) -> dict[str, bytes]:
        """Return the right contents of the files beside the group's zarr.json."""
        return metadata.files(self._group, self.networks)

    def check_arithmetic(self, arithmetic: Arithmetic) -> None:
        """Raise StoreError, saying what differs, unless the store was begun with `arithmetic`."""
        pairs = zip(Arithmetic._fields, self.arithmetic, arithmetic, strict=True)
        differences = [f"{name}: {a} there, {b} here" for name, a, b in pairs if a != b]
        if differences:
            began = self.record.get("version")
            other = "" if began in (None, VERSION) else f" (pip install tilecppn=={began})"
            raise StoreError(
                f"{self.path}: was begun by tilecppn {began or 'of an unknown version'} with "
                f"another arithmetic: {'; '.join(differences)}. Render with the version{other} and "
                "on the kind of device that began it, or --overwrite"
            )

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the store's lock for the block. Raises StoreError if another process has it.

        Removes leftovers before and after, and repairs damaged metadata. Raises StoreError, too,
        if a folder in the store is a symbolic link.
        """
        with self.storage.lock():
            self.check_in_place()
            self.storage.replace(self._repaired_metadata())
            yield


class NewStore(NamedTuple):
    """The contents of a store before its first shard.

    record: the `tilecppn` attribute of its group. ome: its `ome` attribute. networks: the bytes of
    its weights files by name. empty_shards: gives the name and placeholder of each shard, for a
    generation.
    """

    record: Mapping[str, Any]
    ome: Mapping[str, Any]
    networks: Mapping[str, bytes]
    arrays: list[ArraySpec]
    empty_shards: Callable[[str], Iterable[tuple[str, bytes]]]

    def group(self, generation: str) -> metadata.Record:
        """Return the group's metadata."""
        generations = {"generation": generation} if generation else {}
        return metadata.seal(self.ome, {**self.record, **generations}, self.networks)


def create_store(
    path: Path, new: NewStore, *, overwrite: bool, more: Files | None = None
) -> contextlib.AbstractContextManager[None]:
    """Create a store atomically, and hold its lock for the block.

    more: further files. overwrite: replace an existing tilecppn store, whose lock the caller holds.
    Raises StoreError if anything else is there.
    """
    storage = storage_of(path)
    generation = storage.new_generation()
    files = {
        **metadata.all_files(new.group(generation), new.networks),
        **array_files(new.arrays),
        **(more or {}),
    }
    shards = new.empty_shards(generation)
    return storage.create(files, shards, overwrite=overwrite)


def is_store(path: Path) -> bool:
    """Return whether `path` is a tilecppn store; False if nothing is there, or an empty folder.

    Raises StoreError for anything else: a file, a symbolic link, another program's folder, a bucket
    to which access is denied, or a path inside a store.
    """
    if storage_of(path).is_free():
        check_outside_stores(path)
        return False
    if attributes(path) is None:
        raise StoreError(not_a_store(path))
    return True


def check_safe_to_overwrite(
    storage: ObjectStorage, folder: re.Pattern[str], file: re.Pattern[str]
) -> None:
    """Raise StoreError if a store holds a folder or file, leftovers aside, that does not match."""
    if (inner := storage.find_foreign(folder, file)) is not None:
        raise StoreError(
            f"{storage.path}: holds {inner}, which tilecppn did not write; "
            "nothing was deleted; move it away, or choose another path"
        )


def not_a_store(path: Path, *, reading: bool = False) -> str:
    """Return an error text that `path` is no store, and the remedy; reading: it is to be read."""
    return storage_of(path).why_not_a_store(reading=reading)
