"""Outputs are built under a temporary name, take their place whole, and spare other files."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tilecppn import filesystem
from tilecppn.errors import ExportError, RenderError
from tilecppn.storage import locks

CONTENTS = {  # what a file or folder of ours says that it holds, in words
    "still": "a still",
    "film": "a film",
    "frames": "the frames of a film",
    "dzi": "tiles for Deep Zoom",
    "iiif": "tiles for IIIF",
    "xyz": "tiles for XYZ",
    "zoomify": "tiles for Zoomify",
}


def check_safe_to_overwrite(path: Path, ours: Callable[[Path], bool]) -> None:
    """Raise ExportError if `path` is there and not `ours`; nothing is touched."""
    if why := filesystem.obstacle(path):
        raise ExportError(f"{path}: {why}; choose another path")
    if path.is_symlink():
        raise ExportError(f"{path}: is a symbolic link; choose another path")
    # To look into what is no file, as a pipe, could take for ever.
    if path.exists() and not ((path.is_file() or path.is_dir()) and ours(path)):
        raise ExportError(
            f"{path}: is there already and was not made by tilecppn; choose another path"
        )


def check_same_kind(path: Path, kind: str, held: Callable[[Path], str | None]) -> None:
    """Raise ExportError unless `path` is free, or ours and of that kind.

    kind: one of `CONTENTS`. held: the kind of what is ours, None for any other.
    """
    check_safe_to_overwrite(path, lambda path: held(path) is not None)
    other = held(path)
    if other not in (None, kind):
        holds = CONTENTS.get(other, "what another version of tilecppn made")
        raise ExportError(f"{path}: holds {holds}; choose another path")


@contextlib.contextmanager
def naming_destination(dest: Path) -> Iterator[None]:
    """An OSError in the block becomes RenderError, which names `dest` and the file that it was."""
    try:
        yield
    except OSError as error:
        file = "" if error.filename in (None, str(dest)) else f" ({error.filename})"
        why = f"{error.strerror or error}{file}"
        raise RenderError(f"{dest}: cannot be written: {why}") from error


@contextlib.contextmanager
def atomic_output(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """A new empty file or folder that becomes `path` at the end of the block.

    What was at `path` goes then; on an error the new one does. Those that killed processes
    left behind go first; what one of them had moved away, and not replaced, is put back. A file,
    and the name of either, outlives a power cut from then on; what is in a folder is for the block
    to see to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    moved = _abandoned(_away(path))
    if moved and not os.path.lexists(path):
        os.rename(moved.pop(), path)
    for leftover in [*moved, *_abandoned(path)]:
        filesystem.remove(leftover, ignore_errors=True)
    temporary = filesystem.temporary_path(path)
    if folder:
        temporary.mkdir()
    else:
        temporary.touch()
    try:
        with locks.in_use(temporary):
            yield temporary
        if not folder:
            filesystem.fsync(temporary)
        old = filesystem.temporary_path(_away(path))
        if path.is_dir():
            _replace_folder(path, temporary, old)
        else:
            os.replace(temporary, path)
        filesystem.fsync_directory(path.parent)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        filesystem.remove(temporary, ignore_errors=True)
        raise


def _replace_folder(path: Path, new: Path, old: Path) -> None:
    """Nothing is renamed over a folder that has something in it: it moves away first, to `old`."""
    with locks.in_use(path):
        os.rename(path, old)
        try:
            os.rename(new, path)
        except BaseException:
            os.rename(old, path)
            raise


def _away(path: Path) -> Path:
    """What moves away from `path` gets an unfinished name, as if it were begun for this one."""
    return path.with_name(f"{path.name}~")


def _abandoned(path: Path) -> list[Path]:
    return [leftover for leftover in filesystem.leftovers(path) if locks.abandoned(leftover)]
