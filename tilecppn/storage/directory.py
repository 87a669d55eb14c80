"""The folder of a store: recognised, built whole, locked, and its files told from leftovers."""

import contextlib
import errno
import os
import re
import shutil
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tilecppn import filesystem
from tilecppn.errors import StoreError
from tilecppn.kernels import Arithmetic
from tilecppn.plan import TaskGraph
from tilecppn.storage import identity, locks
from tilecppn.storage.identity import DESCRIPTION, attributes, lock_file
from tilecppn.storage.zarr_format import ArraySpec, invalid_metadata, write_array_metadata
from tilecppn.version import VERSION

TAKEN = "another process has put something there"
LISTED = 3  # differences named in one error


def is_written(file: Path) -> bool:
    """Whether a shard's file is there."""
    try:
        status = file.stat()
    except OSError:
        return False
    # An empty file is what a power cut can leave; zarr would read it as black.
    return stat.S_ISREG(status.st_mode) and status.st_size > 0


class StoreDirectory(ABC):
    """A store of a still or of a film, as a run fills it: one file for each task that is done.

    Attributes: path; plan; arithmetic; record, our attribute of its group; networks, the bytes of
    its weights files by name.
    """

    plan: TaskGraph
    arithmetic: Arithmetic
    networks: Mapping[str, bytes]

    def __init__(self, path: Path) -> None:
        """Find a store. Raises StoreError if there is none of ours."""
        if filesystem.is_address(path):
            raise StoreError(f"{path}: {filesystem.NO_ADDRESSES}; give a path on a disk")
        self.path = path
        self._found = filesystem.identity(path / DESCRIPTION)
        group = identity.group(path)
        if group is None:
            raise StoreError(not_a_store(path, reading=True))
        self._group = group
        self.record = group["attributes"][identity.ATTRIBUTE]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def check_in_place(self) -> None:
        """Raise StoreError if the path leads to another store by now, or to none.

        Another of the same picture, layout and arithmetic may be there: its shards are the same.
        """
        found = filesystem.identity(self.path / DESCRIPTION)
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
    def file(self, task: Any, /) -> Path:
        """Where the file of a task of `plan` lies, or will."""

    @abstractmethod
    def damage(self, task: Any, /) -> str | None:
        """What is wrong with a task's file: "missing", "damaged", or None."""

    def has(self, task: Any, /) -> bool:
        """Whether a task is done."""
        return is_written(self.file(task))

    def delete(self, task: Any, /) -> None:
        """Delete a task's file, if it is there. Raises StoreError if the store was moved."""
        self.check_in_place()
        filesystem.remove(self.file(task))  # also what is no file, which damage may have put there

    @abstractmethod
    def multiscales(self, name: str) -> dict[str, Any]:
        """What the `ome` attribute of its group must say, of an image of that name."""

    def invalid_metadata(self) -> list[str]:
        """The files, but those of tasks, that are missing, damaged, or wrong: zarr.json and copies.

        Others could not read the store so, or its last sound copy is left.
        """
        group = identity.repaired_group(self.path, self._group, self.multiscales)
        return [
            *([DESCRIPTION] if group is not None else []),
            *identity.damaged_files(self.path, self._identity()),
            *(f"{spec.name}/{DESCRIPTION}" for spec in invalid_metadata(self.path, self.arrays())),
        ]

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

    def _describe(self) -> None:
        group = identity.repaired_group(self.path, self._group, self.multiscales)
        if group is not None:
            identity.put(self.path / DESCRIPTION, group)
        files = self._identity()
        for name in identity.damaged_files(self.path, files):
            identity.put(self.path / name, files[name])
        write_array_metadata(self.path, self.arrays())

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """The right to write; StoreError at once if another process has it.

        Sweeps leftovers before and after, and describes the arrays anew where that is needed.
        Raises StoreError, too, if a folder in the store is a symbolic link.
        """
        with lock(self.path):
            self.check_in_place()
            filesystem.sweep(self.path)
            self._describe()
            with _swept(self.path):
                yield


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """The right to write into the store at `path`; StoreError at once if another process has it.

    Raises StoreError, too, if a folder in the store is a symbolic link.
    """
    for folder in (found for found in path.iterdir() if identity.FOLDER_NAME.fullmatch(found.name)):
        if link := filesystem.linked_folder(folder):
            raise StoreError(
                f"{link}: is a symbolic link, through which nothing is written; put the folder "
                "that it leads to in its place"
            )
    file = lock_file(path)
    if not file.parent.is_dir():  # damaged
        filesystem.remove(file.parent)
        file.parent.mkdir()
    with locks.locked(file, str(path)):
        yield


