"""docs/architecture.md and the decision records: short, numbered, dated."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
RECORDS = sorted((DOCS / "decisions").glob("0*.md"))


def test_the_architecture_is_one_sitting() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 250


def test_records_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)
def test_record_has_a_title_and_a_date(path: Path) -> None:
    title, empty, date, *_ = path.read_text(encoding="utf-8").splitlines()
    assert title.startswith("# ")
    assert not empty
    assert re.fullmatch(r"(\d\d? )?[A-Z][a-z]+ 20\d\d", date)
