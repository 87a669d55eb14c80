"""Makes options from the fields of a settings class."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

import click

from tilecppn.cli.common import F
from tilecppn.formatting import option_name


def device_options(precision: str) -> Callable[[F], F]:
    """Return a decorator that adds --device, and --precision with `precision` as its help."""

    def decorated(function: F) -> F:
        for name, choices, words in (
            ("--precision", ["auto", "float32", "mixed"], precision),
            ("--device", ["auto", "cpu", "cuda"], "Device to train on."),
        ):
            option = click.option(
                name, type=click.Choice(choices), default="auto", show_default=True, help=words
            )
            function = option(function)
        return function

    return decorated


def settings_options(name: str, words: Mapping[str, str]) -> Callable[[Any], Any]:
    """Return a decorator that adds an option for each field of a class of `train.settings`.

    words: the help of each. Options that are not given are passed as None.
    """

    def decorate(function: Any) -> Any:
        settings = getattr(import_module("tilecppn.train.settings"), name)
        hints = get_type_hints(settings)
        for field in reversed(fields(settings)):
            option = option_name(field.name)
            kind = _plain(hints[field.name])
            if kind is bool:
                function = click.option(
                    option, field.name, is_flag=True, default=None, help=words[field.name]
                )(function)
                continue
            default = "" if field.default is None else f" [default: {_text(field.default)}]"
            function = click.option(
                option,
                field.name,
                type={int: int, float: float}.get(kind, str),
                metavar={int: "N", float: "NUMBER"}.get(kind, "NAME"),
                help=words[field.name] + default,
            )(function)
        return function

    return decorate


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
