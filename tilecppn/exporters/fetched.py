"""What identifies an export in a bucket, brought to a disk to be read there."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tilecppn.addresses import BucketPath
from tilecppn.exporters.options import suffix_of
from tilecppn.exporters.provenance import MANIFEST
from tilecppn.storage.bucket import Bucket


@contextlib.contextmanager
def fetched(path: Path) -> Iterator[Path]:
    """The path of an export on a disk, or of a copy of one in a bucket: of a folder its manifest.

    The copy has the same name. Of an object that is not there, nothing is.
    """
    if not isinstance(path, BucketPath):
        yield path
        return
    bucket = Bucket(path.parent)
    names = [path.name]
    if suffix_of(path) in (".dzi", ".html"):
        names.append(f"{path.stem}_files/{MANIFEST}")
    elif not path.suffix:
        names = [f"{path.name}/{MANIFEST}"]
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                file = Path(folder, name)
                file.parent.mkdir(exist_ok=True)
                bucket.download(name, file)
        yield Path(folder, path.name)
