"""Outputs are built under a temporary name, take their place whole, and spare other files."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tilecppn import disk
from tilecppn.errors import ExportError


def refuse_foreign(path: Path, ours: Callable[[Path], bool]) -> None:
    """Raise ExportError if `path` is there and not `ours`; nothing is touched."""
    if why := disk.obstacle(path):
        raise ExportError(f"{path}: {why}; choose another path")
    if path.is_symlink():
        raise ExportError(f"{path}: is a symbolic link; choose another path")
    if path.exists() and not ours(path):
        raise ExportError(
            f"{path}: is there already and was not made by tilecppn; choose another path"
        )


@contextlib.contextmanager
def placed(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """A new empty file or folder that becomes `path` at the end of the block.

    What was at `path` goes then; on an error the new one does. Those that killed processes
    left behind go first. A file, and the name of either, outlives a power cut from then on; what
    is in a folder is for the block to see to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in disk.leftovers(path):
        if disk.abandoned(leftover):
            _remove(leftover)
    temporary = disk.partial(path)
    if folder:
        temporary.mkdir()
    else:
        temporary.touch()
    try:
        with disk.in_use(temporary):
            yield temporary
        if not folder:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        old = disk.partial(path)
        if path.is_dir():
            os.rename(path, old)
        os.replace(temporary, path)
        with contextlib.suppress(OSError):  # a disk that knows no such thing
            disk.settle_names(path.parent)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
