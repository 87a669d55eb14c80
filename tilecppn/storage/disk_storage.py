"""A store's folder on a disk: durable files, atomic creation, file locks."""

import contextlib
import errno
import math
import os
import re
import shutil
import stat
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from re import Pattern
from typing import Any

from tilecppn import filesystem
from tilecppn.addresses import is_address
from tilecppn.errors import StoreError
from tilecppn.storage import locks
from tilecppn.storage.crc32c import crc32c_of
from tilecppn.storage.names import DESCRIPTION, FOLDER_NAME, lock_file, unfinished
from tilecppn.storage.objects import Files, FreeSpace, ObjectStorage, Put

MAX_OFFSET = 2**62  # of a byte in a file
PIECE = 1 << 18  # bytes read at a time for a checksum
NUMBER = re.compile(r"0|[1-9]\d{0,11}")  # the name of a row's folder or a column's file


class DiskStorage(ObjectStorage):
    """An `ObjectStorage` in a folder, which needs no placeholders for missing shards."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str, most: int | None = None) -> bytes:
        file = self.path / name
        return file.read_bytes() if most is None else filesystem.read_bounded(file, most)

    def crc32c(self, name: str) -> str:
        """Return the CRC-32C of a regular file. Raises UnsuitableFileError for any other."""
        file = os.path.join(self.path, name)
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise filesystem.UnsuitableFileError(errno.EINVAL, "not a regular file", file)
        with open(file, "rb", buffering=0) as data:
            return crc32c_of(iter(partial(data.read, PIECE), b""))

    def crc32cs(self, names: Sequence[str]) -> list[str]:
        """Return the CRC-32C of files, one after another: threads would wait for Python's lock."""
        return [self.crc32c(name) for name in names]

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def names(self) -> list[str]:
        return next((files for _, _, files in os.walk(self.path)), [])

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield the name and size of every file; a symbolic link to a file counts as a file."""
        for root, _, files in os.walk(self.path):
            inner = os.path.relpath(root, self.path)
            for name in files:
                size = os.lstat(os.path.join(root, name)).st_size
                yield name if inner == os.curdir else os.path.join(inner, name), size

    def put(self, name: str, data: bytes) -> None:
        file = os.path.join(self.path, name)
        try:
            _write(file, data)
        except FileNotFoundError:
            if not os.path.isdir(self.path):  # as on a node that does not share the disk
                raise
            os.makedirs(os.path.dirname(file), exist_ok=True)
            _write(file, data)

    def writing(self) -> AbstractContextManager[Put]:
        """Give `put`: files are written one after another."""
        return nullcontext(self.put)

    def take(self, name: str, file: Path) -> None:
        """Rename a file of the same disk, durably."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        filesystem.fsync(file)
        if path.is_dir():
            filesystem.remove(path)
        os.replace(file, path)
        filesystem.fsync_directory(path.parent)

    def size(self, name: str) -> int | None:
        try:
            return (self.path / name).stat().st_size
        except filesystem.GONE:
            return None

    def delete(self, name: str) -> None:
        """Delete a file, or a folder of that name."""
        filesystem.remove(self.path / name)

    def get_tail(self, name: str, size: int) -> bytes:
        with (self.path / name).open("rb") as data:
            data.seek(-min(size, data.seek(0, os.SEEK_END)), os.SEEK_END)
            return data.read(size)

    def get_range(self, name: str, start: int, size: int) -> bytes:
        with (self.path / name).open("rb", buffering=0) as data:
            return os.pread(data.fileno(), size, min(start, MAX_OFFSET))

    def has_shard(self, name: str, empty: bytes) -> bool:
        """Return whether a shard's file exists and is not empty."""
        try:
            status = (self.path / name).stat()
        except OSError:
            return False
        # A power cut can leave an empty file; zarr would read it as black.
        return stat.S_ISREG(status.st_mode) and status.st_size > 0

    def shards(self, folder: str, empty: bytes) -> Iterator[tuple[int, int]]:
        with contextlib.suppress(FileNotFoundError):
            for row in _numbered(self.path / folder):
                for col, file in _numbered(self.path / folder / str(row)).items():
                    if file.stat().st_size > 0:
                        yield row, col

    def put_shard(self, name: str, data: bytes, empty: bytes, *, lasting: bool = True) -> None:
        filesystem.write_atomic(self.path / name, data, lasting)

    def sync(self, folders: Iterable[str]) -> None:
        """Sync the folders' entries: `put_shard` syncs the files only."""
        names = {n for folder in folders for n in (Path(folder), *Path(folder).parents)}
        filesystem.fsync_all(self.path / name for name in names)

    def delete_shard(self, name: str, empty: bytes) -> None:
        """Delete a shard's file, or a folder of that name, which damage may have left."""
        filesystem.remove(self.path / name)

    def file_id(self, name: str) -> Hashable | None:
        return filesystem.file_id(self.path / name)

    def zarr(self) -> Any:
        from zarr.storage import LocalStore

        return LocalStore(self.path, read_only=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the operating system's lock for the block; it is released if the process dies.

        Raises StoreError, too, if a folder in the store is a symbolic link.
        """
        folders = (f for f in self.path.iterdir() if FOLDER_NAME.fullmatch(f.name))
        for link in filter(None, map(filesystem.linked_folder, folders)):
            raise StoreError(
                f"{link}: is a symbolic link, through which nothing is written; put the folder "
                "that it leads to in its place"
            )
        file = lock_file(self.path)
        if not file.parent.is_dir():  # damaged
            filesystem.remove(file.parent)
            file.parent.mkdir()
        with locks.locked(file, str(self.path)):
            filesystem.sweep(self.path)
            with self._swept():
                yield

    def replace(self, files: Files) -> None:
        """Write files atomically, removing whatever else stands in their way."""
        for name, data in files.items():
            file = self.path / name
            if file.is_dir() or file.is_symlink():
                filesystem.remove(file)
            if not file.parent.is_dir():
                filesystem.remove(file.parent)
            filesystem.write_atomic(file, data)

    @contextlib.contextmanager
    def create(
        self, files: Files, shards: Iterable[tuple[str, bytes]], *, overwrite: bool
    ) -> Iterator[None]:
        """Fill a folder under a temporary name, then rename it."""
        path = self.path
        if why := filesystem.obstacle(path):
            raise StoreError(f"{path}: {why}; choose another path")
        temporary, old = filesystem.temporary_path(path), filesystem.temporary_path(path)
        # A lock is on the file, not on its name: taken now, it is held once the store is renamed.
        with contextlib.ExitStack() as stack:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                lock_file(temporary).parent.mkdir(parents=True)
                stack.enter_context(locks.locked(lock_file(temporary), str(path)))
                for name, data in files.items():
                    file = temporary / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(data)
                filesystem.fsync_tree(temporary)
                if overwrite and not self.is_free():
                    if not locks.holds_lock(lock_file(path)):
                        raise _taken(path)
                    os.rename(path, old)
                _name(temporary, path)
            except BaseException as error:
                shutil.rmtree(temporary, ignore_errors=True)
                with contextlib.suppress(OSError):  # the name is taken: the first error counts
                    if old.exists():
                        os.rename(old, path)
                if not isinstance(error, OSError):
                    raise
                raise StoreError(f"{path}: cannot be made: {error.strerror or error}") from error
            filesystem.fsync_directory(path.parent)
            shutil.rmtree(old, ignore_errors=True)
            with self._swept():
                yield

    def reserve(self, shards: Iterable[tuple[str, bytes]]) -> None:
        """Do nothing: late writers of an older store do not find its folder."""

    def new_generation(self) -> str:
        """Return "": a new folder has its own inode number."""
        return ""

    def why_not_a_store(self, *, reading: bool) -> str:
        path = self.path
        if not path.exists():
            return f"{path}: {unfinished(path) or 'no such store'}"
        if reading and path.is_file() and path.suffix == ".toml":
            store = path.with_suffix(".zarr")
            return f"{path} is a scene; render it first: tilecppn render {path} -o {store}"
        if reading and path.is_file():
            return f"{path}: is a file, not a store of tilecppn"
        if reading and (path / "0" / DESCRIPTION).is_file():
            return (
                f"{path}: its zarr.json is damaged, or it is another program's; if it is a store "
                f"of tilecppn, give its scene: tilecppn verify {path} --repair --scene SCENE"
            )
        if not path.is_dir():
            return f"{path}: is a file, not a store of tilecppn; choose another path"
        if reading:
            return f"{path}: is not a store; try tilecppn info {path}"
        return (
            f"{path}: a folder that is not a store of tilecppn; nothing was touched; choose "
            "another path"
        )

    def free_space(self) -> FreeSpace:
        whole = self.path.absolute()
        folder = next(path for path in (whole, *whole.parents) if path.is_dir())
        disk = os.statvfs(folder)
        files = disk.f_favail or math.inf  # some disks do not count files
        return FreeSpace(folder, disk.f_bavail * disk.f_frsize, files, disk.f_frsize)

    def is_free(self) -> bool:
        path = self.path
        if path.is_symlink():
            raise StoreError(f"{path}: is a symbolic link; give the folder it leads to")
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            return False
        if not path.name:
            raise StoreError(f"{path}: names no store; give a name, as in poster.zarr")
        return True

    def find_foreign(self, folder: Pattern[str], file: Pattern[str]) -> str | None:
        """Return a name that does not match, from all folders; a symbolic link counts as a file."""
        for root, folders, files in os.walk(self.path):
            for name in [*folders, *files]:
                found = Path(root, name)
                pattern = folder if name in folders and not found.is_symlink() else file
                inner = found.relative_to(self.path).as_posix()
                if not pattern.fullmatch(inner) and not filesystem.is_temporary(name):
                    return inner
        return None

    @contextlib.contextmanager
    def _swept(self) -> Iterator[None]:
        """Remove leftovers of killed workers at the end, if the locked store is still there."""
        try:
            yield
        finally:
            if locks.holds_lock(lock_file(self.path)):
                filesystem.sweep(self.path)


def _write(file: str, data: bytes) -> None:
    with filesystem.naming_file(file), open(file, "wb") as opened:
        opened.write(data)


def _numbered(folder: Path) -> dict[int, os.DirEntry[str]]:
    """Return the entries whose names are numbers, in ascending order."""
    with os.scandir(folder) as entries:
        found = {int(entry.name): entry for entry in entries if NUMBER.fullmatch(entry.name)}
    return dict(sorted(found.items()))


def _taken(path: Path) -> StoreError:
    """Return the error for a path that was free a moment ago."""
    if holder := locks.holder(lock_file(path)):
        return StoreError(
            f"{path}: another tilecppn ({holder}) has just begun to render into it; wait for its "
            "end, or choose another path"
        )
    return StoreError(f"{path}: another process has put something there; choose another path")


def _name(folder: Path, path: Path) -> None:
    """Rename a folder. Raises StoreError if `path` is there by now and is not an empty folder."""
    try:
        os.rename(folder, path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise _taken(path) from error
        raise


def sweep_beside(*paths: Path) -> None:
    """Remove stores that killed processes left unfinished beside paths; in buckets there are none.

    Each folder is listed once.
    """
    for leftover in filesystem.leftovers(*(path for path in paths if not is_address(path))):
        # A process that is still building a store holds its lock, or is about to take it in folders
        # without a file. If a removal was interrupted, the lock file may be missing.
        with contextlib.suppress(StoreError, OSError), contextlib.ExitStack() as stack:
            if lock_file(leftover).is_file():
                stack.enter_context(locks.locked(lock_file(leftover), str(leftover)))
            if any(names for _, _, names in os.walk(leftover)):
                shutil.rmtree(leftover, ignore_errors=True)
