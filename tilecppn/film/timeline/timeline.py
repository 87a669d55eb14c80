"""The timeline: keyframes over time, read from and written to TOML. Each frame is a Scene.

A timeline file is a scene file with a [film] section and [[keyframe]] sections. Values that no
keyframe sets stay as in the scene.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tilecppn.addresses import as_path
from tilecppn.cppn import CPPN
from tilecppn.errors import InvalidRequestError, SceneError
from tilecppn.film.timeline.frozen import thaw
from tilecppn.film.timeline.keyframes import Film, Keyframe, make_section
from tilecppn.film.timeline.overrides import FILM, override_film, retimed, split_overrides
from tilecppn.film.timeline.sound import has_sounds, with_sounds
from tilecppn.film.timeline.track import Track
from tilecppn.film.timeline.tracks import Values, make_tracks
from tilecppn.scene import toml_text
from tilecppn.scene.parsing import is_timeline, read_text
from tilecppn.scene.readers import read_embedded
from tilecppn.scene.scene import EMBEDDED, Scene
from tilecppn.scene.sections import About
from tilecppn.scene.validation import Section, format_value

MAX_FRAMES = 1_000_000
REVISION = 2  # raised whenever the same timeline gives other frames
BLENDING = 4  # the same for films that blend colours or palettes, in OKLab


@dataclass(frozen=True)
class Timeline:
    """A film, immutable. Make one with `Timeline.load`, `Timeline.parse` or `Timeline.of`."""

    base: Scene
    film: Film
    keyframes: tuple[Keyframe, ...]
    # Of sounds, and of weights files named by keyframes, unless `embedded` holds their bytes.
    folder: Path = Path()
    embedded: Mapping[str, bytes] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        # Only tracks change from frame to frame: another network does not bring its preset's view.
        object.__setattr__(self, "base", self.base.with_all_given())
        if self.base.output.profile != "srgb":
            raise SceneError(
                f'output.profile = "{self.base.output.profile}": films are in sRGB; leave it out'
            )
        film, frames = self.film, self.film.all_frames
        if not 1 <= frames <= MAX_FRAMES:
            raise SceneError(
                f"film.seconds = {film.seconds:g} at film.fps = {film.fps} gives {frames} frames: "
                f"must be from 1 to {MAX_FRAMES}"
            )
        if self.embedded is None and has_sounds(film):  # no path in a stored timeline is followed
            film = replace(film, arrays=with_sounds(film, self.folder))
            object.__setattr__(self, "film", film)
        if film.excerpt is not None and film.excerpt[1] > frames:
            raise SceneError(
                f"film.excerpt = {list(film.excerpt)}: the film has frames 0 to {frames - 1}"
            )
        if not self.tracks:
            raise SceneError("nothing moves: give [[keyframe]] sections with latent, view, …")
        # A stored timeline was checked when it was made.
        for k in range(self.frames if self.embedded is None else 0):
            try:
                channels = self.scene(k).channels
            except InvalidRequestError as error:
                raise SceneError(f"frame {k}, at {self.time(k):g} s: {error}") from None
            if channels != self.channels:
                raise SceneError(
                    f"frame {k}, at {self.time(k):g} s: has another number of channels, "
                    f"{channels}, than frame 0, {self.channels}; give a palette to all frames or "
                    "to none"
                )

    @classmethod
    def load(cls, path: str | Path, overrides: Sequence[str] = (), **film: Any) -> "Timeline":
        """Read a timeline file, or the timeline of a film or film store made by tilecppn.

        `overrides` as in `Scene.load`, `film` as in `replace`. Paths in a timeline file are
        relative to it. Raises SceneError, WeightsError, or StoreError for a damaged store.
        """
        path = as_path(path)
        found: Timeline | None = read_embedded("timeline", path, overrides)
        if found is not None:
            return found.replace(**film) if film else found
        if read_embedded("scene", path, ()) is not None:
            raise SceneError(f"{path}: is a still, not a timeline; load it as a scene")
        text = read_text(path, "a timeline")
        return cls.parse(text, name=str(path), folder=path.parent, overrides=overrides, **film)

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        name: str = "timeline",
        folder: str | Path = ".",
        overrides: Sequence[str] = (),
        embedded: Mapping[str, bytes] | None = None,
        **film: Any,
    ) -> "Timeline":
        """Read a timeline from its TOML text; `name` precedes every error message.

        overrides: such as `film.fps=10` or `canvas.width=640`.
        film: keys of [film] with their values; another `seconds` moves keyframes in proportion.
        embedded: weights files by name; no path in the text is then followed.

        Raises SceneError, or WeightsError.
        """
        import tomli_w

        try:
            values = toml_text.loads(text)
        except ValueError as error:
            raise SceneError(f"{name}: not TOML: {error}") from None
        if "keyframes" in values:
            raise SceneError(f'{name}: unknown key "keyframes"; did you mean [[keyframe]]?')
        said, listed = values.pop("film", {}), values.pop("keyframe", [])
        of_scene, of_film = split_overrides(overrides)
        base = Scene.parse(
            tomli_w.dumps(values),
            name=name,
            folder=folder,
            overrides=of_scene,
            embedded=None if embedded is None else embedded[EMBEDDED],
        )
        try:
            written = make_section(Film, said)
            keyframes = [make_section(Keyframe, k) for k in _list(listed)]
            wanted = make_section(Film, {**override_film(said, of_film), **film})
            moved = retimed(keyframes, written, wanted)
            return cls(base, wanted, moved, Path(folder), embedded)
        except SceneError as error:
            by_option = {f"{FILM}{key.partition('.')[0]}" for key in of_film} & {*error.keys}
            raise error.at(f"--set {by_option.pop()}" if by_option else name) from None

    @classmethod
    def of(cls, scene: Scene, keyframes: Sequence[Keyframe] = (), **film: Any) -> "Timeline":
        """Return a timeline of a scene; `film` are keys of [film].

        `Timeline.of(scene, [Keyframe(0, latent={"seed": 1}), Keyframe(5, latent={"seed": 2})],
        seconds=10, loop=True, interpolation={"latent": "spline"})`. `arrays` has tracks with one
        value per frame: `{"view.rotation": [0.0, 0.1, …]}`, or with a sound: `{"view.scale":
        {"track": "song.mp3#bass", "low": 4.0, "high": 3.5}}`.
        """
        return cls(scene, make_section(Film, film), tuple(keyframes))

    def replace(self, **film: Any) -> "Timeline":
        """Return this timeline with other values of [film]: seconds, fps, loop, samples, …

        Another `seconds` moves keyframes in proportion. Raises SceneError.
        """
        wanted = make_section(Film, {**vars(self.film), **film})
        return replace(self, film=wanted, keyframes=retimed(self.keyframes, self.film, wanted))

    # Frames

    @property
    def frames(self) -> int:
        """The number of frames that are drawn."""
        return self.film.frames

    @property
    def about(self) -> About:
        """The credits of the film, its section [about]."""
        return self.base.about

    @cached_property
    def channels(self) -> int:
        """The channels of every frame; a palette set only by keyframes makes grey frames colour."""
        return self.scene(0).channels

    @property
    def tolerance(self) -> float:
        """The tolerance of the frames: `film.tolerance`, or else `output.tolerance`."""
        own = self.film.tolerance
        return self.base.output.tolerance if own is None else own

    @property
    def steps(self) -> list[str]:
        """The tracks that jump at their keyframes although no easing is "hold"."""
        asked = self.film.arrays  # with one value per frame
        return [name for name, track in self.tracks.items() if track.steps and name not in asked]

    def time(self, frame: float) -> float:
        """Return the time of a frame in seconds; fractional frames lie between frames."""
        return float((self.film.first + frame) / self.film.fps)

    def scene(self, frame: int) -> Scene:
        """Return the scene of a frame, without motion blur.

        Raises InvalidRequestError if the film has no such frame.
        """
        if not 0 <= frame < self.frames:
            raise InvalidRequestError(f"frame {frame}: the film has frames 0 to {self.frames - 1}")
        return self._at(self.time(frame))

    def moments(self, frame: int) -> list[Scene]:
        """Return the scenes whose mean is a frame: one, or `film.samples` around its time.

        The shutter is open for `film.shutter` of the time between two frames; the moments are the
        centres of equal parts of that time.
        """
        count, shutter = self.film.samples, self.film.shutter
        if count == 1:
            return [self.scene(frame)]
        return [
            self._at(self.time(frame) + float(shutter * ((i + 0.5) / count - 0.5) / self.film.fps))
            for i in range(count)
        ]

    def _at(self, time: float) -> Scene:
        changes: dict[str, Any] = {}
        for name, track in self.tracks.items():
            section, _, part = name.partition(".")
            value = track.at(time)
            if part:
                changes.setdefault(section, {})[part] = value
            else:
                changes[section] = {"z": value} if section == "latent" else value
        changes["output"] = {"tolerance": self.tolerance, **changes.get("output", {})}
        return self.base.replace(**changes)

    @cached_property
    def tracks(self) -> dict[str, Track]:
        """The tracks by name: latent, cppn, view.center, view.scale, …"""
        return make_tracks(self.film, self.keyframes, self._values)

    @cached_property
    def _values(self) -> Values:
        return Values(self.base, self.film.latents, self.folder, self.embedded)

    # As a file

    def to_toml(self) -> str:
        """Return the timeline as TOML; weights files appear by their names in `networks`."""
        record = tomllib.loads(self.base.to_toml())
        record["film"] = {**_given(self.film), "fps": str(self.film.fps)}
        record["keyframe"] = [_given(keyframe) for keyframe in self.keyframes]
        for i, keyframe in enumerate(self.keyframes):
            if "weights" in keyframe.cppn:
                record["keyframe"][i]["cppn"] = {"weights": _file(i)}
        return toml_text.dumps(record)

    def shared_toml(self) -> str:
        """Return the TOML to embed in a film: like `Scene.shared_toml`, without what is
        not shared.
        """
        return self.to_toml() if self.about.share_scene else self.base.shared_toml()

    @cached_property
    def networks(self) -> dict[str, bytes]:
        """The weights files named in the TOML, name → bytes."""
        files = {EMBEDDED: self.base.cppn.to_bytes()}
        for i, keyframe in enumerate(self.keyframes):
            if "weights" in keyframe.cppn:
                files[_file(i)] = self._values.network(keyframe.cppn).to_bytes()
        return files

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of everything that decides the pixels of the frames."""
        film = self.film
        record: dict[str, Any] = {
            "revision": BLENDING
            if any(track.blends_colours for track in self.tracks.values())
            else REVISION,
            "base": self.base.fingerprint,
            "film": [film.frames, str(film.fps), film.samples],
            "tracks": {name: _exact(asdict(track)) for name, track in self.tracks.items()},
        }
        if self.tolerance != self.base.output.tolerance:
            record["tolerance"] = self.tolerance.hex()
        if film.first:
            record["first"] = film.first
        if film.samples > 1:
            record["shutter"] = film.shutter.hex()
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()

    def differences(self, other: "Timeline") -> list[str]:
        """List the differences, as `film.seconds: 10.0 there, 5.0 here`; `other` is here."""
        found = self.base.differences(other.base)
        for f in fields(Film):
            there, here = getattr(self.film, f.name), getattr(other.film, f.name)
            if there != here:
                said = [format_value(thaw(value)) for value in (there, here)]
                found.append(f"film.{f.name}: {said[0]} there, {said[1]} here")
        if self.keyframes != other.keyframes:
            found.append("the keyframes")
        return found


