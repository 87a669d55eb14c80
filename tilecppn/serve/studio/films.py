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
from tilecppn.serve.studio.scenes import UnknownSceneError, plain
from tilecppn.serve.studio.variations import same_shape

MOST_KEYFRAMES: Final = 100
MOST_FRAMES: Final = 3600  # of a film in the studio
KEPT: Final = 8  # timelines
VIEW: Final = ("center", "scale", "rotation")
OUTPUT: Final = ("palette", "shadow", "shade", "glow", "invert")
CPPN: Final = ("seed", "cross", "mutations")


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
    first = scenes[0]
    moving = [_moving(scene) for scene in scenes]
    parts: list[dict[str, dict[str, Any]]] = [{} for _ in knots]
    if any(scene.cppn != first.cppn for scene in scenes):
        if any(scene.source.weights is not None for scene in scenes):
            raise SceneError("networks of weights files cannot be morphed here")
        if not all(same_shape(scene, first) for scene in scenes):
            raise SceneError(
                "the networks of a film must have one structure: preset, width, depth …"
            )
        # Keys that a keyframe lacks come from the film's scene, so they are removed there.
        first = first.replace(cppn={"cross": None, "mutations": None})
        for part, scene in zip(parts, scenes, strict=True):
            part["cppn"] = _given(scene.source, CPPN)
    if any(scene.z.tolist() != scenes[0].z.tolist() for scene in scenes):
        if len({len(scene.z) for scene in scenes}) > 1:
            raise SceneError("these pictures have latents of different lengths")
        for part, scene in zip(parts, scenes, strict=True):
            part["latent"] = {"z": scene.z.tolist()}
    for section in ("view", "output"):
        for key, value in moving[0][section].items():
            values = [found[section].get(key) for found in moving]
            if all(other == value for other in values):
                continue
            if None in values:
                raise SceneError(f"{section}.{key}: only some of these pictures have one")
            for part, own in zip(parts, values, strict=True):
                part.setdefault(section, {})[key] = own
    if not any(parts):
        raise SceneError("these pictures are alike: nothing moves")
    keyframes = [
        Keyframe(knot.time, easing=knot.easing, **part)
        for knot, part in zip(knots, parts, strict=True)
    ]
    return Timeline.of(first, keyframes, seconds=seconds, fps=fps, loop=loop)


def _moving(scene: Scene) -> dict[str, dict[str, Any]]:
    return {
        "view": {key: plain(getattr(scene.view, key)) for key in VIEW},
        "output": {key: plain(getattr(scene.output, key)) for key in OUTPUT},
    }


def _given(section: Any, keys: Sequence[str]) -> dict[str, Any]:
    values = {key: plain(getattr(section, key)) for key in keys}
    return {key: value for key, value in values.items() if value is not None}


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
