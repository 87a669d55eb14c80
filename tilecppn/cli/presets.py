"""`tilecppn presets`: list presets, activations and colour maps."""

import shutil
import textwrap
from typing import TYPE_CHECKING, Any

import click

from tilecppn.cli.common import json_option, result

if TYPE_CHECKING:
    from tilecppn.cppn.presets import Preset

COLUMN = 23  # where descriptions begin
NO_BREAK = "\u00a0"  # a space at which no line ends


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the presets with what each sets, the activations, and the colour maps.

    \b
    tilecppn presets
    tilecppn presets --json
    """
    from tilecppn.cppn.activations import ACTIVATIONS
    from tilecppn.cppn.presets import PRESETS
    from tilecppn.scene.palettes import names

    record = {
        "presets": {name: _record(preset) for name, preset in PRESETS.items()},
        "activations": {name: a.formula for name, a in ACTIVATIONS.items()},
        "palettes": names(),
    }
    lines = ["Presets"]
    for name, preset in PRESETS.items():
        lines += [*_row(name, preset.description), *_row("", _words(preset))]
    lines.append("Activations")
    for name, a in ACTIVATIONS.items():
        lines += _row(name, f"{a.formula:23} {a.source}")
    lines.append("Palettes (add _r to reverse one)")
    lines += _wrapped(", ".join(names()), "  ", "  ")
    result("\n".join(lines), record, as_json)


def _row(name: str, text: str) -> list[str]:
    return _wrapped(text, f"  {name:20} ", " " * COLUMN)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    width = min(max(80, shutil.get_terminal_size((100, 0)).columns), 100)
    lines = textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest)
    return [line.replace(NO_BREAK, " ") for line in lines]


def _record(preset: "Preset") -> dict[str, Any]:
    return {
        "description": preset.description,
        "activations": list(preset.activations),
        "output": preset.output,
        "width": preset.width,
        "z_dim": preset.z_dim,
        "channels": preset.channels,
        "inputs": list(preset.inputs),
        "residual": preset.residual,
        "octaves": preset.octaves,
        "sets": _sets(preset),
    }


def _sets(preset: "Preset") -> dict[str, Any]:
    """Return the keys of a scene that have another default with this preset, and the defaults."""
    from tilecppn.scene.parsing import COLOURS
    from tilecppn.scene.sections import View

    plain = View()
    sets: dict[str, Any] = {"cppn.width": preset.width, "cppn.z_dim": preset.z_dim}
    sets["cppn.channels"] = preset.channels
    sets |= {
        f"view.{key}": value
        for key, value in vars(View(**preset.view)).items()
        if value != getattr(plain, key)
    }
    colours = {key: getattr(preset, key) for key in COLOURS}
    return sets | {f"output.{key}": v for key, v in colours.items() if v is not None}


def _words(preset: "Preset") -> str:
    from tilecppn.scene.validation import format_value

    words = [f"{key} = {format_value(value)}" for key, value in _sets(preset).items()]
    words += [f"new detail over {preset.octaves} octaves"] if preset.octaves else []
    return ", ".join(words).replace(" = ", f"{NO_BREAK}={NO_BREAK}")
