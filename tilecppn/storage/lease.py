"""A lease on a prefix of a bucket: the lock of a store there, an object that its holder renews.

The object is created by a conditional write. Another process takes the lease over once it has not
been renewed for LEASE seconds, by the server's time, so the clocks of machines do not matter. If
the server's clock is set back, a process that has watched the lease for LEASE seconds still knows
that it was not renewed. A holder that was suspended for longer notices at its next renewal; until
then the conditions on its writes keep it from doing harm.
"""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tilecppn.addresses import BucketPath
from tilecppn.errors import RenderError, StoreError
from tilecppn.storage.bucket import Bucket, Object

if TYPE_CHECKING:
    from obstore import UpdateVersion

LEASE = 30.0  # seconds without renewal after which another process may take it
RENEWALS = 6  # within LEASE seconds
POLL = 1.0  # seconds between two reads of a lease that a killed process may have left
_HELD: "dict[str, Lease]" = {}  # by path


def held_lease(path: BucketPath) -> "Lease | None":
    """Return this process's lease on a path, also if it has been lost meanwhile; else None."""
    return _HELD.get(str(path))


@contextlib.contextmanager
def leased(path: BucketPath, *, transient: bool = False) -> Iterator["Lease"]:
    """Hold the lease of a path for the block; share it if this process already holds it.

    transient: delete its object at the end. Raises StoreError if another process holds it, which
    takes up to LEASE seconds to find out, or if the endpoint does not honour conditional writes.
    """
    if (held := held_lease(path)) is not None:
        yield held
        return
    lease = Lease(path)
    lease.acquire()
    _HELD[str(path)] = lease
    try:
        yield lease
    finally:
        del _HELD[str(path)]
        lease.release(delete=transient)


class Lease:
    """The lease on one path. Attributes: lost; why_lost, for an error message."""

    def __init__(self, path: BucketPath) -> None:
        self.path = path
        self.lost = False
        self.why_lost = (
            f"{path}: another process has taken it over, since this one stood still or could not "
            "reach the bucket; what is finished is kept"
        )
        self._bucket = Bucket(path.parent)
        self._name = f".{path.name}.lease"
        self._token = uuid.uuid4().hex
        self._renewed = 0
        self._version: UpdateVersion | None = None
        self._mutex = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="tilecppn-lease", daemon=True)

    def acquire(self) -> None:
        """Acquire the lease, and start a thread that renews it."""
        now = self._probe()
        start = since = time.monotonic()
        seen: Object | None = None
        while True:
            found, then = self._fetch(), time.monotonic()
            changed = found is not None and seen is not None and found.version != seen.version
            if seen is None or changed:
                since = then
            if found is None or then - since > LEASE or self._is_free(found, now + then - start):
                there = None if found is None else found.version
                self._version = self._bucket.put_if(self._name, self._text(), there)
                if self._version is not None:
                    break
            elif changed:
                holder = _record(found).get("holder", "unknown")
                raise StoreError(f"{self.path} is in use by another process ({holder})")
            seen = found
            time.sleep(POLL)
        self._thread.start()

    def renew(self) -> None:
        """Renew the lease. Raises RenderError if another process has it."""
        with self._mutex:
            if not self.lost:
                self._renewed += 1
                self._version = self._bucket.put_if(self._name, self._text(), self._version)
                self.lost = self._version is None
        if self.lost:
            raise RenderError(self.why_lost)

    def release(self, *, delete: bool = False) -> None:
        """Release the lease, if it is still held; delete: delete its object, too."""
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(OSError):  # it expires by itself
            if not self.lost:
                text = self._text(released=True)
                given_back = self._bucket.put_if(self._name, text, self._version)
                if delete and given_back is not None:
                    self._bucket.delete(self._name)

    def _keep(self) -> None:
        while not self._ended.wait(LEASE / RENEWALS):
            with contextlib.suppress(OSError, RenderError):  # tries again, or `lost` is set
                self.renew()
            if self.lost:
                return

    def _fetch(self) -> Object | None:
        try:
            return self._bucket.fetch(self._name)
        except FileNotFoundError:
            return None

    def _is_free(self, found: Object, now: float) -> bool:
        return not _record(found).get("holder") or now - found.modified > LEASE

    def _text(self, released: bool = False) -> bytes:
        holder = "" if released else f"pid {os.getpid()} on {socket.gethostname()}"
        record = {"holder": holder, "token": self._token, "renewed": self._renewed}
        return json.dumps(record).encode()

    def _probe(self) -> float:
        """Check that the endpoint honours conditional writes; return the server's time.

        Raises StoreError if it does not, or cannot be reached.
        """
        name = f"{self._name}-{self._token}"
        try:
            first = self._bucket.put_if(name, b"1", None)
            again = self._bucket.put_if(name, b"2", None)
            second = self._bucket.put_if(name, b"3", first)
            stale = self._bucket.put_if(name, b"4", first)
            now = self._bucket.fetch(name).modified
            self._bucket.delete(name)
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from error
        if None in (first, second) or again is not None or stale is not None:
            raise StoreError(
                f"{self.path}: its server does not honour If-None-Match and If-Match, which keep "
                "two renders apart; use another server, or render to a disk"
            )
        return now


def _record(found: Object) -> "dict[str, object]":
    try:
        record = json.loads(found.data)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
