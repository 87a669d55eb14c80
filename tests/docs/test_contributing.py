"""CONTRIBUTING.md: each recipe is followed on a copy of the package, and its commands are run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", TEXT, re.MULTILINE | re.DOTALL))
SCENE = "[cppn]\nwidth = 8\n[canvas]\nwidth = 96\nheight = 64\n"

# What a paragraph says of the block below it.
ADD_ROW = re.compile(r"Add a row to `(\w+)` in `([\w/]+\.py)`")
IMPORT = re.compile(r"Add an import to `([\w/]+\.py)`")
APPEND = re.compile(r"Add to the end of `([\w/]+\.py)`")
WRITE = re.compile(r"Write `([\w/]+\.py)`")


def add_row(path: Path, table: str, row: str) -> None:
    """Insert a row at the top of a dict that the module assigns to `table`."""
    before, head, after = re.split(
        rf"(^{table}\b.*?= \{{.*?\n)", path.read_text(encoding="utf-8"), maxsplit=1, flags=re.M
    )
    path.write_text(before + head + row + after, encoding="utf-8")


def follow(recipe: str, copy: Path) -> list[list[str]]:
    """Make the changes of a recipe in a copy of the repository; returns its commands."""
    found: list[list[str]] = []
    parts = re.split(r"^```(\w+)\n(.*?)^```\n", recipe, flags=re.DOTALL | re.MULTILINE)
    for text, language, block in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        words = " ".join(text.rstrip().rpartition("\n\n")[2].split())
        if language == "sh":
            found += [shlex.split(line)[1:] for line in block.splitlines()]
        elif match := ADD_ROW.search(words):
            add_row(copy / match[2], match[1], block)
        elif match := IMPORT.search(words):
            path = copy / match[1]
            before, first, after = path.read_text(encoding="utf-8").partition("from tilecppn")
            path.write_text(before + block + first + after, encoding="utf-8")
        elif match := APPEND.search(words):
            with (copy / match[1]).open("a", encoding="utf-8") as file:
                file.write("\n\n" + block)
        elif match := WRITE.search(words):
            (copy / match[1]).write_text(block, encoding="utf-8")
        else:
            raise AssertionError(f"what to do with this block? {words}")
    return found


@pytest.mark.parametrize("name", RECIPES)
def test_recipe(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tilecppn", tmp_path / "tilecppn")
    (tmp_path / "scene.toml").write_text(SCENE, encoding="utf-8")
    commands = follow(RECIPES[name], tmp_path)
    assert commands
    for words in commands:
        done = subprocess.run(
            [sys.executable, "-m", "tilecppn", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        made = words[words.index("-o") + 1] if "-o" in words else words[-1]
        assert (tmp_path / made).exists()
    if "activation" in name:  # drawn by several kernels
        first, *others = [
            np.asarray(Image.open(path), int) for path in sorted(tmp_path.glob("*.png"))
        ]
        assert len(others) == 2
        assert first.std() > 1
        for other in others:
            assert np.abs(other - first).max() <= 1


def test_every_kind_of_plug_in_has_a_recipe() -> None:
    kinds = ("preset", "activation", "kernel", "exporter", "codec")
    assert all(any(kind in name for name in RECIPES) for kind in kinds)


def test_every_target_of_make_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([\w-]+)`", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_path_that_is_named_exists() -> None:
    new = {path for recipe in RECIPES.values() for path in WRITE.findall(recipe)}
    for path in set(re.findall(r"`((?:tilecppn|tests|docs)/[\w/.]+)`", TEXT)) - new:
        assert (ROOT / path).exists() or path.endswith(("run/x.py", "test_x.py")), path
