"""The page docs/learned.md: its commands are ones that the verbs take, its pictures are there."""

import re
import shlex
from pathlib import Path

import click
import pytest

from tilecppn.cli import main

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "learned.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^tilecppn .*$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str) -> None:
    verb, *arguments = shlex.split(command.partition(" > ")[0])[1:]
    found = main.get_command(click.Context(main), verb)
    assert found is not None
    found.make_context(verb, arguments)


def test_links_and_pictures() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert len(links) > 5
    for link in links:
        assert link.startswith("https://") or (DOCS / link).exists(), link
    for link in links:
        if (DOCS / link).suffix in (".png", ".jpg", ".gif"):
            assert (DOCS / link).stat().st_size < 150_000, link
