"""The generated tables: complete, and what the code says."""

import importlib.util
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import click
import pytest

import tilecppn
from tilecppn.cli import main
from tilecppn.cppn.presets import PRESETS
from tilecppn.scene.meaning import MEANING
from tilecppn.scene.sections import SECTIONS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.md"))
}


@pytest.fixture(scope="module")
def generated() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generated", DOCS / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_key_of_a_scene_is_explained(generated: ModuleType) -> None:
    keys = {f"{name}.{f.name}" for name, section in SECTIONS.items() for f in fields(section)}
    assert set(MEANING) == keys
    table = generated.scene_table()
    for name, section in SECTIONS.items():
        assert f"### `[{name}]`" in table
        for field in fields(section):
            assert f"| `{field.name}` |" in table


def test_every_command_and_option_is_listed(generated: ModuleType) -> None:
    table = generated.command_table()
    for name in main.list_commands(click.Context(main)):
        assert f"## `{name}`" in table
    assert table.count("`--json`") > 5


def test_every_preset_is_listed(generated: ModuleType) -> None:
    assert re.findall(r"^\| `([\w-]+)` ", generated.preset_table(), re.M) == list(PRESETS)


def test_every_table_is_used_and_every_mark_is_a_table(generated: ModuleType) -> None:
    marks = {mark for text in PAGES.values() for mark in re.findall(r"<!-- table: (\w+) -->", text)}
    assert marks == set(generated.TABLES)


def test_every_public_name_is_in_the_reference() -> None:
    text = PAGES["reference/python.md"]
    missing = [
        name
        for name in tilecppn.__all__
        if name != "__version__" and not re.search(rf"(:: |`){name}\b", text)
    ]
    assert missing == []
