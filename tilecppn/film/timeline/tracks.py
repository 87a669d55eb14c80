"""Make tracks from keyframes, checking each value like those of a scene."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from tilecppn.addresses import file_beside
from tilecppn.cppn import CPPN, Structure
from tilecppn.errors import InvalidRequestError, SceneError
from tilecppn.film.timeline.keyframes import Film, Keyframe
from tilecppn.film.timeline.track import Track, per_frame
from tilecppn.scene import formula
from tilecppn.scene.picture_palette import is_picture
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import LAYOUT, SECTIONS, Latent
from tilecppn.suggestions import one_of

FIXED = ("dtype", "profile", *LAYOUT)  # keys of [output] that cannot change within a film
DEFAULT = "linear"
DEFAULTS = {"latent": "spherical", "view.scale": "exponential"}  # interpolations other than DEFAULT
TURN = 360.0  # degrees


@dataclass(frozen=True)
class Values:
    """Reads and checks the values of keyframes.

    base: the scene that they change. latents: named latents for formulas. Weights files are read
    from `embedded`, by name, or else from `folder`.
    """

    base: Scene
    latents: Mapping[str, Mapping[str, Any]]
    folder: Path
    embedded: Mapping[str, bytes] | None

    def of(self, keyframe: Keyframe) -> dict[str, Any]:
        """Return the values that a keyframe sets, track → value. Raises SceneError, naming the
        keyframe.
        """
        values: dict[str, Any] = {}
        try:
            if keyframe.cppn:
                values["cppn"] = self.network(keyframe.cppn)
            if keyframe.latent:
                values["latent"] = self.latent(keyframe.latent)
            values.update(self.section("view", keyframe.view))
            values.update(self.section("output", keyframe.output))
        except InvalidRequestError as error:
            raise SceneError(f"keyframe at {keyframe.time:g} s: {error}") from None
        if not values:
            raise SceneError(
                f"keyframe at {keyframe.time:g} s: is empty; give it latent, view, cppn or output"
            )
        return values

    def section(self, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """Check the keys of [view] or [output] that a keyframe sets."""
        known = [f.name for f in fields(SECTIONS[name])]
        for part in change:
            one_of([f"{name}.{k}" for k in known], f"{name}.{part}", "key")
            if name == "output" and part in FIXED:
                raise SceneError(f"output.{part} cannot change within a film")
        if is_picture(change.get("palette")):
            raise SceneError("output.palette: must be colours or a name here, not a picture")
        parsed = getattr(self.base.replace(**{name: change}), name)
        return {f"{name}.{part}": getattr(parsed, part) for part in change}

    def network(self, change: Mapping[str, Any]) -> CPPN:
        """Return the network with another seed, or from another weights file."""
        base = self.base
        if "weights" in change:
            network = self._file(str(change["weights"]))
        elif base.source.weights is not None:
            raise SceneError("the film's network is a weights file: give cppn.weights")
        else:
            network = base.replace(cppn=change).cppn
        one, other = map(_form, (network, base.cppn))
        if one != other or network.width != base.cppn.width:
            raise SceneError("cppn: all networks of a film must have one structure")
        return network

    def _file(self, name: str) -> CPPN:
        if self.embedded is None:
            return CPPN.load(file_beside(self.folder, name))
        return CPPN.from_bytes(self.embedded[name], name)

    def latent(self, change: Mapping[str, Any]) -> tuple[float, ...]:
        """Return the latent of {seed = 1}, {z = […]} or {sum = "a + (seed1 - seed2)"}."""
        if len(change) != 1 or not set(change) <= {"seed", "z", "sum"}:
            raise SceneError("latent: must have one of seed, z, sum")
        if "sum" in change:
            seeded = self.base.cppn.seeded_latent
            return tuple(formula.evaluate(str(change["sum"]), self._named, seeded).tolist())
        if isinstance(change.get("z"), str):
            raise SceneError("latent.z: must be a list of numbers; film.latents gives them names")
        return tuple(self.base.replace(latent=Latent(**change)).z.tolist())

    def _named(self, name: str) -> Any:
        one_of([*self.latents, "seed0", "seed1"], name, "latent")
        if "sum" in self.latents[name]:
            raise SceneError(f"film.latents.{name}: must have a seed or z")
        return np.array(self.latent(self.latents[name]))


def _form(network: CPPN) -> Structure:
    """Return the structure that all networks of a film must share.

    Layers of detail beyond those in the file come from the seed of the previous keyframe.
    """
    detail = network.structure.detail
    if detail is not None:
        detail = replace(detail, seed=None, lineage=())
    return replace(network.structure, view={}, detail=detail)


def make_tracks(film: Film, keyframes: Sequence[Keyframe], values: Values) -> dict[str, Track]:
    """Return the tracks by name: latent, cppn, view.center, view.scale, …

    Raises SceneError for keyframes that are unordered or outside the film, values that cannot be
    interpolated, and interpolations of tracks that do not exist.
    """
    knots: dict[str, list[tuple[Keyframe, Any]]] = {}
    for before, keyframe in zip((None, *keyframes), keyframes, strict=False):
        if before is not None and keyframe.time <= before.time:
            raise SceneError(
                f"keyframe at {keyframe.time:g} s: comes after the one at {before.time:g} s; "
                "sort them by time, with one at each"
            )
        if keyframe.time > film.seconds:
            raise SceneError(
                f"keyframe at {keyframe.time:g} s: the film ends at film.seconds = {film.seconds:g}"
            )
        for name, value in values.of(keyframe).items():
            knots.setdefault(name, []).append((keyframe, value))
    tracks = {name: _track(name, found, film) for name, found in knots.items()}
    for name, array in film.arrays.items():
        if name in tracks:
            raise SceneError(f"film.arrays.{name}: keyframes set {name}, too; remove one of them")
        tracks[name] = _array(name, array, film, values)
    for words, table in (("interpolation", film.interpolation), ("easing", film.easing)):
        for name in table:
            if name not in tracks:
                raise SceneError(
                    f"film.{words}.{name}: no keyframe sets {name}; "
                    f"the tracks are {', '.join(tracks) or 'none'}"
                )
    for name, track in tracks.items():
        _check(name, track)
    return tracks


def _track(name: str, knots: Sequence[tuple[Keyframe, Any]], film: Film) -> Track:
    easing = film.easing.get(name, DEFAULT)
    return Track(
        tuple(keyframe.time for keyframe, _ in knots),
        tuple(value for _, value in knots),
        film.interpolation.get(name, DEFAULTS.get(name, DEFAULT)),
        tuple(keyframe.easing or easing for keyframe, _ in knots),
        film.seconds if film.loop else None,
    )


def _array(name: str, array: Any, film: Film, values: Values) -> Track:
    """Make a track from one value per frame, such as an analysis of sound."""
    if not isinstance(array, tuple) or len(array) != film.all_frames:
        raise SceneError(f"film.arrays.{name}: must have {film.all_frames} values, one a frame")
    section, _, part = name.partition(".")
    whole = name == "latent"
    if not whole and (section not in ("view", "output") or not part):
        raise SceneError(f"film.arrays.{name}: must be latent, or a key of view or output")
    parsed = []
    for k, value in enumerate(array):
        said: dict[str, Any] = {section: {"z" if whole else part: value}}
        parsed.append(values.of(Keyframe(float(k / film.fps), **said))[name])
    return per_frame(parsed, float(film.fps))


def _check(name: str, track: Track) -> None:
    """Raise SceneError for a track that cannot be interpolated."""
    rows = track.rows
    if len({len(row) for row in rows}) > 1:
        raise SceneError(f"{name}: all keyframes must have equally many values")
    if track.interpolation == "exponential" and any((row <= 0).any() for row in rows):
        raise SceneError(f"{name}: exponential interpolation needs values above 0")
    first, last = track.values[0], track.values[-1]
    if track.period is None or track.times[-1] != track.times[0] + track.period or first == last:
        return
    # A whole turn is the same rotation.
    if name != "view.rotation" or (last - first) % TURN:
        raise SceneError(
            f"{name}: with film.loop the first keyframe comes again at {track.times[-1]:g} s; "
            "make the last one equal to it, or leave it out"
        )
