"""Outputs replace nothing unasked, are built under a temporary name and appear whole.

Whoever writes to a path holds its lock from before anything is made until the output is in place:

    check_output(path, "still", overwrite=False)     refuse early
    with atomic_output(path) as temporary:           lock, build, put in place
        temporary.write_bytes(…)
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tilecppn import filesystem
from tilecppn.addresses import BucketPath
from tilecppn.errors import ExportError, RenderError, StoreError
from tilecppn.exporters import provenance
from tilecppn.exporters.bucket_output import BucketDestination
from tilecppn.exporters.destination import Destination
from tilecppn.exporters.disk_output import DiskDestination
from tilecppn.exporters.provenance import Provenance
from tilecppn.storage.identity import check_outside_stores
from tilecppn.storage.places import storage_of

CONTENTS = {  # what an output holds, in words
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
FOLDERS = {"frames", "iiif", "xyz", "zoomify"}  # kinds that may fill an empty folder


def destination_of(path: Path) -> Destination:
    """Where an output of a path lies."""
    return BucketDestination(path) if isinstance(path, BucketPath) else DiskDestination(path)


def check_output(path: Path, kind: str, *, overwrite: bool) -> None:
    """Raise ExportError unless an output of a kind may be written to `path`.

    kind: one of `CONTENTS`. It may where nothing is, and with `overwrite` where an output of that
    kind is that tilecppn made and nobody changed since.
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
    """What an output says of itself, as `provenance.read`, also in a bucket. Raises OSError."""
    if (found := provenance.read_folder(path)) is not None:
        return found
    with fetched(path) as copy:
        # To read what is no file, such as a pipe, could take for ever.
        return provenance.read(copy) if copy.is_file() else None


def fetched(path: Path) -> contextlib.AbstractContextManager[Path]:
    """As `Destination.fetched`."""
    return destination_of(path).fetched()


def _why_kept(path: Path, kind: str) -> str | None:
    """Why what is at `path` is never replaced; None for an unchanged output of that kind."""
    found = read_provenance(path)
    if found is None:
        return "was not made by tilecppn (or by version 0.1.0, which leaves no digest)"
    if found.kind != kind:
        contents = CONTENTS.get(found.kind, "what another version of tilecppn made")
        return f"holds {contents}, not {CONTENTS[kind]}"
    return None if found.intact else "was changed or damaged since tilecppn made it"


@contextlib.contextmanager
def naming_destination(dest: Path) -> Iterator[None]:
    """Turn an OSError in the block into RenderError, which names `dest` and the file it was."""
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
    """Hold the right to write to some paths; what killed processes left beside them goes first.

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
    """A new empty file or folder that becomes `path` at the end of the block.

    The caller has `claimed` the path and checked what is there, which goes then; on an error the
    new one does. If something else is there by the end, nothing is replaced: RenderError. A file,
    and the name of either, outlives a power cut from then on; what is in a folder is for the block
    to see to.
    """
    return destination_of(path).replacing(folder=folder)


@contextlib.contextmanager
def sealed(path: Path) -> Iterator[Path]:
    """As `replacing`, of a file, whose record gets its digest at the end."""
    with replacing(path) as temporary:
        yield temporary
        provenance.seal(temporary)


@contextlib.contextmanager
def atomic_output(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """As `replacing`, with the path claimed."""
    with claimed(path), replacing(path, folder=folder) as temporary:
        yield temporary


def is_folder(path: Path) -> bool:
    """Whether a path is that of a folder with files in it."""
    return next(storage_of(path).sizes(), None) is not None


def size_of(path: Path) -> int:
    """The bytes of a file, or of all in a folder."""
    inside = sum(size for _, size in storage_of(path).sizes())
    return inside or storage_of(path.parent).size(path.name) or 0
