"""A store as a run fills it, on a disk or in a bucket: recognised, described, locked."""

import contextlib
import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import StoreError
from tilecppn.idle_threads import Share, alone
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Level, TaskGraph
from tilecppn.storage import identity
from tilecppn.storage.identity import attributes, check_outside_stores
from tilecppn.storage.names import DESCRIPTION
from tilecppn.storage.objects import UNFINISHED, Files, ObjectStorage
from tilecppn.storage.places import storage_of
from tilecppn.storage.shard_file import ShardFile, empty_shard, encode_shard
from tilecppn.storage.zarr_format import ArraySpec, array_files, invalid_metadata
from tilecppn.version import VERSION

LISTED = 3  # differences named in one error


class StoreDirectory(ABC):
    """A store of a still or of a film, as a run fills it: one file for each task that is done.

    Attributes: path; storage, its files; plan; arithmetic; record, our attribute of its group;
    networks, the bytes of its weights files by name; channels and dtype of its pixels; lasting,
    whether a shard outlives a power cut once it is written.
    """

    plan: TaskGraph
    arithmetic: Arithmetic
    networks: Mapping[str, bytes]
    channels: int
    dtype: str
    lasting = True

    def __init__(self, path: Path) -> None:
        """Find a store. Raises StoreError if there is none of ours."""
        self.path = path
        self.storage: ObjectStorage = storage_of(path)
        self._written: set[str] = set()  # folders that have new names
        self._found = self.storage.identity(DESCRIPTION)
        group = identity.group(self.storage)
        if group is None:
            raise StoreError(not_a_store(path, reading=True))
        self._group = group
        self.record = group["attributes"][identity.ATTRIBUTE]
        if UNFINISHED in self.record:
            raise StoreError(
                f"{path}: was not finished when it was made; run tilecppn render again"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def for_thread(self) -> Self:
        """The same store for another thread: what talks to a bucket belongs to one."""
        other = copy.copy(self)
        other.storage = storage_of(self.path)
        return other

    def check_in_place(self) -> None:
        """Raise StoreError if the path leads to another store by now, or to none.

        Another of the same picture, layout and arithmetic may be there: its shards are the same.
        """
        found = self.storage.identity(DESCRIPTION)
        if found == self._found:
            return
        # Some network disks number a file anew; what it says decides.
        if attributes(self.path) != self.record:
            raise StoreError(
                f"{self.path}: was moved, removed or replaced while it was in use; nothing was "
                "written to what is there now"
            )
        self._found = found

    @abstractmethod
    def arrays(self) -> list[ArraySpec]:
        """What its arrays are, as each one's zarr.json must say."""

    @abstractmethod
    def check(self, picture: Any, /) -> None:
        """Raise StoreError, saying what differs, unless the store is of this scene or film."""

    @abstractmethod
    def name(self, task: Any, /) -> str:
        """The name in the store of the file of a task of `plan`."""

    def file(self, task: Any, /) -> Path:
        """Where the file of a task of `plan` lies, or will."""
        return self.path / self.name(task)

    @abstractmethod
    def level(self, task: Any, /) -> Level:
        """The level that a task's shard belongs to."""

    def empty(self, task: Any, /) -> bytes:
        """What a bucket keeps in the place of a task's missing shard."""
        return empty_shard(self.level(task), self.generation)

    def shard_file(self, task: Any, /) -> ShardFile:
        """The file of a task's shard, for reading."""
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
        """What is wrong with a task's file: "missing", "damaged", or None."""

    @property
    def generation(self) -> str:
        """What tells this store from another in its place, in hex; "" on a disk."""
        return str(self.record.get("generation", ""))

    def has(self, task: Any, /) -> bool:
        """Whether a task is done."""
        return self.storage.has_shard(self.name(task), self.empty(task))

    def note_written(self, task: Any, /) -> None:
        """Remember that a worker has written a task's file, for `sync`."""
        self._written.add(self.name(task).rpartition("/")[0])

    def sync(self) -> None:
        """Let the names of files that workers wrote outlive a power cut."""
        self.storage.sync(self._written)

    def why_gone(self, task: Any, /) -> None:
        """Return None: a run that has one store ends with it."""
        return

    def delete(self, task: Any, /) -> None:
        """Delete a task's file, if it is there. Raises StoreError if the store was moved."""
        self.check_in_place()
        self.storage.delete_shard(self.name(task), self.empty(task))

    @classmethod
    @abstractmethod
    def described(cls, path: Path, picture: Any, arithmetic: Arithmetic, /) -> "NewStore":
        """What a store of a scene or film at `path` holds before its first shard."""

    @classmethod
    def rewrite(cls, path: Path, picture: Any, arithmetic: Arithmetic) -> None:
        """Write anew all but the shards of the store at `path`, which are of that picture.

        Raises StoreError if the store is being rendered.
        """
        new, storage = cls.described(path, picture, arithmetic), storage_of(path)
        with storage.lock():
            kept = identity.attributes(path) or {}
            generation = str(kept.get("generation") or storage.new_generation())
            identity.write(storage, new.group(generation), new.networks)
            storage.replace(invalid_metadata(storage, new.arrays))
            storage.reserve(new.empty_shards(generation))

    @abstractmethod
    def multiscales(self, name: str) -> dict[str, Any]:
        """What the `ome` attribute of its group must say, of an image of that name."""

    def invalid_metadata(self) -> list[str]:
        """The files, but those of tasks, that are missing, damaged, or wrong: zarr.json and copies.

        Others could not read the store so, or its last sound copy is left.
        """
        return list(self._repaired_metadata())

    def _repaired_metadata(self) -> dict[str, bytes]:
        """What `invalid_metadata` names, as it must be."""
        group = identity.repaired_group(self.storage, self._group, self.multiscales)
        copies = self._identity()
        return {
            **({} if group is None else {DESCRIPTION: group}),
            **{name: copies[name] for name in identity.damaged_files(self.storage, copies)},
            **invalid_metadata(self.storage, self.arrays()),
        }

    def _identity(self) -> dict[str, bytes]:
        return identity.files(self._group, self.networks)

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
        """The right to write; StoreError at once if another process has it.

        Removes leftovers before and after, and describes the arrays anew where that is needed.
        Raises StoreError, too, if a folder in the store is a symbolic link.
        """
        with self.storage.lock():
            self.check_in_place()
            self.storage.replace(self._repaired_metadata())
            yield


class NewStore(NamedTuple):
    """What a store holds before its first shard.

    own: our attribute of its group. networks: the bytes of its weights files by name. empty_shards:
    gives the name of each shard, and what a bucket keeps in its place, for a generation.
    """

    own: Mapping[str, Any]
    ome: Mapping[str, Any]
    networks: Mapping[str, bytes]
    arrays: list[ArraySpec]
    empty_shards: Callable[[str], Iterable[tuple[str, bytes]]]

    def group(self, generation: str) -> identity.Record:
        """The group's metadata."""
        own = {**self.own, "generation": generation} if generation else self.own
        return identity.seal(self.ome, own, self.networks)


def create_store(
    path: Path, new: NewStore, *, overwrite: bool, more: Files | None = None
) -> contextlib.AbstractContextManager[None]:
    """Create a store, whole or not at all, and hold its lock for the block.

    more: further files. overwrite: replace a store of ours, whose lock the caller holds. Raises
    StoreError if something else is there.
    """
    storage = storage_of(path)
    generation = storage.new_generation()
    files = {
        **identity.all_files(new.group(generation), new.networks),
        **array_files(new.arrays),
        **(more or {}),
    }
    shards = new.empty_shards(generation)
    return storage.create(files, shards, overwrite=overwrite)


def is_store(path: Path) -> bool:
    """Whether `path` is a store of ours; False where nothing is, or an empty folder.

    Raises StoreError for anything else: a file, a symbolic link, another program's folder, a bucket
    to which access is denied, and a place within a store.
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
    """Raise StoreError unless all of a store, but leftovers, is a folder or a file so named."""
    if (inner := storage.find_foreign(folder, file)) is not None:
        raise StoreError(
            f"{storage.path}: holds {inner}, which tilecppn did not write; "
            "nothing was deleted; move it away, or choose another path"
        )


def not_a_store(path: Path, *, reading: bool = False) -> str:
    """Say that `path` is not a store, and what to do: other words for one that is to be read."""
    return storage_of(path).what_else(reading=reading)
