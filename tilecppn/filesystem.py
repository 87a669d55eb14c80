"""Writes files atomically and durably, and finds the cache directory."""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tilecppn.addresses import NO_ADDRESSES, is_address

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

GONE = (FileNotFoundError, NotADirectoryError)  # no such file, unlike errors of the disk
PARTIAL = ".partial"  # the suffix of an unfinished file or folder
LONGEST_STEM = 200  # bytes of a name to which others are appended; a name has 255 at most
READ = 1 << 16  # bytes read at a time
SYNCING, SYNCED_TOGETHER = 8, 1000  # threads that sync files, and files at a time
# Reading fails for these reasons whatever is in a file; EIO can be a damaged sector.
_OUT_OF_REACH = {
    *(errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN),
    *(errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH),
    *(errno.ECONNABORTED, errno.ECONNREFUSED, errno.ECONNRESET, errno.ENETDOWN, errno.ENETUNREACH),
}
_TEMPORARY = re.compile(r"\.(?P<stem>.+)\.[0-9a-f]{12}\.partial", re.DOTALL)


class UnsuitableFileError(OSError):
    """Not a regular file, or larger than a file of its kind may be."""


NOT_A_FILE = (*GONE, IsADirectoryError, UnsuitableFileError)


def read_bounded(path: Path, most: int) -> bytes:
    """Read a regular file of at most `most` bytes. Raises OSError, naming the file.

    A pipe, a device or an endless file that a stranger put there neither blocks nor fills memory.
    """
    with naming_file(path), open(path, "rb", opener=_open_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UnsuitableFileError(errno.EINVAL, "not a regular file", str(path))
        data = bytearray()
        while part := file.read(READ):  # memory grows with what is there, not with `most`
            data += part
            if len(data) > most:
                raise UnsuitableFileError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
        return bytes(data)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting, as a pipe would, for a writer."""
    return os.open(path, flags | os.O_NONBLOCK)


def resolved(path: Path) -> Path:
    """Return an absolute path without symbolic links, except those that lead in a circle."""
    # Until Python 3.13, Path.resolve raises a RuntimeError for these.
    return path if is_address(path) else Path(os.path.realpath(path))


def is_out_of_reach(error: Exception) -> bool:
    """Return whether an error of reading a file says nothing of what is in it."""
    return isinstance(error, OSError) and error.errno in _OUT_OF_REACH


def linked_folder(folder: Path) -> Path | None:
    """Return the folder itself, or one below it, that is a symbolic link; None if none is."""
    if folder.is_symlink():
        return folder
    paths = (Path(root, name) for root, names, _ in os.walk(folder) for name in names)
    return next((path for path in paths if path.is_symlink()), None)


def temporary_path(path: Path) -> Path:
    """Return a new temporary name beside `path`, under which to build it."""
    return temporary_name(path, uuid.uuid4().hex[:12] + PARTIAL)


def temporary_name(path: Path, suffix: str) -> Path:
    """Return a hidden name beside `path` with a suffix, shortened if `path`'s name is long."""
    return path.with_name(f".{_stem(path.name)}.{suffix}")


def is_temporary(path: str) -> bool:
    """Return whether the last part of a path was made by `temporary_path`."""
    return _TEMPORARY.fullmatch(os.path.basename(path)) is not None


def final_path(path: str) -> str:
    """Return a path for messages, with the final names of its temporary parts."""
    found = ((_TEMPORARY.fullmatch(part), part) for part in path.split(os.sep))
    return os.sep.join(temporary["stem"] if temporary else part for temporary, part in found)


def leftovers(*paths: Path) -> list[Path]:
    """Return the temporary files and folders of paths, of killed processes or of live ones.

    Each folder is listed once; one that cannot be listed counts as empty.
    """
    stems = {(path.parent, _stem(path.name)) for path in paths}
    found = []
    for folder in {path.parent for path in paths}:
        with contextlib.suppress(OSError):
            matches = filter(None, map(_TEMPORARY.fullmatch, os.listdir(folder)))
            found += [folder / match[0] for match in matches if (folder, match["stem"]) in stems]
    return found


def _stem(name: str) -> str:
    """Return a name, with its end replaced by a hash if it is long."""
    raw = os.fsencode(name)
    if len(raw) <= LONGEST_STEM:
        return name
    short = raw[: LONGEST_STEM - 20].decode(errors="ignore")
    return f"{short}-{hashlib.sha256(raw).hexdigest()[:16]}"


def obstacle(path: Path) -> str | None:
    """Return why `path` and its folders cannot be created; None if they can."""
    if is_address(path):
        return NO_ADDRESSES
    for parent in path.parents:
        if os.path.exists(parent) and not parent.is_dir():
            return f"{parent} is a file, not a folder"
        if parent.is_symlink() and not os.path.exists(parent):
            return f"{parent} is a symbolic link that leads nowhere"
        if parent.name == ".." and not os.path.exists(parent):
            return f"there is no folder {parent.parent}"
    whole = path.absolute()
    there = next(parent for parent in whole.parents if os.path.exists(parent))
    most = os.pathconf(there, "PC_NAME_MAX")
    longest = max(len(os.fsencode(name)) for name in whole.relative_to(there).parts)
    if longest > most:
        return f"a name of {longest} bytes is too long for its disk, which takes {most}"
    return None if os.access(there, os.W_OK | os.X_OK) else "its folder cannot be written to"


def file_id(path: Path) -> tuple[int, int, int] | None:
    """Return a file's device, inode number and time, which tell it from a later one of that name.

    None if it is missing. A file system may give a new file the number of a deleted one, but not
    its time, too. Raises OSError if the disk fails.
    """
    try:
        status = path.stat()
    except GONE:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns


def fsync_tree(folder: Path) -> None:
    """Sync all files and folders in a folder, so that they survive a power cut."""
    walk = os.walk(folder, topdown=False)
    fsync_all(Path(root, name) for root, _, names in walk for name in (*names, ""))


def fsync_all(paths: Iterable[Path]) -> None:
    """Sync files, and the entries of folders, several at once.

    A journaling file system joins concurrent syncs: 12 take the time of one.
    """
    left, pool = iter(paths), _syncing_threads(os.getpid())
    while some := list(islice(left, SYNCED_TOGETHER)):
        list(pool.map(lambda p: fsync_directory(p) if p.is_dir() else fsync(p), some))


@lru_cache(maxsize=1)
def _syncing_threads(process: int) -> "ThreadPoolExecutor":
    """Return a lasting pool of threads: starting one takes longer than syncing a small store."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(SYNCING, thread_name_prefix="tilecppn-fsync")


def fsync_directory(folder: Path) -> None:
    """Sync a folder's entries, so that a renamed file keeps its new name."""
    with contextlib.suppress(OSError):  # some network disks do not support it
        fsync(folder)


def fsync(path: Path) -> None:
    """Sync a file, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        if hasattr(fcntl, "F_FULLFSYNC"):  # macOS, whose fsync does not flush the disk's cache
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(
    path: Path, content: bytes | Callable[[Path], object], lasting: bool = True
) -> None:
    """Write a file atomically, replacing an older one.

    content: its bytes, or a function that writes them to the path it is given. If `lasting`, it is
    synced before it is renamed, so that a power cut never leaves a damaged file. Raises OSError,
    naming the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(path)
    try:
        with naming_file(path):
            if callable(content):
                content(temporary)
            else:
                temporary.write_bytes(content)
            if lasting:
                fsync(temporary)
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def link(source: Path, path: Path) -> None:
    """Create a hard link to a file, or copy it if the disk has no hard links."""
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)


