"""Durable files: written whole or not at all and synced to disk; the cache directory."""

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

GONE = (FileNotFoundError, NotADirectoryError)  # no such file, as against a disk that fails
PARTIAL = ".partial"  # how the name of an unfinished file or folder ends
LONGEST_STEM = 200  # bytes of a name that others are made of; a name has 255 at most
READ = 1 << 16  # bytes of a file that are read at a time
SYNCING, SYNCED_TOGETHER = 8, 1000  # threads that bring files to the disk, and files at a time
_TEMPORARY = re.compile(r"\.(?P<stem>.+)\.[0-9a-f]{12}\.partial", re.DOTALL)


class UnsuitableFileError(OSError):
    """Not a regular file, or larger than a file of its kind may be."""


NOT_A_FILE = (*GONE, IsADirectoryError, UnsuitableFileError)


def read_bounded(path: Path, most: int) -> bytes:
    """Read a regular file of at most so many bytes. Raises OSError, which names the file.

    What a stranger put there, such as a pipe, a device or an endless file, costs nothing.
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
    """Open a file; a pipe that nobody writes to does not make it wait."""
    return os.open(path, flags | os.O_NONBLOCK)


def linked_folder(folder: Path) -> Path | None:
    """The folder itself or one below it that is a symbolic link, if any is: it leads elsewhere."""
    if folder.is_symlink():
        return folder
    paths = (Path(root, name) for root, names, _ in os.walk(folder) for name in names)
    return next((path for path in paths if path.is_symlink()), None)


def temporary_path(path: Path) -> Path:
    """Return a fresh name beside `path` to build it under."""
    return temporary_name(path, uuid.uuid4().hex[:12] + PARTIAL)


def temporary_name(path: Path, suffix: str) -> Path:
    """A hidden name beside `path` with a suffix of its own, not too long where `path`'s is."""
    return path.with_name(f".{_stem(path.name)}.{suffix}")


def is_temporary(path: str) -> bool:
    """Return whether a path, or its last part alone, is of `temporary_path`'s making."""
    return _TEMPORARY.fullmatch(os.path.basename(path)) is not None


def final_path(path: str) -> str:
    """Return a path for messages: its unfinished parts have the names that they are built for."""
    found = ((_TEMPORARY.fullmatch(part), part) for part in path.split(os.sep))
    return os.sep.join(temporary["stem"] if temporary else part for temporary, part in found)


def leftovers(path: Path) -> list[Path]:
    """What was begun for `path` and is still there, by killed processes or by live ones."""
    stem = _stem(path.name)
    found = [name for name in os.listdir(path.parent) if name.endswith(PARTIAL)]  # of 10,000 few
    matches = [match for name in found if (match := _TEMPORARY.fullmatch(name))]
    return [path.parent / match[0] for match in matches if match["stem"] == stem]


def _stem(name: str) -> str:
    """Return a name, shortened to one of its own where it is long."""
    raw = os.fsencode(name)
    if len(raw) <= LONGEST_STEM:
        return name
    short = raw[: LONGEST_STEM - 20].decode(errors="ignore")
    return f"{short}-{hashlib.sha256(raw).hexdigest()[:16]}"


def obstacle(path: Path) -> str | None:
    """Return why no file can be made at `path`, its folders included; None where one can."""
    if is_address(path):
        return NO_ADDRESSES
    for parent in path.parents:
        if os.path.exists(parent) and not parent.is_dir():
            return f"{parent} is a file, not a folder"
    whole = path.absolute()
    there = next(parent for parent in whole.parents if os.path.exists(parent))
    most = os.pathconf(there, "PC_NAME_MAX")
    longest = max(len(os.fsencode(name)) for name in whole.relative_to(there).parts)
    if longest > most:
        return f"a name of {longest} bytes is too long for its disk, which takes {most}"
    return None if os.access(there, os.W_OK | os.X_OK) else "its folder cannot be written to"


def identity(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from another that takes its name later; None where there is no file.

    A file system may give a new file the number of one that was deleted, but not its time too.
    Raises OSError where the disk cannot tell.
    """
    try:
        status = path.stat()
    except GONE:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns


def fsync_tree(folder: Path) -> None:
    """Bring all in a folder to the disk, and its names, so that it outlives a power cut."""
    walk = os.walk(folder, topdown=False)
    fsync_all(Path(root, name) for root, _, names in walk for name in (*names, ""))


def fsync_all(paths: Iterable[Path]) -> None:
    """Bring files, and the names in folders, to the disk, several at once.

    A disk with a journal writes together what is asked for together: 12 take the time of one.
    """
    left, pool = iter(paths), _syncing_threads(os.getpid())
    while some := list(islice(left, SYNCED_TOGETHER)):
        list(pool.map(lambda p: fsync_directory(p) if p.is_dir() else fsync(p), some))


@lru_cache(maxsize=1)
def _syncing_threads(process: int) -> "ThreadPoolExecutor":
    """Threads that stay: to start them takes longer than a small store's files."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(SYNCING, thread_name_prefix="tilecppn-fsync")


def fsync_directory(folder: Path) -> None:
    """Bring a folder's names to the disk: a file that was renamed keeps its new one."""
    with contextlib.suppress(OSError):  # some network disks know no such thing
        fsync(folder)


def fsync(path: Path) -> None:
    """Bring a file, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        if hasattr(fcntl, "F_FULLFSYNC"):  # macOS, whose fsync ends in the disk's own memory
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes, lasting: bool = True) -> None:
    """Write a file: whole, and over any older one.

    If `lasting` it is on the disk before its name is there, so that it outlives a power cut.
    Raises OSError, which names the file.
    """
    write_file_atomic(path, lambda temporary: temporary.write_bytes(data), lasting)


def write_file_atomic(path: Path, write: Callable[[Path], object], lasting: bool = True) -> None:
    """As `write_atomic`, for a file that `write` makes under the name that it is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(path)
    try:
        with naming_file(path):
            write(temporary)
            if lasting:
                fsync(temporary)
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def link(source: Path, path: Path) -> None:
    """Give a file a second name, or copy it where the disk has no hard links."""
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)


@contextlib.contextmanager
def naming_file(path: Path | str) -> Iterator[None]:
    """An OSError in the block names this file, if it names none: that of a write does not."""
    try:
        yield
    except OSError as error:
        if error.errno and error.filename is None:
            error.filename = str(path)
        raise


def error_text(error: OSError) -> str:
    """Say an error of the disk: `a.zarr/0/c/0/0/0: No space left on device`."""
    why = error.strerror or str(error)
    return f"{final_path(str(error.filename))}: {why}" if error.filename else why


def sweep(folder: Path) -> None:
    """Remove what killed writers left. Only the holder of the folder's lock may."""
    for root, _, names in os.walk(folder):
        for name in names:
            if is_temporary(name):
                with contextlib.suppress(OSError):  # the next sweep finds it again
                    os.unlink(os.path.join(root, name))


def disk_usage(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    walked = os.walk(path)
    return sum(
        os.stat(os.path.join(root, name)).st_size for root, _, names in walked for name in names
    )


def remove(path: Path, ignore_errors: bool = False) -> None:
    """Remove a file, a link or a folder, if it is there; of a folder what can be, if so asked."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors)
    else:
        path.unlink(missing_ok=True)


def cache_directory() -> Path | None:
    """Our folder among the user's caches, which may go at any time; None where there is no home."""
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(named or Path.home() / ".cache", "tilecppn")
    except RuntimeError:  # neither HOME nor an entry in passwd
        return None
