"""The files of a store, behind one interface: in a folder on a disk, or in a bucket."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from re import Pattern
from typing import Any, Protocol

UNFINISHED = "unfinished"  # the only key of our attribute while a store in a bucket is made
Files = Mapping[str, bytes]  # by their names in the store, as "0/zarr.json"
Put = Callable[[str, bytes], None]  # what writes a file of a name


class FileStorage(Protocol):
    """The files below a path, by name, as "0/c/0/3/4": of a store, or of an export.

    Methods raise OSError, whose errno says whether another attempt may help; FileNotFoundError
    for a file that is not there.
    """

    path: Path

    def get(self, name: str, most: int | None = None) -> bytes:
        """Read a file of at most so many bytes. Raises UnsuitableFileError for any other."""
        ...

    def crc32c(self, name: str) -> str:
        """The CRC-32C of a file, read piece by piece. Raises UnsuitableFileError for any other.

        Where only the way to a bucket failed, again and again, it raises RenderError.
        """
        ...

    def crc32cs(self, names: Sequence[str]) -> list[str]:
        """`crc32c` of each of many files."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def size(self, name: str) -> int | None:
        """The bytes of a file; None where there is none."""
        ...

    def names(self) -> list[str]:
        """What lies in the folder itself, but folders; none where no folder is."""
        ...

    def sizes(self) -> Iterator[tuple[str, int]]:
        """The name of every file, and its bytes; none where no folder is."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Write a file over any that is there; only one that nobody reads yet."""
        ...

    def writing(self) -> AbstractContextManager[Put]:
        """What writes many files, as `put` does; all are there at the end of the block."""
        ...

    def take(self, name: str, file: Path) -> None:
        """Give a file on a disk, made in a `workplace`, this name, whole, over what has it."""
        ...

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        ...


class ObjectStorage(FileStorage, Protocol):
    """The files of one store; each is whole or not there.

    `empty` is what a shard without a tile looks like, in which its store's generation is marked: a
    bucket keeps the place of a missing shard with it.
    """

    def get_tail(self, name: str, size: int) -> bytes:
        """Read the last bytes of a file; all where it has fewer."""
        ...

    def get_range(self, name: str, start: int, size: int) -> bytes:
        """Read bytes of a file; fewer, or an OSError in a bucket, where it ends before."""
        ...

    def has_shard(self, name: str, empty: bytes) -> bool:
        """Return whether a shard is there: no leftover, and not an empty one."""
        ...

    def shards(self, folder: str, empty: bytes) -> Iterator[tuple[int, int]]:
        """Row and column of the shards in the folders of a folder, from what they list."""
        ...

    def put_shard(self, name: str, data: bytes, empty: bytes, *, lasting: bool = True) -> None:
        """Write a shard, also where it is already there with the same bytes.

        lasting: it outlives a power cut. Raises StoreError if another store took this one's place.
        """
        ...

    def sync(self, folders: Iterable[str]) -> None:
        """Let the names in folders, and those above, outlive a power cut."""
        ...

    def delete_shard(self, name: str, empty: bytes) -> None:
        """Delete a shard, if it is there."""
        ...

    def identity(self, name: str) -> Hashable | None:
        """What tells a file from another that takes its name later; None where there is none."""
        ...

    def zarr(self) -> Any:
        """The store as zarr-python reads it."""
        ...

    # For the holder of the lock

    def lock(self) -> AbstractContextManager[None]:
        """Hold the right to write; leftovers of killed writers are removed before and after.

        Raises StoreError if another process has it.
        """
        ...

    def replace(self, files: Files) -> None:
        """Write files over whatever is there."""
        ...

    def create(
        self, files: Files, shards: Iterable[tuple[str, bytes]], *, overwrite: bool
    ) -> AbstractContextManager[None]:
        """Make a store of these files, whole or not at all, and hold its lock.

        shards: names of all shards it will have, each with its empty one. overwrite: replace a
        store of ours, whose lock the caller holds. Raises StoreError if something else is there.
        """
        ...

    def reserve(self, shards: Iterable[tuple[str, bytes]]) -> None:
        """Keep the places of shards that are missing, each with its empty one, where it must."""
        ...

    def new_generation(self) -> str:
        """What is to tell a new store from another in its place; "" where nothing has to."""
        ...

    def what_else(self, *, reading: bool) -> str:
        """Say what is there instead of a store, and what to do; reading: of one to be read."""
        ...

    def free_space(self) -> tuple[Path, float]:
        """The folder in which the store is or would be, and the bytes that are free there."""
        ...

    def is_free(self) -> bool:
        """Whether nothing is there, or an empty folder, so that a store can be created.

        Raises StoreError for a path that can hold none.
        """
        ...

    def find_foreign(self, folder: Pattern[str], file: Pattern[str]) -> str | None:
        """Return the name of a folder or file, leftovers aside, that is not named like these."""
        ...
