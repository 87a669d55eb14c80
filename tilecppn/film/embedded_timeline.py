"""Read the timeline from a film made by tilecppn, so that it can be rendered again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tilecppn.addresses import BucketPath
from tilecppn.errors import SceneError
from tilecppn.exporters.embedded_scene import check_shared, provenance_in
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import fetched
from tilecppn.exporters.output.provenance import FILM, FRAMES, Provenance
from tilecppn.film.encoding import metadata
from tilecppn.film.encoding.codecs import ANIMATIONS, CONTAINERS, suffix_of
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene import toml_text
from tilecppn.scene.parsing import is_timeline
from tilecppn.scene.picture_palette import is_picture
from tilecppn.storage.metadata import attributes


def embedded_timeline(path: Path, overrides: Sequence[str] = (), **film: Any) -> Timeline | None:
    """Return the timeline of a film, its store, a folder of its frames or its contact sheet.

    Returns None for other files. `overrides` and `film` as in `Timeline.load`. No path in the
    timeline is followed. Raises SceneError if its networks are weights files, which only a store
    holds.
    """
    if is_film_store(path):
        kept = FilmStore(path).timeline
        return Timeline.parse(
            kept.to_toml(), name=str(path), overrides=overrides, embedded=kept.networks, **film
        )
    found = film_provenance(path)
    if found is not None and found.kind in (FILM, FRAMES):
        check_shared(found, path)
    if found is None or not is_timeline(found.source):
        return None
    text = found.source
    if _names_files(toml_text.loads(text)):
        raise SceneError(
            f"{path}: its timeline names files (weights, latents, sounds or pictures), which the "
            "film does not hold; give the timeline's file"
        )
    return Timeline.parse(text, name=str(path), overrides=overrides, **film)


def is_film(path: Path) -> bool:
    """Return whether a file is a film made by tilecppn, or a folder holds the frames of one."""
    found = film_provenance(path)
    return found is not None and found.kind in (FILM, FRAMES)


def is_film_store(path: Path) -> bool:
    """Return whether a folder is the store of a film."""
    return "timeline" in (attributes(path) or {})


def has_frames(path: Path) -> bool:
    """Return whether there are frames to encode at a path: a film's store, or a folder of
    frames.
    """
    if is_film_store(path):
        return True
    if isinstance(path, BucketPath) or not path.is_dir():
        return False
    found = provenance.read_manifest(path)
    return found is not None and found.kind == FRAMES


def film_provenance(path: Path) -> Provenance | None:
    """Return the provenance of a film, a folder of its frames, or another output."""
    with fetched(path) as copy:
        return _provenance_on_disk(copy)


def _provenance_on_disk(path: Path) -> Provenance | None:
    if path.is_dir():
        return provenance.read_manifest(path)
    if not path.is_file():
        return None
    suffix = suffix_of(path)
    text = metadata.read_text(path) if suffix in (*CONTAINERS, *ANIMATIONS) else None
    made = None if text is None else provenance.parse(text)
    # A still WebP may have credits where a film has its record.
    if made is None or (suffix == ".webp" and made.kind == provenance.STILL):
        return provenance_in(path)
    return made


def _names_files(values: Any) -> bool:
    """Return whether a timeline names any file: weights, latents, a sound or a picture."""
    if isinstance(values, dict):
        return any(
            key == "weights"
            or (key in ("z", "track") and isinstance(value, str))
            or (key == "palette" and is_picture(value))
            or _names_files(value)
            for key, value in values.items()
        )
    return isinstance(values, list) and any(map(_names_files, values))
