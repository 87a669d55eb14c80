"""What a film is made into, chosen by the destination's suffix and refused early.

Every target names the encoding of its clips, how many frames a clip has, how the clips become
the destination, and what is there already.
"""

import contextlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import numpy as np

from tilecppn import filesystem
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.manifest import MANIFEST, check_folder, read_manifest
from tilecppn.exporters.output import atomic_output, check_safe_to_overwrite, check_same_kind
from tilecppn.film.disk_estimate import DiskFootprint
from tilecppn.film.encoding import ffmpeg, metadata
from tilecppn.film.encoding.clips import (
    AnimationEncoding,
    Encoding,
    Frames,
    Shape,
    StillEncoding,
    VideoEncoding,
    check_count,
)
from tilecppn.film.encoding.codecs import ANIMATIONS, CODECS, CONTAINERS, STILLS
from tilecppn.film.encoding.metadata import FilmMetadata
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.names import suggestion
from tilecppn.storage.directory import is_written

CLIP_SECONDS = 1.0  # of film in a clip, unless a person says otherwise
FRAMES = "frames"  # the kind of a folder of them
EVEN = ("pad", "crop")


@dataclass(frozen=True)
class FilmOptions:
    """What a person may choose; None is the target's own."""

    codec: str | None = None
    crf: int | None = None
    even: str | None = None
    format: str | None = None
    clip: float | None = None  # seconds


@dataclass(frozen=True)
class Target:
    """`join(clips, mark, pause)` makes the destination; `made()` tells which film is there.

    `whole()` tells of a film that was made whether all its frames are still there, as far as that
    can be told without decoding them.
    """

    path: Path
    encoding: Encoding
    clip: int  # frames
    kept: DiskFootprint
    join: Callable[[Sequence[Path], FilmMetadata, CheckCancelled], None]
    made: Callable[[], FilmMetadata | None]
    whole: Callable[[], bool] = lambda: True

    def mark(self, timeline: Timeline) -> FilmMetadata:
        return FilmMetadata(timeline.fingerprint, self.encoding.recipe, timeline.to_toml())


def choose_target(path: Path, timeline: Timeline, choices: FilmOptions) -> Target | None:
    """The target of a destination; None for a store (.zarr), which needs no clips.

    Raises ExportError for an unknown suffix, a choice that the target has not, a size that it
    cannot have, or somebody else's file that is there.
    """
    if not path.name or path.name == "..":
        raise ExportError(f"{path}: names no film; give a name, as in film.mp4")
    suffix = path.suffix
    if suffix == ".zarr":
        _only(choices, path, ())
        return None
    canvas, output = timeline.base.canvas, timeline.base.output
    shape = Shape(
        canvas.width,
        canvas.height,
        timeline.channels,
        output.itemsize,
        str(timeline.film.fps),
    )
    if suffix in CONTAINERS:
        _only(choices, path, ("codec", "crf", "even", "clip"))
        return _video(path, shape, timeline, choices)
    if suffix in ANIMATIONS:
        _only(choices, path, ())
        return _animation(path, shape, timeline)
    if suffix == "":
        _only(choices, path, ("format",))
        return _stills(path, shape, timeline, choices)
    known = [*CONTAINERS, *ANIMATIONS, ".zarr"]
    raise ExportError(
        f'{path}: unknown kind of film "{suffix}"; {suggestion(known, suffix)}; '
        "a folder of frames has no suffix"
    )


def _only(choices: FilmOptions, path: Path, taken: tuple[str, ...]) -> None:
    for name, value in vars(choices).items():
        if value is not None and name not in taken:
            raise ExportError(f"{path}: --{name} is not for this kind of film; leave it out")


