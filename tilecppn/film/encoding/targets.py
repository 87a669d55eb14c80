"""Choose the target of a path by its suffix, with a trial so that failures come early."""

import errno
import os
import tempfile
from dataclasses import replace
from functools import lru_cache
from itertools import repeat
from pathlib import Path

import numpy as np

from tilecppn import ffmpeg
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.film.encoding.animation import AnimationTarget
from tilecppn.film.encoding.base import STORES, FilmOptions, Target
from tilecppn.film.encoding.codecs import ANIMATIONS, CONTAINERS, suffix_of
from tilecppn.film.encoding.frames import Frames
from tilecppn.film.encoding.stills import StillsTarget
from tilecppn.film.encoding.video import VideoTarget
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.suggestions import suggestion

SMALL = 64  # pixels a side of a frame that every codec accepts


def choose_target(path: Path, timeline: Timeline, options: FilmOptions) -> Target | None:
    """Return the target for a path; None for a store (.zarr), which is not encoded.

    Encodes one black frame as a trial. Raises ExportError for an unknown suffix, an option or size
    that the target does not support, or an ffmpeg that cannot make it. Does not look at what exists
    at the path.
    """
    if not path.name or path.name == "..":
        raise ExportError(f"{path}: names no film; give a name, as in film.mp4")
    suffix = suffix_of(path)
    target: Target
    if suffix == ".zarr":
        options.check_kind(path, STORES)
        return None
    if suffix in CONTAINERS:
        target = VideoTarget.of(path, timeline, options)
    elif suffix in ANIMATIONS:
        target = AnimationTarget.of(path, timeline, options)
    elif suffix == "":
        target = StillsTarget.of(path, timeline, options)
    else:
        known = [*CONTAINERS, *ANIMATIONS, ".zarr"]
        raise ExportError(
            f'{path}: unknown kind of film "{path.suffix}"; {suggestion(known, suffix)}; '
            "a folder of frames has no suffix"
        )
    if suffix:
        _check_ffmpeg(replace(target, path=Path("trial" + suffix), frames=1, clip=1))
    return target


def _check_ffmpeg(target: Target) -> None:
    """Raise ExportError if ffmpeg cannot make a film of one frame, and say why."""
    program = ffmpeg.executable()
    size = target.encoding.frame_format
    # Codecs have size limits, so a video is tried at full size first.
    full_size = isinstance(target, VideoTarget)
    fault = _fault(target, program) if full_size else None
    if full_size and fault is None:
        return
    small = replace(size, width=min(SMALL, size.width), height=min(SMALL, size.height))
    encoding = replace(target.encoding, frame_format=small)
    if words := _fault(replace(target, encoding=encoding), program):
        remedy = (
            "unset IMAGEIO_FFMPEG_EXE, or set it to a complete ffmpeg, version 5.1 or later"
            if os.environ.get("IMAGEIO_FFMPEG_EXE")
            else "pip install --upgrade imageio-ffmpeg"
        )
        raise ExportError(
            f"{program} ({ffmpeg.short_version()}) cannot make {target.label}: {words}; {remedy}"
        )
    if full_size:
        raise ExportError(
            f"{size.width} × {size.height}: cannot be a film of {target.label} ({fault})"
        )


@lru_cache
def _fault(target: Target, program: str) -> str | None:
    """Make a film of one black frame and return the error; None if it works.

    `program` is the ffmpeg, a key of the cache.
    """
    size = target.encoding.frame_format
    rows = 2 - size.height % 2
    band = np.zeros((rows, size.width, size.channels), f"u{min(size.itemsize, 2)}")
    black = Frames(range(1), lambda _: repeat(band, size.height // rows), str, lambda: None)
    info = Provenance(target.kind, "", "trial", target.encoding.encoding_id)
    with tempfile.TemporaryDirectory() as folder:
        clip, made = Path(folder, "clip"), replace(target, path=Path(folder, target.path))
        try:
            target.encoding.write(clip, black)
            made.join([clip], info, lambda: None)
        except (RenderError, OSError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            return str(error)
        found = provenance.read(made.path)
        return None if found and found.is_copy_of(info) else "its metadata is lost"
