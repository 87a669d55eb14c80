"""The commands that documents show, parsed as the program parses them."""

import re
import shlex
from collections.abc import Sequence
from itertools import takewhile

import click

from tilecppn.cli import main


def commands(text: str) -> list[list[str]]:
    """The words after `tilecppn` in each line that begins so, with its continuations, up to a >."""
    lines = re.findall(r"^tilecppn .*$", text.replace("\\\n", " "), re.MULTILINE)
    return [list(takewhile(lambda word: word != ">", shlex.split(line)[1:])) for line in lines]


def accepts(words: Sequence[str]) -> None:
    """Raise click.UsageError unless the program knows the command and takes its options.

    No file is opened. The command's context has the program's as its parent: click keeps the help
    option that a command is first asked with.
    """
    name, *arguments = words
    program = click.Context(main, **main.context_settings)
    command = main.get_command(program, name)
    if command is None:
        raise click.UsageError(f"no such command: {name}")
    command.make_context(name, arguments, parent=program)