@contextlib.contextmanager
def naming_file(path: Path | str) -> Iterator[None]:
    """Add this file's name to an OSError in the block that has none, as those of writes."""
    try:
        yield
    except OSError as error:
        if error.errno and error.filename is None:
            error.filename = str(path)
        raise


def error_text(error: OSError) -> str:
    """Format an error of the disk: `a.zarr/0/c/0/0/0: No space left on device`."""
    why = error.strerror or str(error)
    return f"{final_path(str(error.filename))}: {why}" if error.filename else why


def sweep(folder: Path) -> None:
    """Remove the temporary files of killed writers. The caller must hold the folder's lock."""
    for root, _, names in os.walk(folder):
        for name in names:
            if is_temporary(name):
                with contextlib.suppress(OSError):  # the next sweep finds it again
                    os.unlink(os.path.join(root, name))


def remove(path: Path, ignore_errors: bool = False) -> None:
    """Remove a file, link or folder, if it exists; ignore_errors: as much of a folder as can be."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors)
    else:
        path.unlink(missing_ok=True)


def cache_directory() -> Path | None:
    """Return tilecppn's cache directory, which may be deleted at any time; None without a home."""
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(named or Path.home() / ".cache", "tilecppn")
    except RuntimeError:  # neither HOME nor an entry in passwd
        return None
