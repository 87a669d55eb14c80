"""Prints results to stdout, whatever its encoding, and messages to stderr, even if closed."""

import io
import os
import re
import sys
from collections.abc import Callable
from typing import TextIO

import click

# Except tabs and line feeds; those of Unicode turn the direction of text around, or break lines.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def make_printable(stream: TextIO | None) -> None:
    """Let a stream accept any text, by escaping what it cannot encode, as in \\u2026.

    Old locales lack characters of messages and file names, and UTF-8 cannot encode a file name's
    invalid bytes.
    """
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def visible(text: str) -> str:
    """Escape control characters, as in file names, like \\x1b; keep line breaks."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def write_line(text: str) -> None:
    """Print a line to stderr."""
    try_to(lambda: click.echo(visible(text), err=True))


def try_to(speak: Callable[[], object]) -> None:
    """Call a function that writes to stderr; on failure, as with a closed pipe, silence stderr."""
    try:
        speak()
    except (OSError, ValueError):
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (until the end)


def is_terminal() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()
