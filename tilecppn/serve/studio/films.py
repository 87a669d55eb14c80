"""Films from picture to picture, and their frames by the film's id."""

import threading
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from cachetools import LRUCache

from tilecppn.errors import InvalidRequestError, SceneError
from tilecppn.film.timeline.keyframes import Keyframe
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio.scenes import UnknownSceneError, values_at
from tilecppn.serve.studio.variations import PLACE, same_shape

MOST_KEYFRAMES: Final = 100
MOST_FRAMES: Final = 3600  # of a film in the studio
KEPT: Final = 8  # timelines
OUTPUT: Final = ("palette", "shadow", "shade", "glow", "invert")
CPPN: Final = ("seed", "cross", "mutations")


Values = dict[str, Any]  # of a section, by key


class Knot(NamedTuple):
    """A picture at a time in seconds, and the easing of the transition to the next one."""

    scene: Scene
    time: float
    easing: str


def timeline(knots: Sequence[Knot], seconds: float, fps: int, loop: bool) -> Timeline:
    """Return the film that goes from picture to picture, at the size of the first.

    Whatever differs moves: network (of one structure, from seeds), latent, view and colours. Raises
    SceneError if nothing differs, or what differs cannot move.
    """
    if not 2 <= len(knots) <= MOST_KEYFRAMES:
        raise InvalidRequestError(f"a film has 2 to {MOST_KEYFRAMES} pictures")
    if not 0 < seconds * fps <= MOST_FRAMES:
        raise InvalidRequestError(f"a film here has {MOST_FRAMES:,} frames at most")
    scenes = [knot.scene for knot in knots]
    sections = {
        "cppn": _networks(scenes),
        "latent": _latents(scenes),
        "view": _moving(scenes, "view", PLACE),
        "output": _moving(scenes, "output", OUTPUT),
    }
    moving = {name: values for name, values in sections.items() if any(values)}
    if not moving:
        raise SceneError("these pictures are alike: nothing moves")
    # Keys that a keyframe lacks come from the film's scene, so they are removed there.
    changes = {"cppn": {"cross": None, "mutations": None}} if "cppn" in moving else {}
    keyframes = [
        Keyframe(knot.time, easing=knot.easing, **{name: moving[name][k] for name in moving})
        for k, knot in enumerate(knots)
    ]
    return Timeline.of(scenes[0].replace(**changes), keyframes, seconds=seconds, fps=fps, loop=loop)


def _networks(scenes: Sequence[Scene]) -> list[Values]:
    """Return the keys of each scene's network; none if all are equal."""
    if all(scene.cppn == scenes[0].cppn for scene in scenes):
        return []
    if any(scene.source.weights is not None for scene in scenes):
        raise SceneError("networks of weights files cannot be morphed here")
    if not all(same_shape(scene, scenes[0]) for scene in scenes):
        raise SceneError("the networks of a film must have one structure: preset, width, depth …")
    return [
        {key: value for key, value in values_at(scene.source, CPPN).items() if value is not None}
        for scene in scenes
    ]


def _latents(scenes: Sequence[Scene]) -> list[Values]:
    """Return the latent of each scene; none if all are equal."""
    latents = [scene.z.tolist() for scene in scenes]
    if all(z == latents[0] for z in latents):
        return []
    if len(set(map(len, latents))) > 1:
        raise SceneError("these pictures have latents of different lengths")
    return [{"z": z} for z in latents]


def _moving(scenes: Sequence[Scene], section: str, keys: Sequence[str]) -> list[Values]:
    """Return each scene's values of those keys of a section that differ."""
    found = [values_at(getattr(scene, section), keys) for scene in scenes]
    moving = [key for key in keys if any(values[key] != found[0][key] for values in found)]
    for key in moving:
        if any(values[key] is None for values in found):
            raise SceneError(f"{section}.{key}: only some of these pictures have one")
    return [{key: values[key] for key in moving} for values in found]


class Films:
    """The latest timelines by id. For all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._films: LRUCache[str, Timeline] = LRUCache(KEPT)

    def keep(self, film: Timeline) -> str:
        """Keep a timeline and return its id."""
        name = sha256(film.to_toml().encode()).hexdigest()[:24]
        with self._lock:
            self._films[name] = film
        return name

    def film(self, name: str) -> Timeline:
        """Return a timeline by its id. Raises UnknownSceneError."""
        with self._lock:
            found = self._films.get(name)
        if found is None:
            raise UnknownSceneError(f"there is no film {name[:40]} any more")
        return found

    def frame(self, name: str, number: int) -> Scene:
        """Return a frame as a scene. Raises UnknownSceneError if the film or frame does
        not exist.
        """
        film = self.film(name)
        if not 0 <= number < film.frames:
            raise UnknownSceneError(f"the film has no frame {number}")
        return film.scene(number)
