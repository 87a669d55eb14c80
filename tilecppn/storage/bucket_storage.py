"""A store's objects in a bucket: conditional writes, listings instead of many small requests.

Objects cannot be renamed, and a write may arrive late, from a worker that was suspended while its
run was taken over. So a shard is written only if it does not exist (`If-None-Match: *`), or over a
placeholder of the same generation (`If-Match`); see docs/decisions/0038-buckets.md.
"""

import contextlib
import json
import re
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from re import Pattern
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from tilecppn.addresses import BucketPath
from tilecppn.errors import RenderError, StoreError
from tilecppn.storage.bucket import Bucket, version_of, with_retries
from tilecppn.storage.client import client_of
from tilecppn.storage.lease import Lease, held_lease, leased
from tilecppn.storage.names import DESCRIPTION
from tilecppn.storage.objects import UNFINISHED, Files, ObjectStorage
from tilecppn.storage.shard_file import GENERATION

if TYPE_CHECKING:
    from obstore import UpdateVersion

PARALLEL = 32  # small requests at a time
FOLDERS = 256  # listings that are cached
_OF_ARRAYS = re.compile(r"\d+/")  # names of objects in a level or in a film's frames
TAKEN = "another process writes there"


class _Listing:
    """The sizes of a folder's shards when it was listed, and the names asked for since."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self.asked: set[str] = set()


class BucketStorage(Bucket, ObjectStorage):
    """An `ObjectStorage` in a bucket. Belongs to one thread."""

    def __init__(self, path: BucketPath) -> None:
        """Create the client. Raises StoreError if obstore is missing, or the settings are wrong."""
        super().__init__(path)
        self._listings: LRUCache[str, _Listing] = LRUCache(FOLDERS)

    # Shards

    def has_shard(self, name: str, empty: bytes) -> bool:
        """Return whether a shard exists, from the listing of its folder.

        A missing shard that is asked for again may have been written since, so its own size is
        requested. Raises RenderError if this process held the lease and lost it.
        """
        lease = held_lease(self.address)
        if lease is None:
            return self._has_shard(name, empty)
        if lease.lost:
            raise RenderError(lease.why_lost)
        # A run has much to lose: it waits for a server that is away for a minute or two.
        return with_retries(lambda: self._has_shard(name, empty))

    def _has_shard(self, name: str, empty: bytes) -> bool:
        listing = self._listing(name.rpartition("/")[0])
        size = listing.sizes.get(name, 0)
        if size <= len(empty) and name in listing.asked:
            size = self.size(name) or 0
            listing.sizes[name] = size
        listing.asked.add(name)
        return size > len(empty)

    def shards(self, folder: str, empty: bytes) -> Iterator[tuple[int, int]]:
        for name, meta in self.objects(folder):
            row, _, col = name.removeprefix(f"{folder}/").partition("/")
            if meta["size"] > len(empty) and row.isdecimal() and col.isdecimal():
                yield int(row), int(col)

    def put_shard(self, name: str, data: bytes, empty: bytes, *, lasting: bool = True) -> None:
        """Write a shard if it does not exist, or over a placeholder of this generation.

        An empty object, as of a store that was copied from a disk after a power cut, is none.
        """
        if self.put_if(name, data, None) is not None:
            return
        with contextlib.suppress(FileNotFoundError):
            found = self.fetch(name)
            if found.data in (b"", empty) and self.put_if(name, data, found.version) is not None:
                return
        raise StoreError(
            f"{self.path / name}: holds other pixels than this run draws; another run has replaced "
            "the store; nothing was overwritten"
        )

    def sync(self, folders: Iterable[str]) -> None:
        """Do nothing: objects are durable once written."""

    def delete_shard(self, name: str, empty: bytes) -> None:
        """Replace a shard by its placeholder."""
        listing = self._listing(name.rpartition("/")[0])
        if listing.sizes.get(name, 0) == 0 and name not in listing.asked:
            return
        with contextlib.suppress(FileNotFoundError):
            found = self.fetch(name)
            if found.data != empty and self.put_if(name, empty, found.version) is None:
                raise StoreError(f"{self.path / name}: {TAKEN}")
        listing.sizes[name] = len(empty)

    def _listing(self, folder: str) -> _Listing:
        if folder not in self._listings:
            sizes = {name: int(meta["size"]) for name, meta in self.objects(folder)}
            self._listings[folder] = _Listing(sizes)
        return self._listings[folder]

    # The store

    def zarr(self) -> Any:
        from zarr.storage import ObjectStore

        return ObjectStore(client_of(self.address, self.address.key), read_only=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the store's lease; share it if this process already holds it."""
        with leased(self.address):
            self._listings.clear()
            yield

    def replace(self, files: Files) -> None:
        """Write objects over their current versions. Raises StoreError without the lease."""
        self._write(files.items(), {name: self.version(name) for name in files})

    @contextlib.contextmanager
    def create(
        self, files: Files, shards: Iterable[tuple[str, bytes]], *, overwrite: bool
    ) -> Iterator[None]:
        """Mark the group as unfinished, write everything else, then the group.

        If objects were there before, each shard gets a placeholder of this generation, which
        rejects late writes of older runs, and objects of arrays that the new store does not have
        are deleted.
        """
        with self.lock():
            found = self._versions()
            if DESCRIPTION in found and not overwrite and not self._is_unfinished():
                raise StoreError(f"{self.path}: {TAKEN}")
            self._write([(DESCRIPTION, _unfinished())], found)
            marked = self.version(DESCRIPTION)
            others = ((name, data) for name, data in files.items() if name != DESCRIPTION)
            self._write(others, found)
            if found:
                places = dict(shards)
                self._write(places.items(), found)
                left = found.keys() - files.keys() - places.keys()
                self._delete([name for name in left if _OF_ARRAYS.match(name)])
            self._write([(DESCRIPTION, files[DESCRIPTION])], {DESCRIPTION: marked})
            yield

    def reserve(self, shards: Iterable[tuple[str, bytes]]) -> None:
        """Replace placeholders, which may be of another generation, by these."""
        sizes = {name: meta["size"] for name, meta in self.objects()}
        found = self._versions()
        missing = ((name, empty) for name, empty in shards if sizes.get(name) == len(empty))
        self._write(missing, found)

    def new_generation(self) -> str:
        return secrets.token_hex(GENERATION)

    def why_not_a_store(self, *, reading: bool) -> str:
        if self.is_free():
            return f"{self.path}: no such store"
        if reading:
            return f"{self.path}: is not a store; try tilecppn info {self.path}"
        return f"{self.path}: holds objects that are not a store of tilecppn; choose another path"

    def is_free(self) -> bool:
        """Return whether there are no objects, or a store whose creation was not finished."""
        try:
            return next(self.objects(), None) is None or self._is_unfinished()
        except PermissionError as error:
            raise StoreError(f"{self.path}: {error.strerror}") from error

    def find_foreign(self, folder: Pattern[str], file: Pattern[str]) -> str | None:
        """Return an object whose name does not match; there are no folders."""
        names = (name for name, _ in self.objects())
        return next((name for name in names if not file.fullmatch(name)), None)

    def _write(
        self, files: Iterable[tuple[str, bytes]], known: "Mapping[str, UpdateVersion | None]"
    ) -> None:
        """Write objects, each over its known version.

        The lease must have been held when the versions were read. Raises StoreError if one has
        changed since.
        """
        lease: Lease | None = held_lease(self.address)
        if lease is None:
            raise StoreError(f"{self.path}: is written to without its lease")
        lease.renew()

        def write(item: tuple[str, bytes]) -> bool:
            name, data = item
            return self.put_if(name, data, known.get(name)) is not None

        with ThreadPoolExecutor(PARALLEL) as pool:
            if not all(pool.map(write, files)):
                raise StoreError(f"{self.path}: {TAKEN}; run it again")

    def _is_unfinished(self) -> bool:
        try:
            return bool(json.loads(self.get(DESCRIPTION))["attributes"]["tilecppn"][UNFINISHED])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return False

    def _versions(self) -> "dict[str, UpdateVersion | None]":
        """Return the versions of all objects, which obstore does not read in Google's listings."""
        listed = {name: version_of(meta) for name, meta in self.objects()}
        if self.address.scheme != "gs":
            return dict(listed)
        with ThreadPoolExecutor(PARALLEL) as pool:
            return dict(zip(listed, pool.map(self.version, listed), strict=True))


def _unfinished() -> bytes:
    """Return the zarr.json of a store that is being created, with a mark of its own."""
    mark = {"tilecppn": {UNFINISHED: uuid.uuid4().hex}}
    return json.dumps({"zarr_format": 3, "node_type": "group", "attributes": mark}).encode()
