"""The pages' commands and Python, run as they stand (large pictures at a tenth of their size)."""

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, cli
from tests.commands import commands

__all__ = ["cli"]  # a fixture

ROOT = Path(__file__).parents[2]


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def test_the_tutorial_works(clone: Path, cli: Cli) -> None:
    (scene,) = blocks("tutorial.md", "toml")
    (clone / "first.toml").write_text(scene, encoding="utf-8")
    for block in blocks("tutorial.md", "sh"):
        smaller = block.replace("15360", "1536").replace("8640", "864").replace("0-24", "0-3")
        for words in commands(smaller):
            if words[0] != "view":
                done = cli(*words)
                assert done.exit_code == 0, f"{words}\n{done.stderr}"
    assert (clone / "first.html").exists()


def test_the_notebook_page_works(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    names: dict[str, object] = {}
    for block in blocks("howto/notebook.md", "python"):
        exec(compile(block, "notebook.md", "exec"), names)
    assert (clone / "abstract.png").exists()
