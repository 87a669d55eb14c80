"""The tables of the site that follow from the code: scene keys, commands, presets.

A page holds the line `<!-- table: scene -->`; `conf.py` replaces it by what `TABLES["scene"]()`
returns, in Markdown. Nothing here is written to disk, so no table can be out of date.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields

import click

from tilecppn.cli import main
from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.presets import PRESETS
from tilecppn.scene.palettes import names
from tilecppn.scene.sections import SECTIONS
from tilecppn.scene.validation import format_value

# What a key does; default and allowed values come from the section table.
MEANING = {
    "cppn.preset": "The network's structure, weight distribution, view and colours.",
    "cppn.seed": "Seed of the weights: another number, another picture.",
    "cppn.channels": "1 for grey or a palette, 3 for colour.",
    "cppn.width": "Units of each hidden layer.",
    "cppn.depth": "Number of hidden layers; the preset's activations repeat or are cut.",
    "cppn.z_dim": "Length of the latent vector.",
    "cppn.activations": "One activation for each hidden layer, the first included.",
    "cppn.inputs": 'What the first layer sees; `"one"` is a constant.',
    "cppn.residual": "Add each hidden layer's input to its output.",
    "cppn.gain": "Presets with detail: how much finer each layer is than the one before.",
    "cppn.decay": "Presets with detail: strength left one octave of detail later; one number, or "
    "one for colour and one for lightness.",
    "cppn.contrast": "Presets with detail: how strongly the picture uses its range; one number, or "
    "one for colour and one for lightness.",
    "cppn.cross": "Take that share of units from the network of another seed.",
    "cppn.mutations": "Small changes, one after another: a list of seed and amount, 0 to 1.",
    "cppn.weights": "A weights file (safetensors) instead of preset and seed, relative to the "
    "scene file.",
    "latent.seed": "Seed of the latent: nearby forms of the same network.",
    "latent.z": "The latent itself, or a named one of a file written by `tc.save_latents`.",
    "canvas.width": "Width in pixels.",
    "canvas.height": "Height in pixels.",
    "canvas.print": "Size on paper, instead of width and height.",
    "canvas.dpi": "Pixels per inch on paper, 300 unless given.",
    "canvas.bleed": "What is added on every side; the picture is drawn on into it.",
    "canvas.crop": "Left, top, width and height of the part to draw, as parts of the canvas.",
    "view.center": "The point of the plane at the middle of the canvas; y points down.",
    "view.scale": "Plane units from the centre to the nearer edge: smaller is closer.",
    "view.rotation": "Degrees; turns the picture counter-clockwise.",
    "view.aspect": '`"preserve"` keeps circles round; with `"stretch"` each axis spans ±scale.',
    "view.grid": '`"centers"` samples pixel centres; with `"endpoints"` the first and last pixel '
    "lie on ±scale.",
    "view.swap": "Swap the axes: x runs down and y to the right.",
    "view.mirror": "Reflect the picture: left and right, up and down, or both.",
    "view.radial": "A kaleidoscope with this many sectors; not with mirror or repeat.",
    "view.repeat": "Make the edges match, for seamless wallpaper.",
    "output.dtype": "Type of a stored value.",
    "output.tolerance": "Largest interpolation error in steps of the output (1/255 for uint8, "
    "1/65535 otherwise); 0 evaluates the network at every pixel.",
    "output.precision": '`"fast"` uses an approximate tanh (CUDA only).',
    "output.supersample": "n × n samples a pixel.",
    "output.dither": '`"noise"` rounds up or down by a fixed noise, against banding.',
    "output.color": 'What three channels mean; `"hsv"` is hue, saturation and value, `"oklch"` '
    "lightness, chroma and hue.",
    "output.palette": "Colours for one channel or two: a list, a colour map's name, "
    '`"seed:12"`, or the main colours of a picture, `"photo.jpg"`.',
    "output.shadow": "Two-channel networks: the colour that the palette darkens to.",
    "output.shade": "Two-channel networks: how much of the shadow is mixed in, 0 to 1.",
    "output.glow": "Two-channel networks: how much brighter the brightest places are.",
    "output.invert": "Invert every channel.",
    "output.tile": "Side of a tile in pixels, the smallest square that can be read.",
    "output.shard": "Side of a shard in pixels, the unit of work; a power-of-two multiple of tile.",
}


def scene_table() -> str:
    """Return a heading and a table of keys for each section of a scene file."""
    parts = []
    for name, section in SECTIONS.items():
        rows = []
        for field in fields(section):
            rows.append(
                (
                    f"`{field.name}`",
                    "—" if field.default is None else f"`{format_value(field.default)}`",
                    _cell(field.metadata["check"].allowed),
                    MEANING[f"{name}.{field.name}"],
                )
            )
        parts += [f"### `[{name}]`", _table(("key", "default", "allowed", "meaning"), rows)]
    return "\n\n".join(parts)


def command_table() -> str:
    """Return each command's usage, help, arguments and options, in the order of `--help`."""
    program = click.Context(main, info_name="tilecppn")
    parts = []
    for verb in main.list_commands(program):
        command = main.get_command(program, verb)
        assert command is not None
        context = click.Context(command, info_name=verb, parent=program)
        usage = " ".join(command.collect_usage_pieces(context))
        parts += [f"## `{verb}`", f"```text\ntilecppn {verb} {usage}\n```"]
        parts += _paragraphs(command.help or "")
        options = [p for p in command.params if isinstance(p, click.Option)]
        rows = [(_option(option, context), _cell(_help(option, context))) for option in options]
        parts.append(_table(("option", "meaning"), rows))
    return "\n\n".join(parts)


def preset_table() -> str:
    """Return the presets with their structure, and over how many octaves they have detail."""
    rows = (
        (
            f"`{name}`",
            _cell(preset.description),
            f"{len(preset.activations)} × {preset.width}",
            ", ".join(dict.fromkeys(preset.activations)),
            f"{preset.channels}",
            f"{preset.octaves or '—'}",
        )
        for name, preset in PRESETS.items()
    )
    head = ("preset", "what it is", "layers × width", "activations", "channels", "octaves")
    return _table(head, rows)


def activation_table() -> str:
    """Return the activations with their formulas and sources."""
    rows = ((f"`{name}`", _cell(a.formula), a.source) for name, a in ACTIVATIONS.items())
    return _table(("activation", "formula", "source"), rows)


def palette_list() -> str:
    """Return the names of all colour maps in one paragraph."""
    return ", ".join(f"`{name}`" for name in names())


TABLES: dict[str, Callable[[], str]] = {
    "scene": scene_table,
    "commands": command_table,
    "presets": preset_table,
    "activations": activation_table,
    "palettes": palette_list,
}


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Keep characters that Markdown would take for markup in a table's cell."""
    for mark in "\\|<>*_[]`":
        text = text.replace(mark, "\\" + mark)
    return text


def _paragraphs(text: str) -> list[str]:
    """Turn click's help into Markdown: a paragraph that keeps its lines becomes a code block."""
    parts = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        first, _, rest = paragraph.partition("\n")
        if first.strip() == "\b":
            kind = "sh" if rest.startswith("tilecppn ") else "text"
            parts.append(f"```{kind}\n{rest}\n```")
        else:
            parts.append(_cell(" ".join(paragraph.split())))
    return parts


def _option(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    number = isinstance(option.type, click.IntRange | type(click.INT)) and not option.metavar
    return f"{names} {'N' if number else _cell(option.make_metavar(context))}"


def _help(option: click.Option, context: click.Context) -> str:
    shown = option.get_help_extra(context).get("default")
    return (option.help or "") + (f" Default: {shown}." if shown else "")
