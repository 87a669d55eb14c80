"""Every page in Markdown: its commands have the options of their verbs, links lead somewhere."""

import re
import textwrap
from pathlib import Path

import pytest

from tests.commands import accepts, commands

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(ROOT / folder / "README.md" for folder in ("cluster", "examples")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
every_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)


@every_page
def test_commands_are_understood(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^ *```sh\n(.*?)```", text, re.DOTALL | re.MULTILINE):
        for words in commands(textwrap.dedent(block)):
            accepts(words)


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        assert link.startswith("https://") or (page.parent / link).exists(), link
    assert not re.search(r"^(<{7}|>{7}) ", text, re.MULTILINE)  # the marks of a conflict


def test_pictures_of_the_learned_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in ROOT.glob("docs/images/learned-*")}
    assert sizes
    assert max(sizes.values()) < 150_000
