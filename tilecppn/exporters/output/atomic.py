"""Write outputs: replace nothing without permission, build under a temporary name, appear whole.

A writer holds the lock of the path from before it starts until the output is in place:

    check_output(path, "still", overwrite=False)     fail early
    with atomic_output(path) as temporary:           lock, build, put in place
        temporary.write_bytes(…)
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tilecppn import filesystem
from tilecppn.addresses import BucketPath
from tilecppn.errors import ExportError, RenderError, StoreError
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.bucket import BucketDestination
from tilecppn.exporters.output.destination import Destination
from tilecppn.exporters.output.disk import DiskDestination
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.storage.metadata import check_outside_stores
from tilecppn.storage.places import storage_of

CONTENTS = {  # kinds of output, with their description in messages
    "still": "a still",
    "film": "a film",
    "frames": "the frames of a film",
    "dzi": "tiles for Deep Zoom",
    "descriptor": "the descriptor of a Deep Zoom pyramid",
    "page": "the page of a Deep Zoom pyramid",
    "live": "a page that draws a picture itself",
    "shader": "a function in a shader language",
    "szi": "a Deep Zoom pyramid in one file",
    "pmtiles": "a pyramid for maps in one file",
    "mbtiles": "a pyramid for maps in one SQLite file",
    "iiif": "tiles for IIIF",
    "xyz": "tiles for XYZ",
    "zoomify": "tiles for Zoomify",
}
FOLDERS = {"frames", "iiif", "xyz", "zoomify"}  # kinds that may be written into an empty folder


def destination_of(path: Path) -> Destination:
    """Return the destination of an output's path, on a disk or in a bucket."""
    return BucketDestination(path) if isinstance(path, BucketPath) else DiskDestination(path)


def check_output(path: Path, kind: str, *, overwrite: bool) -> None:
    """Raise ExportError unless an output of a kind may be written to `path`.

    kind: one of `CONTENTS`. Allowed if nothing exists there, and with `overwrite` if it is an
    output of the same kind that tilecppn made and that has not been modified since.
    """
    try:
        if destination_of(path).is_free(folder=kind in FOLDERS):
            check_outside_stores(path)
            return
        why = _why_kept(path, kind)
    except StoreError as error:
        raise ExportError(f"{error}") from None
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror or error}") from None
    if why is not None:
        raise ExportError(
            f"{path}: already exists and {why}; delete or rename it, or choose another path"
        )
    if not overwrite:
        raise ExportError(
            f"{path}: already exists; add --overwrite to replace it, or choose another path"
        )


def read_provenance(path: Path) -> Provenance | None:
    """Return the provenance of an output, also in a bucket. Raises OSError."""
    if (found := provenance.read_folder(path)) is not None:
        return found
    with fetched(path) as copy:
        # Reading a pipe or another special file could block for ever.
        return provenance.read(copy) if copy.is_file() else None


def fetched(path: Path) -> contextlib.AbstractContextManager[Path]:
    """Return `Destination.fetched` of a path."""
    return destination_of(path).fetched()


def _why_kept(path: Path, kind: str) -> str | None:
    """Return why the output at `path` must not be replaced; None for an unchanged one of
    that kind.
    """
    found = read_provenance(path)
    if found is None:
        return "was not made by tilecppn, or cannot be recognised as such"
    if found.kind != kind:
        contents = CONTENTS.get(found.kind, "what another version of tilecppn made")
        return f"holds {contents}, not {CONTENTS[kind]}"
    return None if found.intact else "was changed or damaged since tilecppn made it"


@contextlib.contextmanager
def naming_destination(dest: Path) -> Iterator[None]:
    """Convert an OSError in the block to RenderError, which names `dest` and the file."""
    try:
        yield
    except OSError as error:
        name = error.filename
        hidden = filesystem.is_temporary(str(name)) or str(name).endswith(".lock")
        ours = name is None or hidden or str(name) == str(dest)
        why = error.strerror or str(error)
        file = "" if ours else f" ({filesystem.final_path(str(name))})"
        raise RenderError(f"{dest}: cannot be written: {why}{file}") from error


@contextlib.contextmanager
def claimed(*paths: Path) -> Iterator[None]:
    """Lock some paths for writing; first remove what killed processes left beside them.

    Raises ExportError if another process is writing to one of them, or if the disk has no locks.
    """
    with contextlib.ExitStack() as stack:
        try:
            for path in paths:
                stack.enter_context(destination_of(path).claimed())
        except StoreError as error:
            raise ExportError(str(error)) from None
        yield


def replacing(path: Path, *, folder: bool = False) -> contextlib.AbstractContextManager[Path]:
    """Create a new empty file or folder that replaces `path` when the block ends.

    The caller has `claimed` the path and checked what exists there, which is deleted then; on an
    error the new one is. Raises RenderError, replacing nothing, if something else has appeared by
    the end. Afterwards a file, and the name of either, survive a power cut; the block must sync
    the contents of a folder itself.
    """
    return destination_of(path).replacing(folder=folder)


@contextlib.contextmanager
def sealed(path: Path) -> Iterator[Path]:
    """Do what `replacing` does for a file, and fill in the digest of its record at the end."""
    with replacing(path) as temporary:
        yield temporary
        provenance.seal(temporary)


@contextlib.contextmanager
def atomic_output(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Claim a path, and do what `replacing` does."""
    with claimed(path), replacing(path, folder=folder) as temporary:
        yield temporary


def is_folder(path: Path) -> bool:
    """Return whether there is a folder with files at a path."""
    return next(storage_of(path).sizes(), None) is not None


def size_of(path: Path) -> int:
    """Return the size in bytes of a file, or of all files in a folder."""
    inside = sum(size for _, size in storage_of(path).sizes())
    return inside or storage_of(path.parent).size(path.name) or 0
