"""The interface to the files of a store, whether on a disk or in a bucket."""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from re import Pattern
from typing import Any, NamedTuple, Protocol

from tilecppn.formatting import format_bytes

UNFINISHED = "unfinished"  # the only key of our attribute while a bucket's store is created
Files = Mapping[str, bytes]  # name in the store, as "0/zarr.json" → contents
Put = Callable[[str, bytes], None]  # writes a file: name, contents


class FreeSpace(NamedTuple):
    """Free space for new files, in bytes and files, infinite in a bucket; block: of a disk."""

    folder: Path  # that holds, or would hold them
    bytes: float
    files: float = math.inf
    block: int = 1

    def taken(self, files: int, bytes: float) -> float:
        """Return what files of so many bytes take: the last block of each is half empty."""
        return max(bytes + files * self.block / 2, files * self.block)

    def shortage(self, files: int, bytes: float) -> str | None:
        """Return what is free if it is too little for these files and bytes; None if it is not."""
        if files > self.files:
            return f"{self.files:,} files free at {self.folder}"
        return str(self) if bytes > self.bytes else None

    def __str__(self) -> str:
        """Describe it: `1.5 GB free at /data`."""
        free = "" if math.isinf(self.bytes) else f"{format_bytes(self.bytes)} free "
        return f"{free}{'at' if free else 'in'} {self.folder}"


class FileStorage(Protocol):
    """The files of a store or an export, by their names below its path, as "0/c/0/3/4".

    Methods raise OSError, whose errno says whether another attempt may help, and
    FileNotFoundError for a missing file.
    """

    path: Path

    def get(self, name: str, most: int | None = None) -> bytes:
        """Read a file. Raises UnsuitableFileError if it has more than `most` bytes."""

    def crc32c(self, name: str) -> str:
        """Return the CRC-32C of a file, reading it piece by piece.

        Raises UnsuitableFileError for anything but a regular file, and RenderError if a bucket
        could not be reached in several attempts.
        """

    def crc32cs(self, names: Sequence[str]) -> list[str]:
        """Return the `crc32c` of each of several files."""

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name."""

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes; None if it is missing."""

    def names(self) -> list[str]:
        """Return the names of the files directly in the folder; none if it is missing."""

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Iterate over the name and size in bytes of every file; none if the folder is missing."""

    def put(self, name: str, data: bytes) -> None:
        """Write or overwrite a file, not atomically: nobody may be reading it yet."""

    def writing(self) -> AbstractContextManager[Put]:
        """Open a block that gives a function like `put`; its files are all written at the end."""

    def take(self, name: str, file: Path) -> None:
        """Store a local file, made in a `workplace`, under this name, atomically."""

    def delete(self, name: str) -> None:
        """Delete a file, if it exists."""

    def free_space(self) -> FreeSpace:
        """Return what is free where the files are, or would be."""


class ObjectStorage(FileStorage, Protocol):
    """The files of one store; a file is either complete or missing.

    `empty` is the file of a shard without tiles, marked with its store's generation: in a bucket
    it stands as a placeholder for a missing shard.
    """

    def get_tail(self, name: str, size: int) -> bytes:
        """Read the last `size` bytes of a file, or all if it has fewer."""

    def get_range(self, name: str, start: int, size: int) -> bytes:
        """Read a range of a file; past its end fewer bytes, or an OSError from a bucket."""

    def has_shard(self, name: str, empty: bytes) -> bool:
        """Return whether a shard exists; a placeholder or an empty file does not count."""

    def shards(self, folder: str, empty: bytes) -> Iterator[tuple[int, int]]:
        """Iterate over the (row, column) of the shards in a folder, by listing it."""

    def put_shard(self, name: str, data: bytes, empty: bytes, *, lasting: bool = True) -> None:
        """Write a shard. Writing the same bytes again is allowed.

        lasting: the shard survives a power cut. Raises StoreError if another store has replaced
        this one.
        """

    def sync(self, folders: Iterable[str]) -> None:
        """Sync the entries of these folders and of their parents, to survive a power cut."""

    def delete_shard(self, name: str, empty: bytes) -> None:
        """Delete a shard, if it exists."""

    def file_id(self, name: str) -> Hashable | None:
        """Return a value that changes when the file is replaced; None if it is missing."""

    def zarr(self) -> Any:
        """Return a read-only zarr-python store of these files."""

    # Only for the holder of the lock

    def lock(self) -> AbstractContextManager[None]:
        """Hold the store's lock for the block; remove leftovers of killed writers before and after.

        Raises StoreError if another process has it.
        """

    def replace(self, files: Files) -> None:
        """Write files, replacing whatever has their names."""

    def create(
        self, files: Files, shards: Iterable[tuple[str, bytes]], *, overwrite: bool
    ) -> AbstractContextManager[None]:
        """Create a store of these files atomically, and hold its lock for the block.

        shards: the name and placeholder of every shard it will have. overwrite: replace an
        existing tilecppn store, whose lock the caller holds. Raises StoreError if anything else
        is there.
        """

    def reserve(self, shards: Iterable[tuple[str, bytes]]) -> None:
        """Write placeholders for missing shards, given as (name, placeholder), if needed."""

    def new_generation(self) -> str:
        """Return a mark in hex that tells a new store from an earlier one; "" if not needed."""

    def why_not_a_store(self, *, reading: bool) -> str:
        """Describe what is there instead of a store, and the remedy; reading: it is to be read."""

    def is_free(self) -> bool:
        """Return whether a store can be created: nothing is there, or an empty folder.

        Raises StoreError for a path that cannot hold a store.
        """

    def find_foreign(self, folder: Pattern[str], file: Pattern[str]) -> str | None:
        """Return a folder or file that does not match its pattern; None if all do but leftovers."""
