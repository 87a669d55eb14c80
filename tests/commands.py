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
    """Raise click.UsageError unless the program knows the verb and takes its options.

    No file is opened. The verb's context has the program's as its parent: click keeps the help
    option that a verb is first asked with.
    """
    verb, *arguments = words
    program = click.Context(main, **main.context_settings)
    command = main.get_command(program, verb)
    if command is None:
        raise click.UsageError(f"no such verb: {verb}")
    command.make_context(verb, arguments, parent=program)
