"""Outputs in a bucket, and how they are replaced.

A bucket has no renames. A single file is built on a disk and then uploaded, in parts if it is
large, and appears whole. The files of a folder are uploaded to their final names under a manifest
that marks it as unfinished; the real manifest comes last, so that the remains of a killed export
are recognised. A writer holds the lease of the path.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tilecppn.addresses import BucketPath
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output.destination import Destination
from tilecppn.exporters.output.folder_checksums import MANIFEST
from tilecppn.storage.bucket import Bucket
from tilecppn.storage.lease import Lease, leased

_UNFINISHED = json.dumps({"unfinished": True}).encode()


class BucketDestination(Destination):
    """The path of an object, or of a folder of objects."""

    path: BucketPath

    def is_free(self, *, folder: bool) -> bool:
        """Return whether nothing is there that could be lost; an unfinished folder does
        not count.
        """
        bucket = Bucket(self.path)
        if Bucket(self.path.parent).has(self.path.name):
            return False
        return next(bucket.objects(), None) is None or _is_unfinished(bucket)

    def claimed(self) -> contextlib.AbstractContextManager[Lease]:
        return leased(self.path, transient=True)

    def replacing(self, *, folder: bool) -> contextlib.AbstractContextManager[Path]:
        return self._replacing_folder() if folder else self._replacing_file()

    @contextlib.contextmanager
    def _replacing_file(self) -> Iterator[Path]:
        bucket = Bucket(self.path.parent)
        before = bucket.file_id(self.path.name)
        with self.workplace() as folder:
            temporary = folder / self.path.name
            temporary.touch()
            yield temporary
            if bucket.file_id(self.path.name) != before:
                raise self.taken()
            bucket.put(self.path.name, temporary)

    @contextlib.contextmanager
    def _replacing_folder(self) -> Iterator[Path]:
        """Empty the folder, mark it as unfinished, and let the block fill it in place."""
        bucket = Bucket(self.path)
        bucket.put(MANIFEST, _UNFINISHED)
        bucket.delete_all(keep={MANIFEST})
        try:
            yield self.path
        except BaseException:
            with contextlib.suppress(OSError):  # the mark stays, and the next export empties it
                bucket.delete_all(keep={MANIFEST})
                bucket.delete(MANIFEST)
            raise

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    @contextlib.contextmanager
    def fetched(self) -> Iterator[Path]:
        path = self.path
        has_tiles = suffix_of(path) in (".dzi", ".html")  # beside it; else it may be a folder
        tiles = f"{path.stem}_files" if has_tiles else path.name
        with self.workplace() as folder:
            for name in (path.name, f"{tiles}/{MANIFEST}"):
                with contextlib.suppress(FileNotFoundError):
                    Bucket(path.parent).download(name, folder / name)
                    if not has_tiles:
                        break
            yield folder / path.name

    def remove(self) -> None:
        Bucket(self.path.parent).delete(self.path.name)


def _is_unfinished(bucket: Bucket) -> bool:
    try:
        return bucket.get(MANIFEST) == _UNFINISHED
    except FileNotFoundError:
        return False
