"""Words to a person on stderr. Work goes on where nobody can hear them."""

import os
import sys
from collections.abc import Callable

import click


def write_line(text: str) -> None:
    try_to(lambda: click.echo(text, err=True))


def try_to(speak: Callable[[], object]) -> None:
    """Do what writes to stderr; once that fails, as with a closed pipe, nothing more is said."""
    try:
        speak()
    except (OSError, ValueError):
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (until the end)


def is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
