"""Locks of the operating system on files and directories: they end with the process."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tilecppn.errors import StoreError

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@contextlib.contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the operating system's lock on the file `path`; it ends with the process.

    Raises StoreError at once, naming `what` and the holder, if another process has it, or if the
    disk has no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        # A file that lost its name meanwhile was the lock of a store that is no more.
        try:
            free = _take(descriptor) and _is_at(descriptor, path)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            raise StoreError(
                f"{what}: its disk has no file locks ({error.strerror}), which keep two renders "
                "apart; mount it with locks (NFS: nfsvers=4, or without nolock), or choose another"
            ) from error
        if not free:
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


def holds_lock(path: Path) -> bool:
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
