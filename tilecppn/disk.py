"""Files that appear whole or not at all, a lock that dies with its process, the cache folder."""

import contextlib
import fcntl
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from tilecppn.errors import StoreError

GONE = (FileNotFoundError, NotADirectoryError)  # no such file, as against a disk that fails
PARTIAL = ".partial"  # how the name of an unfinished file or folder ends
_PARTIAL_NAME = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{12}\.partial", re.DOTALL)


def partial(path: Path) -> Path:
    """A fresh name beside `path` to build it under."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{PARTIAL}")


def unfinished(name: str) -> str | None:
    """The name that a file or folder was being built for, if `name` is from `partial`."""
    match = _PARTIAL_NAME.fullmatch(name)
    return match["name"] if match else None


def leftovers(path: Path) -> list[Path]:
    """What was begun for `path` and is still there, by killed processes or by live ones."""
    return [p for p in path.parent.iterdir() if unfinished(p.name) == path.name]


def obstacle(path: Path) -> str | None:
    """Why no file can be made at `path`, its folders included; None where one can."""
    for parent in path.parents:
        if parent.exists() and not parent.is_dir():
            return f"{parent} is a file, not a folder"
    there = next(parent for parent in path.absolute().parents if parent.exists())
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


def settle(folder: Path) -> None:
    """Bring all in a folder to the disk, and its names, so that it outlives a power cut."""
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync(Path(root, name))
        settle_names(Path(root))


def settle_names(folder: Path) -> None:
    """Bring a folder's names to the disk: a file that was renamed keeps its new one."""
    with contextlib.suppress(OSError):  # some network disks know no such thing
        sync(folder)


def sync(path: Path) -> None:
    """Bring a file, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        if hasattr(fcntl, "F_FULLFSYNC"):  # macOS, whose fsync ends in the disk's own memory
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(path: Path, data: bytes, lasting: bool = True) -> None:
    """Write a file: whole, and over any older one.

    If `lasting` it is on the disk before its name is there, so that it outlives a power cut.
    Raises OSError, which names the file.
    """
    put_file(path, lambda temporary: temporary.write_bytes(data), lasting)


def put_file(path: Path, write: Callable[[Path], object], lasting: bool = True) -> None:
    """As `put`, for a file that `write` makes under the name that it is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = partial(path)
    try:
        with naming(path):
            write(temporary)
            if lasting:
                sync(temporary)
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@contextlib.contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """An OSError in the block names this file, if it names none: that of a write does not."""
    try:
        yield
    except OSError as error:
        if error.errno and error.filename is None:
            error.filename = str(path)
        raise


def sweep(folder: Path) -> None:
    """Remove what killed writers left. Only the holder of the folder's lock may."""
    for root, _, names in os.walk(folder):
        for name in names:
            if unfinished(name) is not None:
                with contextlib.suppress(OSError):  # the next sweep finds it again
                    os.unlink(os.path.join(root, name))


def remove(path: Path, ignore_errors: bool = False) -> None:
    """Remove a file, a link or a folder, if it is there; of a folder what can be, if so asked."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the operating system's lock on the file `path`; it ends with the process.

    Raises StoreError at once, naming `what` and the holder, if another process has it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        # A file that lost its name meanwhile was the lock of a store that is no more.
        if not _take(descriptor) or not _is_at(descriptor, path):
            holder = os.read(descriptor, 200).decode(errors="replace").strip()
            raise StoreError(f"{what} is in use by another process ({holder or 'unknown'})")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"pid {os.getpid()} on {_host()}".encode())
        status = os.fstat(descriptor)
        _HELD.append(status)
        try:
            yield
        finally:
            _HELD.remove(status)
    finally:
        os.close(descriptor)


_HELD: list[os.stat_result] = []  # of the files whose locks this process has


def holds(path: Path) -> bool:
    """Whether the file that is at `path` now is one whose lock this process has."""
    try:
        there = path.stat()
    except OSError:
        return False
    return any(os.path.samestat(status, there) for status in list(_HELD))


@contextlib.contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Mark an unfinished file or folder as not `abandoned`, as long as this process lives."""
    descriptor = _opened(path)
    try:
        if descriptor is not None:
            with contextlib.suppress(OSError):
                _take(descriptor)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def abandoned(path: Path) -> bool:
    """Whether nobody marks an unfinished file or folder; False too where that cannot be told."""
    descriptor = _opened(path)
    if descriptor is None:
        return False
    try:
        return _take(descriptor)
    except OSError:  # a network disk may lock only what is open for writing
        return False
    finally:
        os.close(descriptor)


def cache_folder() -> Path | None:
    """Our folder among the user's caches, which may go at any time; None where there is no home."""
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(named or Path.home() / ".cache", "tilecppn")
    except RuntimeError:  # neither HOME nor an entry in passwd
        return None


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _host() -> str:
    import socket

    return socket.gethostname()


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
