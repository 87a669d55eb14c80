"""Exports in a bucket: what browsers are told of them, and how they are replaced.

Nothing can be renamed there. A single file is built on a disk and then uploaded, in parts where it
is large, and appears whole. The files of a folder go to their place at once, below a manifest that
says that it is unfinished; the right manifest comes last, so that a folder whose export was killed
is known as one. Whoever writes holds the lease of the path.
"""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tilecppn.addresses import BucketPath
from tilecppn.errors import RenderError
from tilecppn.exporters import provenance
from tilecppn.exporters.fetched import fetched
from tilecppn.exporters.provenance import MANIFEST, Provenance
from tilecppn.storage.bucket import Bucket

TYPES = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".dzi": "application/xml",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mbtiles": "application/vnd.sqlite3",
    ".pdf": "application/pdf",
    ".pmtiles": "application/vnd.pmtiles",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".szi": "application/zip",
    ".tif": "image/tiff",
    ".webp": "image/webp",
    ".xml": "application/xml",
}
# What names all others is asked for each time; a tile may be kept for a day.
ASKED_AGAIN = {".dzi", ".html", ".json", ".xml"}
AT_ONCE = 16  # uploads of one thread that makes tiles
_UNFINISHED = json.dumps({"unfinished": True}).encode()

Put = Callable[[str, bytes], None]  # a file of a folder by its name


def headers(name: str) -> dict[str, str]:
    """Content-Type and Cache-Control of a file by its suffix."""
    suffix = Path(name).suffix.lower()
    return {
        "Content-Type": TYPES.get(suffix, "application/octet-stream"),
        "Cache-Control": "no-cache" if suffix in ASKED_AGAIN else "public, max-age=86400",
    }


@contextlib.contextmanager
def uploads(folder: BucketPath) -> Iterator[Put]:
    """What writes files of a folder, several at once; all are there at the end of the block."""
    bucket = Bucket(folder)
    pending: list[Future[None]] = []
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tilecppn-upload") as pool:
        yield lambda name, data: pending.append(pool.submit(bucket.put, name, data, headers(name)))
    for future in pending:
        future.result()


def read_provenance(path: BucketPath) -> Provenance | None:
    """What an export says of itself, as `provenance.read`; a single file is downloaded."""
    try:
        files = Bucket(path)
        record = files.get(MANIFEST, provenance.MAX_MANIFEST)
    except FileNotFoundError:
        with fetched(path) as copy:
            return provenance.read(copy)
    sizes = ((name, meta["size"]) for name, meta in files.objects())
    return provenance.read_listed(record, sizes)


def is_free(path: BucketPath, *, folder: bool) -> bool:
    """Whether nothing is there, or a folder whose export was not finished."""
    bucket = Bucket(path)
    if Bucket(path.parent).size(path.name) is not None:
        return False
    return next(bucket.objects(), None) is None or (folder and _is_unfinished(bucket))


def seal_folder(path: BucketPath, made: Provenance) -> None:
    """Write the manifest of a folder whose other files are all there."""
    bucket = Bucket(path)
    sizes = ((name, meta["size"]) for name, meta in bucket.objects())
    text = provenance.sealed_manifest(made, sizes)
    bucket.put(MANIFEST, text.encode(), headers(MANIFEST))


@contextlib.contextmanager
def replacing_folder(path: BucketPath) -> Iterator[BucketPath]:
    """As `output.replacing`, for a folder: it is emptied, marked, and filled where it is."""
    bucket = Bucket(path)
    bucket.put(MANIFEST, _UNFINISHED, headers(MANIFEST))
    bucket.delete_all(keep={MANIFEST})
    try:
        yield path
    except BaseException:
        with contextlib.suppress(OSError):  # it stays marked, and is emptied by the next export
            bucket.delete_all(keep={MANIFEST})
            bucket.delete(MANIFEST)
        raise


@contextlib.contextmanager
def replacing_file(path: BucketPath) -> Iterator[Path]:
    """As `output.replacing`, for a single file: a new one on a disk, uploaded at the end."""
    bucket = Bucket(path.parent)
    before = bucket.identity(path.name)
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder, path.name)
        temporary.touch()
        yield temporary
        if bucket.identity(path.name) != before:
            raise RenderError(
                f"{path}: something was put there while tilecppn was writing; nothing was "
                "replaced; choose another path"
            )
        bucket.put(path.name, temporary, headers(path.name))


def remove(path: BucketPath) -> None:
    """Delete an object, if it is there."""
    Bucket(path.parent).delete(path.name)


def size_of(path: BucketPath) -> int:
    """The bytes of an object, or of all in a folder."""
    size = Bucket(path.parent).size(path.name)
    return sum(meta["size"] for _, meta in Bucket(path).objects()) if size is None else size


def _is_unfinished(bucket: Bucket) -> bool:
    try:
        return bucket.get(MANIFEST) == _UNFINISHED
    except FileNotFoundError:
        return False
