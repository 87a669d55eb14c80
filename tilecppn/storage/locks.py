"""File locks of the operating system, which are released when the process ends."""

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


_HELD: list[os.stat_result] = []  # the files whose locks this process holds


@contextlib.contextmanager
def locked(path: Path, what: str, *, transient: bool = False) -> Iterator[None]:
    """Hold the operating system's lock on the file `path` for the block.

    transient: remove the file at the end. Raises StoreError at once, naming `what` and the holder,
    if another process has the lock, if the file cannot be written, or if the disk has no locks.
    """
    descriptor = _acquire(path, what, transient)
    try:
        with contextlib.suppress(OSError):  # a full disk: the holder's name is only for messages
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
    """Open and lock a file; return its descriptor. Raises the errors of `locked`."""
    while True:
        descriptor = _open(path, what)
        try:
            taken = _take(descriptor)
            if taken and _is_at(descriptor, path):
                return descriptor
            if not (taken and transient):
                # A file that has lost its name was the lock of a store that is gone.
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
        os.close(descriptor)  # its last holder has just removed the file: try again


def holder(path: Path) -> str:
    """Return who holds or last held the lock of a file; "" if nobody did."""
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
    """Return whether this process holds the lock of the file that is now at `path`."""
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
