"""Changes to a timeline after reading it: `--set film.KEY=VALUE`, and another length."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tilecppn.errors import SceneError
from tilecppn.film.timeline.frozen import thaw
from tilecppn.film.timeline.keyframes import Film, Keyframe
from tilecppn.scene.parsing import parse_override

FILM = "film."


def split_overrides(overrides: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Split overrides into those of the scene, and the keys of [film] with their values.

    Keys have no `film.` prefix: `{"seconds": 3, "interpolation.latent": "spline"}`.
    """
    of_scene, of_film = [], {}
    for override in overrides:
        if override.strip().startswith(FILM):
            _, key, value = parse_override(override)
            of_film[key] = value
        else:
            of_scene.append(override)
    return of_scene, of_film


def override_film(film: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table [film] with changed values; `none` removes a key.

    Raises SceneError for a key within a value that is not a table.
    """
    changed: dict[str, Any] = thaw(film)
    for key, value in changes.items():
        *tables, last = key.split(".")
        table = changed
        for name in tables:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise SceneError(f"film.{key}: film.{name} is not a table", keys=[f"film.{key}"])
        if value == "none":
            table.pop(last, None)
        else:
            table[last] = value
    return changed


def retimed(keyframes: Sequence[Keyframe], before: Film, after: Film) -> tuple[Keyframe, ...]:
    """Move keyframes in proportion to the change of a film's length."""
    old, new = before.seconds, after.seconds
    if old == new:
        return tuple(keyframes)
    return tuple(
        replace(k, time=new if k.time == old else min(k.time * new / old, new)) for k in keyframes
    )
