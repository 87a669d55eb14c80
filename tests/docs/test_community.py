"""The files that a host of repositories shows: what they say is true of this version."""

import re
from pathlib import Path

import yaml

from tilecppn.version import VERSION

ROOT = Path(__file__).parents[2]


def test_the_citation_is_of_this_version() -> None:
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cff["cff-version"] == "1.2.0"
    assert cff["version"] == VERSION
    assert {"message", "title", "authors"} <= set(cff)


def test_issue_templates_have_a_name() -> None:
    templates = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md"))
    assert templates
    for template in templates:
        head = template.read_text(encoding="utf-8").split("---\n")[1]
        assert {"name", "about"} <= set(yaml.safe_load(head))


def test_nothing_in_the_package_can_unpickle() -> None:
    forbidden = re.compile(r"import pickle|pickle\.load|torch\.load|allow_pickle=True|\beval\(")
    for path in (ROOT / "tilecppn").rglob("*.py"):
        assert not forbidden.search(path.read_text(encoding="utf-8")), path
