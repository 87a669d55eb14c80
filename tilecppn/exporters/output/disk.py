"""Outputs on a disk: built under a temporary name in the same folder, and renamed at the end."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tilecppn import filesystem
from tilecppn.errors import ExportError
from tilecppn.exporters.output.destination import Destination
from tilecppn.storage import locks

_EXISTS = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)


class DiskDestination(Destination):
    """A path on a disk, with its lock file beside it."""

    def is_free(self, *, folder: bool) -> bool:
        path = self.path
        if why := filesystem.obstacle(path):
            raise ExportError(f"{path}: {why}; choose another path")
        if path.is_symlink():
            raise ExportError(f"{path}: is a symbolic link; choose another path")
        return not path.exists() or (folder and path.is_dir() and not any(path.iterdir()))

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        path = self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filesystem.temporary_name(path, "lock")
        with locks.locked(lock, str(path), transient=True):
            moved = filesystem.leftovers(self._away)
            if moved and not os.path.lexists(path):
                os.rename(moved.pop(), path)
            for leftover in [*moved, *filesystem.leftovers(path)]:
                filesystem.remove(leftover, ignore_errors=True)
            yield

    @contextlib.contextmanager
    def replacing(self, *, folder: bool) -> Iterator[Path]:
        temporary, before = filesystem.temporary_path(self.path), filesystem.file_id(self.path)
        if folder:
            temporary.mkdir()
        else:
            temporary.touch()
        try:
            yield temporary
            if not folder:
                filesystem.fsync(temporary)
            if filesystem.file_id(self.path) != before:
                raise self.taken()
            try:
                self._put(temporary)
            except OSError as error:
                if error.errno in _EXISTS:
                    raise self.taken() from error
                raise
            filesystem.fsync_directory(self.path.parent)
        except BaseException:
            filesystem.remove(temporary, ignore_errors=True)
            raise

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        if link := filesystem.linked_folder(self.path):
            raise ExportError(
                f"{link}: is a symbolic link, through which nothing is written; put what it leads "
                "to in its place"
            )
        temporary = filesystem.temporary_path(self.path)
        temporary.mkdir()
        try:
            yield temporary
        finally:
            filesystem.remove(temporary, ignore_errors=True)

    @contextlib.contextmanager
    def fetched(self) -> Iterator[Path]:
        yield self.path

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def _put(self, new: Path) -> None:
        """Give `new` this name, replacing what has it if there is anything."""
        if new.is_dir():
            if self.path.exists():
                self._replace_folder(new)
            else:
                os.rename(new, self.path)
        elif os.path.lexists(self.path):
            os.replace(new, self.path)
        else:
            try:
                os.link(new, self.path)  # unlike a rename, it fails if something has appeared
            except OSError as error:
                if error.errno in _EXISTS:
                    raise
                os.replace(new, self.path)  # for a disk without hard links
            else:
                new.unlink()

    def _replace_folder(self, new: Path) -> None:
        """Move the old folder away first: nothing can be renamed over a folder that is
        not empty.
        """
        old = filesystem.temporary_path(self._away)
        os.rename(self.path, old)
        try:
            os.rename(new, self.path)
        except BaseException:
            os.rename(old, self.path)
            raise
        shutil.rmtree(old, ignore_errors=True)

    @property
    def _away(self) -> Path:
        """The base of the temporary names under which a replaced folder is moved away."""
        return self.path.with_name(f"{self.path.name}~")
