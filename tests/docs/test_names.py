"""Files that comments and docstrings of the package point to are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("tilecppn", "cluster") for path in (ROOT / folder).rglob("*.py")]
NAMED = re.compile(r"`([\w/.-]+\.(?:py|md))`|\b((?:tilecppn|tests|docs)/[\w/.-]+\.(?:py|md))\b")


def test_every_named_file_is_there() -> None:
    there = [
        path.relative_to(ROOT).as_posix()
        for folder in ("tilecppn", "tests", "docs", "cluster")
        for path in (ROOT / folder).rglob("*.*")
    ]
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in SOURCES
        for name in map("".join, NAMED.findall(path.read_text(encoding="utf-8")))
        if not any(file.endswith(f"/{name}") or file == name for file in there)
    ]
    assert missing == []


def test_names_are_found() -> None:
    text = "as `no_such.py` says, and docs/nothing.md"
    assert ["".join(found) for found in NAMED.findall(text)] == ["no_such.py", "docs/nothing.md"]