def _video(path: Path, shape: Shape, timeline: Timeline, choices: FilmOptions) -> Target:
    container = CONTAINERS[path.suffix]
    name = choices.codec or container.codecs[0]
    if name not in CODECS:
        raise ExportError(f'unknown codec "{name}"; {suggestion(CODECS, name)}')
    if name not in container.codecs:
        raise ExportError(
            f"{path}: a {path.suffix} file has {', '.join(container.codecs)}, not {name}"
        )
    codec = CODECS[name]
    crf = choices.crf
    if codec.quality is None:
        if crf is not None:
            raise ExportError(f"--crf {crf}: {name} has no such quality; leave it out")
    elif crf is None:
        crf = codec.quality.default
    elif not codec.quality.best <= crf <= codec.quality.worst:
        raise ExportError(
            f"--crf {crf}: must be from {codec.quality.best} (best) to {codec.quality.worst} "
            f"for {name}"
        )
    odd = shape.width % codec.step[0] or shape.height % codec.step[1]
    if choices.even is not None and choices.even not in EVEN:
        raise ExportError(f'--even {choices.even}: must be "pad" or "crop"')
    if odd and choices.even is None:
        raise ExportError(
            f"{shape.width} × {shape.height}: {name} ({codec.pixels}) needs even sides; give "
            "--even pad (repeat the last row or column) or --even crop, or another canvas"
        )
    check_safe_to_overwrite(path, lambda p: metadata.read(p) is not None)
    fps = timeline.film.fps
    length = CLIP_SECONDS if choices.clip is None else choices.clip
    if not 0 <= length < math.inf:
        raise ExportError(f"--clip {length:g}: must be a number of seconds, 0 for the whole film")
    frames = int(Fraction(length) * fps + Fraction(1, 2))
    clip = min(max(1, frames), timeline.frames) if length > 0 else timeline.frames
    encoding = VideoEncoding(shape, name, crf, choices.even if odd else None)
    _try(encoding, shape, name)

    def join(clips: Sequence[Path], mark: FilmMetadata, check_cancelled: CheckCancelled) -> None:
        """One after the other, as they are; then the mark."""
        listing, text = filesystem.temporary_path(clips[0]), filesystem.temporary_path(clips[0])
        listing.write_text("".join(f"file '{clip.name}'\n" for clip in clips), encoding="utf-8")
        text.write_text(ffmpeg.metadata_file({metadata.KEY: mark.to_text()}), encoding="utf-8")
        with atomic_output(path) as temporary:
            joined = ffmpeg.run(
                [
                    *("-f", "concat", "-safe", "0", "-i", str(listing)),
                    *("-f", "ffmetadata", "-i", str(text)),
                    *("-map", "0:v", "-map_metadata", "1", "-c", "copy", *codec.tag),
                    *ffmpeg.EXACT,
                    *container.arguments,
                    str(temporary),
                ],
                check_cancelled=check_cancelled,
            )
            check_count(joined, timeline.frames)

    def whole() -> bool:
        packets = ["-i", str(path), "-map", "0:v", "-c", "copy", "-f", "null", "-"]
        with contextlib.suppress(RenderError):
            return ffmpeg.run(packets) == timeline.frames
        return False

    return Target(
        path, encoding, clip, DiskFootprint(clip), join, lambda: metadata.read(path), whole
    )


def _try(encoding: VideoEncoding, shape: Shape, codec: str) -> None:
    """Raise ExportError if one black frame cannot be encoded: each codec has its own limits."""
    row = np.zeros((1, shape.width, shape.channels), f"u{min(shape.itemsize, 2)}")
    black = Frames(range(1), lambda _: repeat(row, shape.height), str, lambda: None)
    with tempfile.TemporaryDirectory() as folder:
        try:
            encoding.write(Path(folder, "black"), black)
        except RenderError as error:
            raise ExportError(
                f"{shape.width} × {shape.height}: cannot be a film of {codec} ({error})"
            ) from None


def _animation(path: Path, shape: Shape, timeline: Timeline) -> Target:
    row = ANIMATIONS[path.suffix]
    if timeline.film.fps > row.fps:
        raise ExportError(
            f"{path}: film.fps = {timeline.film.fps}: must be {row.fps} at most for {path.suffix}"
        )
    if max(shape.width, shape.height) > row.side:
        raise ExportError(f"{path}: {path.suffix} has {row.side} pixels a side at most")
    check_same_kind(path, "film", metadata.detect_content)
    encoding = AnimationEncoding(shape, path.suffix)

    def join(clips: Sequence[Path], mark: FilmMetadata, check_cancelled: CheckCancelled) -> None:
        (clip,) = clips
        with atomic_output(path) as temporary:
            metadata.copy_with_metadata(
                clip, temporary, path.suffix, mark.to_text(), check_cancelled
            )

    whole = timeline.frames
    return Target(path, encoding, whole, DiskFootprint(whole), join, lambda: metadata.read(path))


def _stills(path: Path, shape: Shape, timeline: Timeline, choices: FilmOptions) -> Target:
    name = choices.format or STILLS[0]
    if name not in STILLS:
        raise ExportError(f'unknown format "{name}"; {suggestion(STILLS, name)}')
    check_folder(path, FRAMES)
    # Nor is a film replaced unasked because its mark cannot be read.
    check_safe_to_overwrite(path, lambda p: _read(p) is not None or not any(p.iterdir()))

    digits = max(5, len(str(timeline.frames - 1)))
    names = [f"frame-{k:0{digits}d}.{name}" for k in range(timeline.frames)]

    def join(clips: Sequence[Path], mark: FilmMetadata, check_cancelled: CheckCancelled) -> None:
        with atomic_output(path, folder=True) as temporary:
            for clip, frame in zip(clips, names, strict=True):
                check_cancelled()
                _link(clip, temporary / frame)
            text = json.dumps({"kind": FRAMES, **asdict(mark)}, indent=1)
            (temporary / MANIFEST).write_text(text, encoding="utf-8")
            filesystem.fsync_tree(temporary)

    kept = DiskFootprint(timeline.frames, 2 if name == "png" else 4)

    def whole() -> bool:
        return all(is_written(path / frame) for frame in names)

    return Target(path, StillEncoding(shape, name), 1, kept, join, lambda: _read(path), whole)


def _link(file: Path, name: Path) -> None:
    """Give a file a second name, or copy it where a disk has no such thing."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)


def _read(folder: Path) -> FilmMetadata | None:
    record = read_manifest(folder) or {}
    is_ours = record.pop("kind", None) == FRAMES
    return FilmMetadata.of_text(json.dumps(record)) if is_ours else None
