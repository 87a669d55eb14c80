"""Locks of the operating system on files and directories: they end with the process."""

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from tilecppn.errors import StoreError

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}


def _open(path: Path, what: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            raise
        raise StoreError(
            f"{what}: cannot be written to ({error.strerror}); choose another path"
        ) from error


_HELD: list[os.stat_result] = []  # of the files whose locks this process has


@contextlib.contextmanager
def locked(path: Path, what: str, *, transient: bool = False) -> Iterator[None]:
    """Hold the operating system's lock on the file `path`; it ends with the process.

    transient: remove the file at the end. Raises StoreError at once, naming `what` and the holder,
    if another process has the lock, if nothing can be written there, or if the disk has no locks.
    """
    descriptor = _acquire(path, what, transient)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"pid {os.getpid()} on {socket.gethostname()}".encode())
        status = os.fstat(descriptor)
        _HELD.append(status)
        try:
            yield
        finally:
            _HELD.remove(status)
            if transient:
                path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _acquire(path: Path, what: str, transient: bool) -> int:
    """Return the locked descriptor of a file. Raises as `locked`."""
    while True:
        descriptor = _open(path, what)
        try:
            taken = _take(descriptor)
            if taken and _is_at(descriptor, path):
                return descriptor
            if not (taken and transient):
                # A file that lost its name was the lock of a store that is no more.
                name = _holder(descriptor) or "unknown"
                raise StoreError(f"{what} is in use by another process ({name})")
        except OSError as error:
            os.close(descriptor)
            if error.errno not in NO_LOCKS:
                raise
            if transient:
                path.unlink(missing_ok=True)
            raise StoreError(
                f"{what}: its disk has no file locks ({error.strerror}), which keep two renders "
                "apart; mount it with locks (NFS: nfsvers=4, or without nolock), or choose another"
            ) from error
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last holder has just removed it


def holder(path: Path) -> str:
    """Who has or last had the lock of a file; empty where nobody had it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return _holder(descriptor)
        finally:
            os.close(descriptor)
    return ""


def _holder(descriptor: int) -> str:
    return os.read(descriptor, 200).decode(errors="replace").strip()


def holds_lock(path: Path) -> bool:
    """Whether the file that is at `path` now is one whose lock this process has."""
    try:
        there = path.stat()
    except OSError:
        return False
    return any(os.path.samestat(status, there) for status in list(_HELD))


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
