"""Scenes by the ids with which the page refers to them.

An id is a digest of a scene's recipe: its whole TOML, or changes to another scene. So an id always
means the same picture, and the scene of a variation is only made when its thumbnail is drawn.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any, Final, NamedTuple

from cachetools import LRUCache

from tilecppn.errors import InvalidRequestError, SceneError
from tilecppn.scene.parsing import Given, check_keys, parse_toml
from tilecppn.scene.resolve import check_no_paths
from tilecppn.scene.scene import Scene
from tilecppn.scene.validation import Section, SeededAmount, format_value

MOST_RECIPES: Final = 50_000
MOST_SCENES: Final = 512
MOST_TEXT: Final = 256 << 20  # characters of all recipes
MOST_WEIGHTS: Final = 1 << 26  # of the networks kept
LARGEST: Final = 1 << 20  # most weights of a network for interactive drawing


class UnknownSceneError(InvalidRequestError):
    """No scene has that id: the server was restarted, or the scene was made too long ago."""


class Text(NamedTuple):
    """A scene by its whole TOML, with the digest of its network if that is from a weights file."""

    toml: str
    network: str | None


class Change(NamedTuple):
    """A scene by its changes to another one: JSON of section → key → value."""

    base: str
    changes: str


class Scenes:
    """Makes scenes from their recipes, and keeps the latest. For all threads.

    find_network: returns the bytes of a weights file of an earlier session by its network's digest.
    """

    def __init__(self, find_network: Callable[[str], bytes | None] = lambda digest: None) -> None:
        self._find_network = find_network
        self._lock = threading.Lock()
        self._recipes: LRUCache[str, Text | Change] = LRUCache(MOST_TEXT, _length)
        self._networks: dict[str, bytes] = {}
        self._made: LRUCache[str, Scene] = LRUCache(MOST_WEIGHTS, _weights)

    def add(self, scene: Scene) -> str:
        """Add a scene and return its id. Raises SceneError if its network is too large."""
        check_size(scene)
        network = None
        if scene.source.weights is not None:
            network = scene.cppn.sha256
            with self._lock:
                self._networks.setdefault(network, scene.cppn.to_bytes())
        return self.keep(Text(scene.to_toml(), network))

    def keep(self, recipe: Text | Change) -> str:
        """Keep a recipe and return its scene's id, without making the scene."""
        name = _name(recipe)
        with self._lock:
            self._recipes[name] = recipe
        return name

    def derive(self, base: str, changes: Given) -> str:
        """Return the id of a scene with some keys changed; None removes a key."""
        return self.keep(Change(base, json.dumps(changes, sort_keys=True)))

    def own_name(self, name: str) -> str:
        """Return the id of a scene by its TOML, independent of how it was made.

        Raises as `scene` does.
        """
        with self._lock:
            recipe = self._recipes.get(name)
        if isinstance(recipe, Text):
            return name
        scene = self.scene(name)
        own = self.add(scene)
        with self._lock:
            self._made[own] = scene  # the same, so its TOML need not be read
        return own

    def text(self, name: str) -> Text:
        """Return a scene's whole TOML. Raises as `scene` does."""
        with self._lock:
            recipe = self._recipes.get(name)
        return recipe if isinstance(recipe, Text) else self.text(self.add(self.scene(name)))

    def network(self, digest: str) -> bytes:
        """Return a weights file by the digest of its network. Raises UnknownSceneError."""
        found = self._networks.get(digest) or self._find_network(digest)
        if found is None:
            raise UnknownSceneError("the weights file of this scene is gone; open the scene again")
        with self._lock:
            return self._networks.setdefault(digest, found)

    def scene(self, name: str) -> Scene:
        """Return a scene by its id. Raises UnknownSceneError, SceneError or WeightsError."""
        with self._lock:
            found, recipe = self._made.get(name), self._recipes.get(name)
        if found is None:
            if recipe is None:
                raise UnknownSceneError(f"there is no scene {name[:40]} any more")
            found = self._make(recipe)
            check_size(found)
        with self._lock:
            self._made[name] = found
        return found

    def _make(self, recipe: Text | Change) -> Scene:
        if isinstance(recipe, Change):
            return self.scene(recipe.base).replace(**json.loads(recipe.changes))
        if recipe.network is None:
            return Scene.parse(recipe.toml, whole=True)
        return Scene.parse(recipe.toml, whole=True, embedded=self.network(recipe.network))


