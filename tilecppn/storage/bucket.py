"""Objects in a bucket, with conditional writes and retries."""

import contextlib
import errno
import math
import random
import time
from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tilecppn.addresses import BucketPath
from tilecppn.errors import RenderError
from tilecppn.filesystem import UnsuitableFileError, error_text
from tilecppn.storage.client import as_os_errors, client_of
from tilecppn.storage.content_types import headers
from tilecppn.storage.crc32c import crc32c_of
from tilecppn.storage.objects import FileStorage, FreeSpace, Put

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode, UpdateVersion

ATTEMPTS = 8  # at requests that obstore does not retry, or not often enough
AT_ONCE = 16  # parallel uploads of a thread that makes files, and parallel reads

T = TypeVar("T")


class Object(NamedTuple):
    """An object: its bytes, its version, and its time of writing by the server's clock."""

    data: bytes
    version: "UpdateVersion"
    modified: float  # seconds since 1970


class Bucket(FileStorage):
    """A `FileStorage` of the objects below a prefix in a bucket."""

    path: Path

    def __init__(self, path: BucketPath) -> None:
        """Create the client. Raises StoreError if obstore is missing, or the settings are wrong."""
        self._client = client_of(path)  # raises StoreError if obstore is missing
        import obstore

        self.path = self.address = path
        self._obstore = obstore

    # Requests

    def get(self, name: str, most: int | None = None) -> bytes:
        return self.fetch(name, most).data

    def fetch(self, name: str, most: int | None = None) -> Object:
        """Read an object with its version. Raises FileNotFoundError or UnsuitableFileError."""
        with self._request(name) as key:
            found = self._obstore.get(self._client, key)
            meta = found.meta
            if most is not None and meta["size"] > most:
                raise UnsuitableFileError(
                    errno.EFBIG, f"larger than {most:,} bytes", str(self.path / name)
                )
            return Object(bytes(found.bytes()), version_of(meta), meta["last_modified"].timestamp())

    def download(self, name: str, file: Path) -> None:
        """Download an object into a new file, creating its folder if needed."""
        with self._request(name) as key:
            found = self._obstore.get(self._client, key)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as written:
                written.writelines(found)

    def crc32c(self, name: str) -> str:
        try:
            return with_retries(lambda: crc32c_of(self._pieces(name)))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise RenderError(error_text(error)) from error

    def crc32cs(self, names: Sequence[str]) -> list[str]:
        """Return the CRC-32C of several objects, read in parallel to hide the latency."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.crc32c, names))

    def _pieces(self, name: str) -> Iterator[bytes]:
        with self._request(name) as key:
            for piece in self._obstore.get(self._client, key):
                yield bytes(piece)

    def get_tail(self, name: str, size: int) -> bytes:
        """Read the last `size` bytes of an object, or all if it has fewer."""
        with self._request(name) as key:
            whole = self._obstore.head(self._client, key)["size"]
            if whole == 0:
                return b""  # obstore refuses an empty range
            start = max(0, whole - size)
            return bytes(self._obstore.get_range(self._client, key, start=start, end=whole))

    def get_range(self, name: str, start: int, size: int) -> bytes:
        """Read a range of an object; past its end fewer bytes, or an OSError."""
        with self._request(name) as key:
            return bytes(self._obstore.get_range(self._client, key, start=start, length=size))

    def size(self, name: str) -> int | None:
        meta = self._head(name)
        return None if meta is None else int(meta["size"])

    def has(self, name: str) -> bool:
        return self._head(name) is not None

    def names(self) -> list[str]:
        with self._request("") as key:
            found = self._obstore.list_with_delimiter(self._client, f"{key}/")["objects"]
            return [Path(meta["path"]).name for meta in found]

    def sizes(self) -> Iterator[tuple[str, int]]:
        return ((name, int(meta["size"])) for name, meta in self.objects())

    def objects(self, folder: str = "") -> Iterator[tuple[str, "ObjectMeta"]]:
        """Yield all objects below a folder: name in the store, and metadata."""
        with self._request(folder) as key:
            for page in self._obstore.list(self._client, prefix=key):
                for meta in page:
                    yield meta["path"].removeprefix(f"{self.address.key}/"), meta

    def put_if(
        self, name: str, data: bytes, version: "UpdateVersion | None"
    ) -> "UpdateVersion | None":
        """Write an object if it still has this version, or, for None, if it does not exist.

        Returns the new version, or None if the condition failed. An object that already has these
        bytes counts as written: the response to an earlier attempt may have been lost.
        """
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: PutMode = "create" if version is None else version

        def put() -> "UpdateVersion | None":
            with self._request(name) as key:
                try:
                    result = self._obstore.put(
                        self._client, key, data, mode=mode, use_multipart=False
                    )
                except (AlreadyExistsError, PreconditionError):
                    return self._version_of_same(name, data)
            return version_of(result)

        try:
            return with_retries(put)  # obstore does not retry conditional writes
        except FileNotFoundError:
            if version is None:
                raise
            return None

    def put(self, name: str, data: bytes | Path) -> None:
        """Write an object with its HTTP headers; large files as multipart uploads."""
        with self._request(name) as key:
            self._obstore.put(self._client, key, data, attributes=headers(name))

    def take(self, name: str, file: Path) -> None:
        """Upload a file; the caller deletes it."""
        self.put(name, file)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Put]:
        """Upload in parallel; all objects are written at the end of the block."""
        pending: list[Future[None]] = []
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tilecppn-upload") as pool:
            yield lambda name, data: pending.append(pool.submit(self.put, name, data))
        for future in pending:
            future.result()

    def free_space(self) -> FreeSpace:
        """Return infinite space in the bucket."""
        return FreeSpace(self.path.parent, math.inf)

    def delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError), self._request(name) as key:
            self._obstore.delete(self._client, key)

    def _delete(self, names: Sequence[str]) -> None:
        """Delete several objects, those that exist."""
        if not names:
            return
        try:
            with self._request("") as key:
                self._obstore.delete(self._client, [f"{key}/{name}" for name in names])
        except FileNotFoundError:  # not from S3; others may be left
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self.delete, names))

    def delete_all(self, keep: Container[str] = ()) -> None:
        """Delete all objects except those named in `keep`."""
        with self._request("") as key:
            for page in self._obstore.list(self._client, prefix=key):
                names = [meta["path"].removeprefix(f"{key}/") for meta in page]
                self._delete([name for name in names if name not in keep])

    def file_id(self, name: str) -> Hashable | None:
        """Return the version of an object as a tuple; None if it is missing."""
        version = self.version(name)
        return None if version is None else tuple(sorted(version.items()))

    def version(self, name: str) -> "UpdateVersion | None":
        """Return the version of an object; None if it is missing."""
        meta = self._head(name)
        return None if meta is None else version_of(meta)

    def _head(self, name: str) -> "ObjectMeta | None":
        try:
            with self._request(name) as key:
                return self._obstore.head(self._client, key)
        except FileNotFoundError:
            return None
        except PermissionError:
            self.get_range(name, 0, 1)  # raises with the reason, which an answer to HEAD lacks
            raise

    def _version_of_same(self, name: str, data: bytes) -> "UpdateVersion | None":
        try:
            found = self.fetch(name)
        except FileNotFoundError:
            return None
        return found.version if found.data == data else None

    @contextlib.contextmanager
    def _request(self, name: str) -> Iterator[str]:
        """Give the key of a name; errors of obstore in the block become OSError."""
        path = self.address / name
        with as_os_errors(path):
            yield path.key


def with_retries(request: Callable[[], T]) -> T:
    """Make a request, retrying temporary errors after growing delays with jitter."""
    for attempt in count(1):
        try:
            return request()
        except OSError as error:
            if error.errno not in (errno.EIO, errno.ETIMEDOUT) or attempt == ATTEMPTS:
                raise
            time.sleep(min(10.0, 0.1 * 2**attempt) * random.uniform(0.5, 1.0))
    raise AssertionError


def version_of(found: Any) -> "UpdateVersion":
    """Return what a conditional write needs: ETag, version or both, as the provider has them."""
    return {key: found[key] for key in ("e_tag", "version") if found.get(key) is not None}  # type: ignore[return-value]
