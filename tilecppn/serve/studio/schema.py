"""The data for the page's controls: every key of a scene, from the scene's own table."""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.presets import PRESETS
from tilecppn.film.timeline.interpolation import EASINGS
from tilecppn.scene.meaning import MEANING
from tilecppn.scene.oklab import hexadecimal
from tilecppn.scene.palettes import names, stops
from tilecppn.scene.sections import SECTIONS
from tilecppn.scene.validation import Check
from tilecppn.serve.studio.scenes import plain

SHOWN_STOPS = 16  # colours of a colour map
SAMPLES = 25  # points of an easing's curve


@cache
def schema() -> dict[str, Any]:
    """Return sections → keys → default, help, allowed values in words and as JSON Schema.

    Also the choices under `presets`, `activations`, `palettes` and `easings`: some colours of each
    colour map, and the curve of each easing.
    """
    sections = {}
    for name, section in SECTIONS.items():
        keys = {}
        for field in fields(section):
            check: Check = field.metadata["check"]
            keys[field.name] = {
                "default": plain(field.default),
                "help": MEANING[f"{name}.{field.name}"].replace("`", ""),
                "allowed": check.allowed,
                **check.schema,
            }
        sections[name] = keys
    return {
        "sections": sections,
        "presets": {name: preset.description for name, preset in PRESETS.items()},
        "activations": {name: activation.formula for name, activation in ACTIVATIONS.items()},
        "palettes": {name: colours_of(name) for name in names()},
        "easings": {name: curve(easing) for name, easing in EASINGS.items()},
    }


def curve(easing: Callable[[float], float]) -> list[float]:
    """Return the values of an easing at SAMPLES times, evenly spaced from 0 to 1."""
    return [round(easing(i / (SAMPLES - 1)), 4) for i in range(SAMPLES)]


def colours_of(palette: str | tuple[str, ...], most: int = SHOWN_STOPS) -> list[str]:
    """Return a palette's colours as "#rrggbb", at most `most` of them, evenly spaced."""
    colours = stops(palette)
    count = min(len(colours), most)
    places = [round(i * (len(colours) - 1) / (count - 1)) for i in range(count)]
    return [hexadecimal(colours[place]) for place in places]