def from_text(text: str, name: str) -> Scene:
    """Read a scene file received from the browser, without following any path in it.

    name: the prefix of error messages. Raises SceneError.
    """
    values = parse_toml(text, name)
    check_no_paths(values, name)
    if values.get("cppn", {}).get("weights") is not None:
        raise SceneError(
            f"{name}: its network is a weights file, which does not come with it; put both into "
            "the studio's folder and open the scene from there"
        )
    return Scene.parse(text, name=name)


def checked_changes(changes: Any) -> Given:
    """Validate changes received from the browser, section → key → value, and return them.

    Raises SceneError for another structure, an unknown key, or a path.
    """
    if not isinstance(changes, Mapping):
        raise SceneError("changes must be sections with their keys")
    check_keys(changes, "scene")
    check_no_paths(changes, "scene")
    if changes.get("cppn", {}).get("weights") is not None:
        raise SceneError("cppn.weights cannot be set here; open a scene that names its file")
    return changes


def check_size(scene: Scene) -> None:
    """Raise SceneError for a network that is too large to be drawn interactively."""
    if _size(scene) > LARGEST:
        raise SceneError(
            f"this network has {_size(scene):,} weights; the studio draws up to {LARGEST:,}: "
            "use a smaller cppn.width or cppn.depth"
        )


def plain(value: Any) -> Any:
    """Convert a value of a scene to JSON values."""
    if isinstance(value, SeededAmount):
        return asdict(value)
    return [plain(part) for part in value] if isinstance(value, tuple | list) else value


def values_at(section: Any, keys: Iterable[str]) -> dict[str, Any]:
    """Return some values of a section of a scene, as JSON values."""
    return {key: plain(getattr(section, key)) for key in keys}


def values_of(scene: Scene) -> dict[str, dict[str, Any]]:
    """Return all values of a scene, section → key → value, as JSON values."""
    sections: dict[str, Section] = {
        "cppn": scene.source,
        "latent": scene.latent,
        "canvas": scene.canvas,
        "view": scene.view,
        "output": scene.output,
        "about": scene.about,
    }
    return {
        name: {key: plain(value) for key, value in section.values().items()}
        for name, section in sections.items()
    }


def label_of(changes: Given) -> str:
    """Return a short description of changes, for the history."""
    parts = [
        f"{section}.{key} = {_rounded(value)}"
        for section, keys in changes.items()
        for key, value in keys.items()
    ]
    words = ", ".join(parts) or "nothing"
    return words if len(words) <= 80 else words[:79] + "…"


def _rounded(value: Any) -> str:
    """Return a value as text with numbers rounded to four digits."""
    if value is None:
        return "none"
    if isinstance(value, list | tuple) and all(type(part) in (int, float) for part in value):
        more = ", …" if len(value) > 4 else ""
        return "[" + ", ".join(f"{part:.4g}" for part in value[:4]) + more + "]"
    return f"{value:.4g}" if isinstance(value, float) else format_value(plain(value))


# The cost of an entry against its limit; its minimum bounds the number of entries.


def _length(recipe: Text | Change) -> int:
    return max(MOST_TEXT // MOST_RECIPES, sum(len(part or "") for part in recipe))


def _weights(scene: Scene) -> int:
    return max(MOST_WEIGHTS // MOST_SCENES, _size(scene))


def _size(scene: Scene) -> int:
    return sum(weight.size for weight, _ in scene.cppn.layers)


def _name(recipe: Text | Change) -> str:
    kind = type(recipe).__name__
    return sha256(json.dumps([kind, *recipe]).encode()).hexdigest()[:24]
