"""The table of promises in cluster/README.md: the tests that it names are there, and are run."""

import ast
import re

import pytest

from tests.cluster.manifests import README, ROOT

(_, TABLE) = README.read_text(encoding="utf-8").split(
    "\n| what fails | then | lost | tests |\n|---|---|---|---|\n"
)
ROWS = [line.strip("| ").split(" | ") for line in TABLE.partition("\n\n")[0].splitlines()]
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def names_in(path: str) -> set[str]:
    """The names of the tests in a file below tests/."""
    file = ROOT / "tests" / path
    assert re.fullmatch(r"test_\w+\.py", file.name)
    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    return {n.name for n in nodes if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_promise_names_tests_that_are_there(row: list[str]) -> None:
    *promise, tests = row
    assert len([words for words in promise if words]) == 3
    named = NAMED.findall(tests)
    assert named
    assert NAMED.sub("", tests).strip(", ") == ""
    missing = [name for path, name in named if name not in names_in(path)]
    assert missing == []


def test_every_promise_is_found() -> None:
    assert len(ROWS) >= 10
