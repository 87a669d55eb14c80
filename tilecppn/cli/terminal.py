"""Results on stdout, whatever it can encode; messages on stderr, even if that is closed."""

import io
import os
import re
import sys
from collections.abc import Callable
from typing import TextIO

import click

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # but tabs and ends of lines


def make_printable(stream: TextIO | None) -> None:
    """Let a stream take any text: what its encoding lacks is written as an escape, as in \\u2026.

    Terminals of old locales lack characters of ours and of file names, and UTF-8 has none for a
    byte of a file name that is no UTF-8.
    """
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def visible(text: str) -> str:
    """Text whose control characters, as in file names, are escapes, as in \\x1b; lines stay."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def write_line(text: str) -> None:
    """Print a line on stderr."""
    try_to(lambda: click.echo(visible(text), err=True))


def try_to(speak: Callable[[], object]) -> None:
    """Call what writes to stderr; once that fails, as with a closed pipe, print nothing more."""
    try:
        speak()
    except (OSError, ValueError):
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (until the end)


def is_terminal() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()
