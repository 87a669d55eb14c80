"""The commands of the tutorial and the how-tos fit together, read from top to bottom."""

import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.commands import accepts, commands
from tilecppn.exporters.verify import outputs_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]
SHOWN = re.compile(r"^ *```sh\n(.*?)^ *```|`(tilecppn\s[^`]+\s[^`]+)`", re.DOTALL | re.MULTILINE)
WRITES = ("-o", "--contact", "--export")  # options with an output
WRITTEN = (".toml", ".zarr", ".dzi", ".html", ".tif")  # inputs that are not the reader's own


def shown(page: str) -> Iterator[list[str]]:
    """The words of a page's commands, in blocks and in sentences."""
    for block, inline in SHOWN.findall(page):
        yield from commands(textwrap.dedent(block) or inline.replace("\n", " "))


def outputs(words: list[str]) -> list[Path]:
    named = [b for a, b in pairwise(words) if a in WRITES]
    named += words[2:3] if words[0] == "export" else []
    return [path for name in named for path in outputs_of(Path(name))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_command_of_a_page_stands_in_the_way_of_another(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    there = {Path(name) for name in re.findall(r"Write this one as `(\S+)`", page)}
    for words in shown(page):
        read, written = Path(*words[1:2]), outputs(words)
        if read.suffix in WRITTEN:
            assert read in there or (ROOT / read).is_file(), f"{words}: there is no {read}"
        assert there.isdisjoint(written), f"{words}: is there already"
        there.update(written)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_command_of_a_page_has_the_options_of_its_verb(path: Path) -> None:
    for words in shown(path.read_text(encoding="utf-8")):
        accepts(words)


def test_commands_in_blocks_and_sentences_are_found() -> None:
    page = (
        "   ```sh\n   tilecppn a b \\\n       -o c\n   ```\nand `tilecppn d\ne` or `tilecppn f`.\n"
    )
    assert list(shown(page)) == [["a", "b", "-o", "c"], ["d", "e"]]
