"""Messages on stderr. Work goes on even if stderr is closed."""

import os
import sys
from collections.abc import Callable

import click


def write_line(text: str) -> None:
    """Print a line on stderr."""
    try_to(lambda: click.echo(text, err=True))


def try_to(speak: Callable[[], object]) -> None:
    """Call what writes to stderr; once that fails, as with a closed pipe, print nothing more."""
    try:
        speak()
    except (OSError, ValueError):
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (until the end)


def is_terminal() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()
