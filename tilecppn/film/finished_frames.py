"""Read existing frames of a film, from a store or a folder of frames."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import InvalidRequestError, RenderError, StoreError
from tilecppn.exporters.encoding import png
from tilecppn.exporters.output import folder_checksums, provenance
from tilecppn.film.embedded_timeline import embedded_timeline, is_film_store
from tilecppn.film.encoding.frames import FrameFormat
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Window
from tilecppn.storage.base_store import LISTED
from tilecppn.storage.crc32c import crc32c_of
from tilecppn.storage.places import storage_of


class FrameReader(Protocol):
    """Reads pixels of frames: a film's store, or a folder of frames."""

    def read(self, frame: int, window: Window) -> NDArray[Any]:
        """Read pixels (channels, height, width). Raises RenderError for a damaged frame."""


class StoredFrames(FrameReader):
    """The frames of a film's store. For one thread only."""

    def __init__(self, store: FilmStore) -> None:
        self.store = store

    def read(self, frame: int, window: Window) -> NDArray[Any]:
        try:
            return self.store.read(frame, window)
        finally:
            self.store.check_read()


@dataclass(frozen=True)
class FinishedFrames:
    """The existing frames of a film: its frame k is frame `first` + k there. Picklable.

    fingerprint: of all the frames there. arithmetic: of the kernel that drew them; None for a
    folder, which does not record it. complete: whether all frames exist.
    """

    given: str  # the path as given, for messages
    path: str  # absolute; on a cluster, of a disk that all nodes share
    first: int
    fingerprint: str
    arithmetic: Arithmetic | None
    complete: bool

    def open(self) -> FrameReader:
        """Open the store or folder, for one thread. Raises StoreError."""
        if self.arithmetic is None:
            return FrameFolder(Path(self.path))
        store = FilmStore(self.path)
        if store.timeline.fingerprint != self.fingerprint:
            raise StoreError(f"{self.given}: was replaced by another film")
        return StoredFrames(store)


def finished_frames(path: Path, timeline: Timeline) -> FinishedFrames | str:
    """Find the frames of `timeline`, or of a longer excerpt of its film, at `path`.

    Returns the reason as text if they cannot be used. Raises StoreError for a damaged store.
    """
    store, folder = FilmStore(path) if is_film_store(path) else None, None
    if store is None:
        made = provenance.read(path)
        if made is None or not made.intact:
            return "was changed since it was made"
        folder = FrameFolder(path)
        if folder.is_rounded(timeline):
            return "has 16 bits of values that have 32"
    try:
        there = _timeline_at(path, timeline) if store is None else store.timeline
    except InvalidRequestError as error:
        return str(error).removeprefix(f"{path}: ")
    if _whole(there).fingerprint != _whole(timeline).fingerprint:
        found = there.differences(timeline) or ["the networks' weights differ"]
        return f"has the frames of another film ({'; '.join(found[:LISTED])})"
    first = timeline.film.first - there.film.first
    if not 0 <= first <= there.frames - timeline.frames:
        last = there.film.first + there.frames - 1
        return f"has only frames {there.film.first} to {last} of the film"
    if folder is not None and folder.frames != there.frames:
        return "has no checksums of its frames"
    complete = store is None or all(
        store.has(shard)
        for frame in range(first, first + timeline.frames)
        for shard in store.plan.frame_shards(frame)
    )
    arithmetic = None if store is None else store.arithmetic
    whole = str(path.absolute())
    return FinishedFrames(str(path), whole, first, there.fingerprint, arithmetic, complete)


def _timeline_at(folder: Path, timeline: Timeline) -> Timeline:
    """Return the timeline of a folder of frames.

    The folder does not hold weights files, so a folder of `timeline` itself is recognised by its
    fingerprint.
    """
    made = provenance.read_manifest(folder)
    if made is not None and made.fingerprint == timeline.fingerprint:
        return timeline
    found = embedded_timeline(folder)
    if found is None:
        raise InvalidRequestError("is no folder of frames")
    return found


def _whole(timeline: Timeline) -> Timeline:
    return timeline.replace(excerpt=None)


class FrameFolder:
    """A folder of frames, written by `StillsTarget`. For one thread only.

    Each file is compared with the folder's list of checksums before it is used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        listed = folder_checksums.read_list(storage_of(path))
        self._files = sorted((name, crc) for crc, name in listed)
        self._frame, self._pixels = -1, np.empty((0, 0, 0))  # the last one read

    @property
    def frames(self) -> int:
        """How many frames its list of checksums names."""
        return len(self._files)

    @property
    def format(self) -> str:
        """The format of its files, "png" or "tif"; "" if there are none."""
        return Path(self._files[0][0]).suffix[1:] if self._files else ""

    def is_rounded(self, timeline: Timeline) -> bool:
        """Return whether its files have fewer bits than the frames of the film."""
        return self.format == "png" and FrameFormat.of(timeline).itemsize > 2

    def read(self, frame: int, window: Window) -> NDArray[Any]:
        """Read pixels (channels, height, width) of a frame, counted from the folder's first.

        Raises RenderError if it is missing, or is not as it was made.
        """
        if frame != self._frame:
            self._pixels, self._frame = self._decoded(frame), frame
        return self._pixels[:, window.top : window.bottom, window.left : window.right]

    def _decoded(self, frame: int) -> NDArray[Any]:
        name, crc = self._files[frame]
        file = self.path / name
        remedy = "put the right file there, or draw the film from its timeline"
        try:
            data = file.read_bytes()
        except OSError as error:
            raise RenderError(f"{file}: {error.strerror or error}; {remedy}") from None
        if crc32c_of([data]) != crc:
            raise RenderError(f"{file}: was changed or damaged since it was made; {remedy}")
        image = png.decode_png(data) if file.suffix == ".png" else _tiff(file)
        return np.ascontiguousarray(np.moveaxis(image, -1, 0))


def _tiff(file: Path) -> NDArray[Any]:
    import tifffile

    image = tifffile.imread(file)
    return image[..., None] if image.ndim == 2 else image
