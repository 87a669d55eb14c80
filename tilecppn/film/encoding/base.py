"""Base classes of all kinds of film: options, the encoding of a clip, the target file."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from tilecppn import ffmpeg
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.output.provenance import FILM, Provenance
from tilecppn.film.encoding.frames import FrameFormat, Frames
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.sections import About

REVISION = 5  # raised whenever the same frames give other bytes


VIDEOS, STORES = "videos (.mp4, .mov, .webm, .mkv)", "stores"  # kinds of films
ANIMATED, FOLDERS = "animated images (.gif, .webp, .png)", "folders of frames"
_KIND_OF = {"plays": ANIMATED, "format": FOLDERS}  # by options; all others are of videos


@dataclass(frozen=True)
class FilmOptions:
    """The options of a film; None is the target's default."""

    codec: str | None = None  # of a video; a key of CODECS
    crf: int | None = None  # of a video: constant quality, smaller is better
    even: str | None = None  # of a video with odd sides: "pad" or "crop"
    format: str | None = None  # of a folder of frames: "png" or "tif"
    clip: float | None = None  # of a video: seconds encoded in one piece, 0 for the whole film
    plays: int | None = None  # of an animation: how many times it plays, 0 for endless
    audio: Path | None = None  # of a video: a file with its sound
    transfer: str | None = None  # of a video of 10 bits: "pq" or "hlg" for HDR
    peak: float | None = None  # of HDR: cd/m² of white

    def check_kind(self, path: Path, kind: str) -> None:
        """Raise ExportError if an option is given that applies to another kind of film."""
        for name, value in vars(self).items():
            own = _KIND_OF.get(name, VIDEOS)
            if value is not None and own != kind:
                raise ExportError(f"{path}: --{name} applies only to {own}; leave it out")


class DiskFootprint(NamedTuple):
    """The frames that are on the disk at the same time, at least; encoded clips come on top."""

    frames: int
    itemsize: int = 4  # most bytes per value


@dataclass(frozen=True)
class Encoding(ABC):
    """How a clip is encoded from its frames. Picklable, since it is sent to the workers."""

    frame_format: FrameFormat

    @property
    def encoding_id(self) -> str:
        """A short hash of everything that decides a clip's bytes apart from its frames.

        Only clips with the same id can be joined.
        """
        values = asdict(self)
        values["shape"] = values.pop("frame_format")  # the key used by stored films
        for name in ("plays", "hdr"):
            if not values.get(name, True):
                del values[name]
        record = [type(self).__name__, REVISION, values, ffmpeg.version()]
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]

    @abstractmethod
    def write(self, path: Path, frames: Frames) -> None:
        """Encode `frames` into the file `path`.

        Raises RenderError, OSError, and what `frames.check_cancelled` raises.
        """


@dataclass(frozen=True)
class Target(ABC):
    """The file or folder that a film becomes: encoded clips, joined in order."""

    path: Path
    encoding: Encoding
    frames: int  # of the film
    clip: int  # frames in a clip
    kind: ClassVar[str] = FILM  # see `atomic.CONTENTS`

    @property
    @abstractmethod
    def label(self) -> str:
        """The codec or format, for messages."""

    @property
    def footprint(self) -> DiskFootprint:
        """The frames that are on the disk at the same time while the film is made."""
        return DiskFootprint(self.clip)

    @abstractmethod
    def join(
        self, clips: Sequence[Path], info: Provenance, check_cancelled: CheckCancelled
    ) -> None:
        """Join all clips into `path`, atomically, with `info` in it.

        Raises RenderError, OSError, and what `check_cancelled` raises.
        """

    def for_encoding(self, timeline: Timeline) -> Timeline:
        """Return the same film with frames only as exact as the encoding can show."""
        return timeline

    def provenance(self, timeline: Timeline) -> Provenance:
        """Return the provenance to embed in the film."""
        encoding, about = self.encoding.encoding_id, timeline.about
        if about != About():  # keeps the record's length, see `Provenance.line`
            encoding = hashlib.sha256(f"{encoding}{about!r}".encode()).hexdigest()[: len(encoding)]
        source, fingerprint = timeline.shared_toml(), timeline.fingerprint
        return Provenance(self.kind, source, fingerprint, encoding, about=about)


def check_count(made: int, wanted: int) -> None:
    """Raise RenderError unless ffmpeg wrote as many frames as it was given."""
    if made != wanted:
        raise RenderError(f"ffmpeg wrote {made} frames of {wanted}")
