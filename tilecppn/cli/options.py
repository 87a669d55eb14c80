"""Makes options from the fields of a settings class."""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

import click

from tilecppn.cli.common import F, with_options
from tilecppn.formatting import option_name


def device_options(precision: str) -> Callable[[F], F]:
    """Return a decorator that adds --device, and --precision with `precision` as its help."""

    def option(name: str, choices: list[str], words: str) -> Callable[[F], F]:
        kind = click.Choice(choices)
        return click.option(name, type=kind, default="auto", show_default=True, help=words)

    return with_options(
        option("--precision", ["auto", "float32", "mixed"], precision),
        option("--device", ["auto", "cpu", "cuda"], "Device to train on."),
    )


def settings_options(name: str, words: Mapping[str, str]) -> Callable[[Any], Any]:
    """Return a decorator that adds an option for each field of a class of `train.settings`.

    words: the help of each. Options that are not given are passed as None.
    """

    settings = getattr(import_module("tilecppn.train.settings"), name)
    hints = get_type_hints(settings)

    def option(field: "Field[Any]") -> Callable[[F], F]:
        names, kind = (option_name(field.name), field.name), _plain(hints[field.name])
        if kind is bool:
            return click.option(*names, is_flag=True, default=None, help=words[field.name])
        default = "" if field.default is None else f" [default: {_text(field.default)}]"
        type_, metavar = {int: (int, "N"), float: (float, "NUMBER")}.get(kind, (str, "NAME"))
        return click.option(*names, type=type_, metavar=metavar, help=words[field.name] + default)

    return with_options(*map(option, reversed(fields(settings))))


def given_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the options that were given; split names at commas."""
    given = {name: value for name, value in options.items() if value is not None}
    if "activations" in given:
        given["activations"] = tuple(part.strip() for part in given["activations"].split(","))
    return given


def _plain(hint: Any) -> Any:
    """Return int for `int | None`."""
    if isinstance(hint, UnionType):
        (hint,) = (kind for kind in get_args(hint) if kind is not NoneType)
    return hint


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
