"""Parses scene files: TOML, overrides of single keys, errors for unknown keys."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tilecppn.cppn.presets import PRESETS
from tilecppn.errors import SceneError
from tilecppn.filesystem import UnsuitableFileError, read_bounded
from tilecppn.scene import toml_text
from tilecppn.scene.sections import SECTIONS, View
from tilecppn.suggestions import suggestion

TIMELINE = ("film", "keyframe", "keyframes")  # sections of timelines, and a common slip
LIGHT = ("shadow", "shade", "glow")  # keys of [output] for networks of two channels
COLOURS = ("palette", *LIGHT)  # keys of [output] that a preset decides
Given = Mapping[str, Mapping[str, Any]]  # section → key → value, as the user gave them


def read_text(path: Path, what: str) -> str:
    """Read the text of a TOML file; `what`, as "a scene", is for errors. Raises SceneError.

    Pipes are refused: a scene is read more than once, and the second time a pipe is empty.
    """
    try:
        data = read_bounded(path, toml_text.MAX_BYTES)
        return data.decode("utf-8-sig")  # some editors write a byte order mark
    except UnicodeDecodeError:
        raise SceneError(f"{path}: not a text file; {what} is a TOML file") from None
    except IsADirectoryError:
        raise SceneError(
            f"{path}: a folder that tilecppn did not make; {what} is a TOML file"
        ) from None
    except UnsuitableFileError as error:
        raise SceneError(f"{path}: {error.strerror}; {what} is a TOML file") from None
    except OSError as error:
        raise SceneError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # a NUL in the name
        raise SceneError(f"{path}: cannot be read: {error}") from None


def is_timeline(text: str) -> bool:
    """Return whether a TOML text has sections that only a timeline has."""
    try:
        return not set(TIMELINE).isdisjoint(toml_text.loads(text))
    except ValueError:
        return False


def parse_toml(text: str, name: str) -> Given:
    """Parse a scene's text; errors begin with `name`. Raises SceneError for unknown keys too."""
    try:
        values: Given = toml_text.loads(text)
    except ValueError as error:
        raise SceneError(f"{name}: not TOML: {error}") from None
    check_keys(values, name)
    return values


def parse_override(text: str) -> tuple[str, str, Any]:
    """Parse `section.key=value`; the value is TOML, or else a string without quotes.

    It is None for `none`, which removes an optional key of a scene.
    """
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not equals or not dot:
        raise SceneError(f"--set {text}: must be section.key=value, as in canvas.width=4096")
    try:
        parsed = toml_text.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        removed = value.strip() == "none" and getattr(SECTIONS.get(section), key, "") is None
        return section, key, None if removed else value.strip()
    except ValueError as error:
        raise SceneError(f"--set {section}.{key}: not a TOML value: {error}") from None
    if list(parsed) != ["value"]:
        raise SceneError(f"--set {section}.{key}: must be one value")
    return section, key, parsed["value"]


def merged(given: Given, changes: Given) -> Given:
    """Return `given` with the keys of `changes`; None removes a key.

    A size in pixels replaces a size on paper, and the other way round.
    """
    merged = {**given}
    for section, keys in changes.items():
        old = given.get(section, {})
        if section == "canvas":
            replaced = {"print"} if keys.keys() & {"width", "height"} else set()
            replaced = {"width", "height"} if keys.get("print") is not None else replaced
            old = {key: value for key, value in old.items() if key not in replaced}
        both = {**old, **keys}
        merged[section] = {key: value for key, value in both.items() if value is not None}
    return merged


def without_preset(values: Given) -> Given:
    """Remove from a whole scene, as `Scene.to_toml` writes it, the values of its preset.

    Another preset then brings its own palette, channels and view, as it does in a scene file.
    """
    cppn, view, output = (values.get(name, {}) for name in ("cppn", "view", "output"))
    preset = PRESETS.get(str(cppn.get("preset")))
    if preset is None or "weights" in cppn:
        return values
    own = vars(View(**preset.view))
    view = {key: value for key, value in view.items() if _kept(value) != own.get(key)}
    plain = output.get("color") == "rgb" and cppn.get("channels") == preset.channels
    if plain and all(_kept(output.get(key)) == getattr(preset, key) for key in COLOURS):
        cppn = {key: value for key, value in cppn.items() if key != "channels"}
        output = {key: v for key, v in output.items() if key not in ("color", *COLOURS)}
    return {**values, "cppn": cppn, "view": view, "output": output}


def _kept(value: Any) -> Any:
    """Return a TOML value as sections store it: a list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def check_keys(values: Mapping[str, Any], name: str) -> None:
    """Raise SceneError, with the nearest right key, for an unknown section or key."""
    for section, keys in values.items():
        if section in TIMELINE:
            raise SceneError(
                f"{name}: is a timeline, since it has [{section}], not a scene; use tilecppn "
                "animate, or preview --time"
            )
        if section not in SECTIONS:
            raise SceneError(f'{name}: unknown key "{section}"; {suggestion(SECTIONS, section)}')
        if not isinstance(keys, Mapping):
            raise SceneError(f"{name}: {section} must be a section: [{section}]")
        known = [f.name for f in fields(SECTIONS[section])]
        for key in keys:
            if key not in known:
                raise SceneError(f'{name}: unknown key "{section}.{key}"; {suggestion(known, key)}')
