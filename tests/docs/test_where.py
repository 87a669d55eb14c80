"""docs/where.md: what it points to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "where.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in TABLE.splitlines() if "`tilecppn/" in line]


@pytest.mark.parametrize(("question", "symbols", "place"), ROWS)
def test_the_symbol_is_defined_there(question: str, symbols: str, place: str) -> None:
    (path,) = re.findall(r"`(tilecppn/[\w/]+\.py)`", place)
    source = (ROOT / path).read_text(encoding="utf-8")
    for symbol in re.findall(r"`(\w+)`", symbols):
        assert re.search(rf"^ *(?:(?:class|def) {symbol}\b|{symbol}\b.* = )", source, re.M), symbol


def test_there_are_enough_questions() -> None:
    assert len(ROWS) >= 12
