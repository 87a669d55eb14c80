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
from tilecppn.scene.meaning import MEANING
from tilecppn.scene.palettes import names
from tilecppn.scene.sections import SECTIONS
from tilecppn.scene.validation import format_value


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
    program = click.Context(main, info_name="tilecppn", **main.context_settings)
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
