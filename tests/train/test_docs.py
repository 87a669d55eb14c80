"""The page docs/learned.md: its commands are ones that the verbs take, its pictures are there."""

import re
from pathlib import Path

import pytest

from tests.commands import accepts, commands

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "learned.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", commands(PAGE), ids=" ".join)
def test_commands(words: list[str]) -> None:
    accepts(words)


def test_links_and_pictures() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert len(links) > 5
    for link in links:
        assert link.startswith("https://") or (DOCS / link).exists(), link
    for link in links:
        if (DOCS / link).suffix in (".png", ".jpg", ".gif"):
            assert (DOCS / link).stat().st_size < 150_000, link