@contextlib.contextmanager
def create_directory(
    path: Path, write: Callable[[Path], None], *, overwrite: bool
) -> Iterator[None]:
    """A new folder at `path`, filled by `write`, whole or not at all, with its lock held.

    `overwrite` replaces a store of ours, whose lock the caller holds. Raises StoreError if
    something else is there, or comes there meanwhile.
    """
    if why := filesystem.obstacle(path):
        raise StoreError(f"{path}: {why}; choose another path")
    temporary, old = filesystem.temporary_path(path), filesystem.temporary_path(path)
    # A lock is on the file, not on its name: taken here, it is held when the store appears.
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep_beside(path)
            lock_file(temporary).parent.mkdir(parents=True)
            stack.enter_context(locks.locked(lock_file(temporary), str(path)))
            write(temporary)
            filesystem.fsync_tree(temporary)
            if overwrite and is_store(path):
                if not locks.holds_lock(lock_file(path)):
                    raise StoreError(f"{path}: {TAKEN}")
                os.rename(path, old)
            _name(temporary, path)
        except BaseException as error:
            shutil.rmtree(temporary, ignore_errors=True)
            with contextlib.suppress(OSError):  # somebody has the name: what went wrong is more
                if old.exists():
                    os.rename(old, path)
            if not isinstance(error, OSError):
                raise
            raise StoreError(f"{path}: cannot be made: {error.strerror or error}") from error
        filesystem.fsync_directory(path.parent)
        shutil.rmtree(old, ignore_errors=True)
        with _swept(path):
            yield


@contextlib.contextmanager
def _swept(path: Path) -> Iterator[None]:
    """At the end the leftovers of killed workers go, if the store there is still the locked one."""
    try:
        yield
    finally:
        if locks.holds_lock(lock_file(path)):
            filesystem.sweep(path)


def _name(folder: Path, path: Path) -> None:
    """Rename a folder; StoreError where something is by now, unless an empty folder."""
    try:
        os.rename(folder, path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise StoreError(f"{path}: {TAKEN}") from error
        raise


def is_store(path: Path) -> bool:
    """Whether `path` is a store of ours; False where nothing is, or an empty folder.

    Raises StoreError for anything else: a file, a symbolic link, another program's folder.
    """
    if filesystem.is_address(path):
        raise StoreError(f"{path}: {filesystem.NO_ADDRESSES}; give a path on a disk")
    if path.is_symlink():
        raise StoreError(f"{path}: is a symbolic link; give the folder it leads to")
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        if not path.name:
            raise StoreError(f"{path}: names no store; give a name, as in poster.zarr")
        return False
    if attributes(path) is None:
        raise StoreError(not_a_store(path))
    return True


def check_safe_to_overwrite(path: Path, folder: re.Pattern[str], file: re.Pattern[str]) -> None:
    """Raise StoreError unless all below `path`, but leftovers, is a folder or a file so named."""
    for root, folders, files in os.walk(path):
        for name in [*folders, *files]:
            found = Path(root, name)
            pattern = folder if name in folders and not found.is_symlink() else file
            inner = found.relative_to(path).as_posix()
            if not pattern.fullmatch(inner) and not filesystem.is_temporary(name):
                raise StoreError(
                    f"{path}: holds {inner}, which tilecppn did not write; "
                    "nothing was deleted; move it away, or choose another path"
                )


def not_a_store(path: Path, *, reading: bool = False) -> str:
    """Say that `path` is not a store, and what to do: other words for one that is to be read."""
    if not path.exists():
        return f"{path}: no such store"
    if reading and path.is_file() and path.suffix == ".toml":
        store = path.with_suffix(".zarr")
        return f"{path} is a scene; render it first: tilecppn render {path} -o {store}"
    if reading and path.is_file():
        return f"{path}: is a file, not a store of tilecppn"
    if reading and (path / "0" / DESCRIPTION).is_file():
        return (
            f"{path}: its zarr.json is damaged, or it is another program's; if it is a store of "
            f"tilecppn, give its scene: tilecppn verify {path} --repair --scene SCENE"
        )
    if not path.is_dir():
        return f"{path}: is a file, not a store of tilecppn; choose another path"
    return (
        f"{path}: a folder that is no store of tilecppn; nothing was touched; choose another path"
    )


def sweep_beside(path: Path) -> None:
    """Remove stores that killed processes left unfinished beside `path`."""
    for leftover in filesystem.leftovers(path):
        # Whoever is still building one holds its lock, or is about to take it in folders without a
        # file. Of one whose removal was cut short the lock may be gone.
        with contextlib.suppress(StoreError, OSError), contextlib.ExitStack() as stack:
            if lock_file(leftover).is_file():
                stack.enter_context(locks.locked(lock_file(leftover), str(path)))
            if any(names for _, _, names in os.walk(leftover)):
                shutil.rmtree(leftover, ignore_errors=True)
