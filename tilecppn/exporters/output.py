"""Outputs replace nothing unasked, are built under a temporary name and appear whole.

Whoever writes to a path holds its lock from before anything is made until the output is in place:

    check_output(path, "still", overwrite=False)     refuse early
    with atomic_output(path) as temporary:           lock, build, put in place
        temporary.write_bytes(…)
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tilecppn import filesystem
from tilecppn.addresses import BucketPath
from tilecppn.errors import ExportError, RenderError, StoreError
from tilecppn.exporters import bucket_output, provenance
from tilecppn.exporters.provenance import Provenance
from tilecppn.storage import locks
from tilecppn.storage.lease import leased

CONTENTS = {  # what an output holds, in words
    "still": "a still",
    "film": "a film",
    "frames": "the frames of a film",
    "dzi": "tiles for Deep Zoom",
    "descriptor": "the descriptor of a Deep Zoom pyramid",
    "page": "the page of a Deep Zoom pyramid",
    "live": "a page that draws a picture itself",
    "shader": "a function in a shader language",
    "szi": "a Deep Zoom pyramid in one file",
    "pmtiles": "a pyramid for maps in one file",
    "mbtiles": "a pyramid for maps in one SQLite file",
    "iiif": "tiles for IIIF",
    "xyz": "tiles for XYZ",
    "zoomify": "tiles for Zoomify",
}
FOLDERS = {"frames", "iiif", "xyz", "zoomify"}  # kinds that may fill an empty folder
_EXISTS = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)


def check_output(path: Path, kind: str, *, overwrite: bool) -> None:
    """Raise ExportError unless an output of a kind may be written to `path`.

    kind: one of `CONTENTS`. It may where nothing is, and with `overwrite` where an output of that
    kind is that tilecppn made and nobody changed since.
    """
    if _is_free(path, kind):
        return
    if why := _why_kept(path, kind):
        raise ExportError(
            f"{path}: already exists and {why}; delete or rename it, or choose another path"
        )
    if not overwrite:
        raise ExportError(
            f"{path}: already exists; add --overwrite to replace it, or choose another path"
        )


def _is_free(path: Path, kind: str) -> bool:
    if isinstance(path, BucketPath):
        try:
            return bucket_output.is_free(path, folder=kind in (*FOLDERS, "dzi"))
        except OSError as error:
            raise ExportError(f"{path}: {error.strerror or error}") from None
    if why := filesystem.obstacle(path):
        raise ExportError(f"{path}: {why}; choose another path")
    if path.is_symlink():
        raise ExportError(f"{path}: is a symbolic link; choose another path")
    is_empty = path.is_dir() and not any(path.iterdir())
    return not path.exists() or (kind in FOLDERS and is_empty)


def read_provenance(path: Path) -> Provenance | None:
    """As `provenance.read`, also in a bucket."""
    if isinstance(path, BucketPath):
        return bucket_output.read_provenance(path)
    # To read what is no file, such as a pipe, could take for ever.
    return provenance.read(path) if path.is_file() or path.is_dir() else None


def _why_kept(path: Path, kind: str) -> str | None:
    """Why what is at `path` is never replaced; None for an unchanged output of that kind."""
    found = read_provenance(path)
    if found is None:
        return "was not made by tilecppn (or by version 0.1.0, which leaves no digest)"
    if found.kind != kind:
        contents = CONTENTS.get(found.kind, "what another version of tilecppn made")
        return f"holds {contents}, not {CONTENTS[kind]}"
    return None if found.intact else "was changed or damaged since tilecppn made it"


@contextlib.contextmanager
def naming_destination(dest: Path) -> Iterator[None]:
    """Turn an OSError in the block into RenderError, which names `dest` and the file it was."""
    try:
        yield
    except OSError as error:
        name = error.filename
        hidden = filesystem.is_temporary(str(name)) or str(name).endswith(".lock")
        ours = name is None or hidden or str(name) == str(dest)
        why = error.strerror or str(error)
        file = "" if ours else f" ({name})"
        raise RenderError(f"{dest}: cannot be written: {why}{file}") from error


@contextlib.contextmanager
def claimed(*paths: Path) -> Iterator[None]:
    """Hold the right to write to some paths; what killed processes left beside them goes first.

    Raises ExportError if another process is writing to one of them, or if the disk has no locks.
    """
    with contextlib.ExitStack() as stack:
        for path in paths:
            try:
                if isinstance(path, BucketPath):
                    stack.enter_context(leased(path, transient=True))
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = filesystem.temporary_name(path, "lock")
                stack.enter_context(locks.locked(lock, str(path), transient=True))
            except StoreError as error:
                raise ExportError(str(error)) from None
            _clean(path)
        yield


def _clean(path: Path) -> None:
    """Remove the leftovers of killed processes; put back what one had moved away."""
    moved = filesystem.leftovers(_away(path))
    if moved and not os.path.lexists(path):
        os.rename(moved.pop(), path)
    for leftover in [*moved, *filesystem.leftovers(path)]:
        filesystem.remove(leftover, ignore_errors=True)


@contextlib.contextmanager
def replacing(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """A new empty file or folder that becomes `path` at the end of the block.

    The caller has `claimed` the path and checked what is there, which goes then; on an error the
    new one does. If something else is there by the end, nothing is replaced: RenderError. A file,
    and the name of either, outlives a power cut from then on; what is in a folder is for the block
    to see to.
    """
    if isinstance(path, BucketPath):
        new = bucket_output.replacing_folder if folder else bucket_output.replacing_file
        with new(path) as there:
            yield there
        return
    before = filesystem.identity(path)
    temporary = filesystem.temporary_path(path)
    if folder:
        temporary.mkdir()
    else:
        temporary.touch()
    try:
        yield temporary
        if not folder:
            filesystem.fsync(temporary)
        if filesystem.identity(path) != before:
            raise _taken(path)
        try:
            _put(temporary, path)
        except OSError as error:
            if error.errno in _EXISTS:
                raise _taken(path) from error
            raise
        filesystem.fsync_directory(path.parent)
    except BaseException:
        filesystem.remove(temporary, ignore_errors=True)
        raise


@contextlib.contextmanager
def atomic_output(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """As `replacing`, with the path claimed."""
    with claimed(path), replacing(path, folder=folder) as temporary:
        yield temporary


def remove(path: Path) -> None:
    """Delete a file, if it is there, also in a bucket."""
    if isinstance(path, BucketPath):
        bucket_output.remove(path)
    else:
        path.unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """The bytes of a file, or of all in a folder, also in a bucket."""
    if isinstance(path, BucketPath):
        return bucket_output.size_of(path)
    return filesystem.disk_usage(path)


def _put(new: Path, path: Path) -> None:
    """Give `new` the name `path`, whose owner it is to replace if it has one."""
    if new.is_dir():
        if path.exists():
            _replace_folder(new, path)
        else:
            os.rename(new, path)
    elif os.path.lexists(path):
        os.replace(new, path)
    else:
        try:
            os.link(new, path)  # unlike a rename it fails where something appeared meanwhile
        except OSError as error:
            if error.errno in _EXISTS:
                raise
            os.replace(new, path)  # a disk without hard links
        else:
            new.unlink()


def _replace_folder(new: Path, path: Path) -> None:
    """Nothing is renamed over a folder that has something in it: it moves away first."""
    old = filesystem.temporary_path(_away(path))
    os.rename(path, old)
    try:
        os.rename(new, path)
    except BaseException:
        os.rename(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _taken(path: Path) -> RenderError:
    return RenderError(
        f"{path}: something was put there while tilecppn was writing; nothing was replaced; "
        "choose another path"
    )


def _away(path: Path) -> Path:
    """What moves away from `path` gets an unfinished name, as if it were begun for this one."""
    return path.with_name(f"{path.name}~")