def as_timeline(timeline: Timeline | str | Path) -> Timeline:
    """Return a timeline, or read it from its file. Raises as `Timeline.load` does."""
    if isinstance(timeline, str | Path):
        return Timeline.load(timeline)
    if not isinstance(timeline, Timeline):
        raise InvalidRequestError(
            f"a {type(timeline).__name__} is no film: give a Timeline, as Timeline.of(scene, "
            "keyframes) makes it, or a path"
        )
    return timeline


def load_timeline(path: str | Path, overrides: Sequence[str] = ()) -> Timeline | None:
    """Read the timeline of a timeline file, a film or a film's store; None for a still.

    Raises SceneError.
    """
    path = as_path(path)
    found: Timeline | None = read_embedded("timeline", path, overrides)
    if found is not None or read_embedded("scene", path, overrides) is not None:
        return found
    return Timeline.load(path, overrides) if is_timeline(read_text(path, "a scene")) else None


def _list(keyframes: Any) -> list[Any]:
    if not isinstance(keyframes, list):
        raise SceneError("keyframe must be a list of sections: [[keyframe]], with two brackets")
    return keyframes


def _given(section: Section) -> dict[str, Any]:
    return {name: thaw(value) for name, value in vars(section).items() if value not in ({}, None)}


def _file(keyframe: int) -> str:
    return f"keyframe-{keyframe}.safetensors"


def _exact(value: Any) -> Any:
    """Convert a value to JSON values in which different floats stay different."""
    if isinstance(value, CPPN):
        return value.sha256
    if isinstance(value, dict):
        return {k: _exact(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [_exact(v) for v in value]
    return value.hex() if isinstance(value, float) else value
