"""The README's commands and Python, run as they stand."""

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from tests.conftest import Run
from tilecppn.cli import main
from tilecppn.film.codecs import CONTAINERS
from tilecppn.film.timeline import Timeline, is_timeline
from tilecppn.scene import Scene

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [
    line.replace("\\\n", " ")
    for block in blocks("sh")
    for line in re.findall(r"^tilecppn (?:.*\\\n)*.*$", block, re.MULTILINE)
]
HERE = [command for command in COMMANDS if "--address" not in command]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def test_the_commands_work_in_their_order(clone: Path, tilecppn: Run) -> None:
    assert len(HERE) >= 6
    for command in HERE:
        done = tilecppn(*shlex.split(command)[1:])
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    made = {"first.png", "first.zarr", "first.dzi", "first.html", "first-print.tif"}
    made |= {"morph.mp4", "sheet.png", "film.gif"}
    assert made <= {path.name for path in clone.iterdir()}


def test_every_command_has_the_options_of_its_verb() -> None:
    parent = click.Context(main, **main.context_settings)
    for command in COMMANDS:
        verb, *arguments = shlex.split(command)[1:]
        found = main.get_command(parent, verb)
        assert found is not None
        found.make_context(verb, arguments, parent=parent)


def test_the_codecs_are_those_of_the_table() -> None:
    for suffix, container in CONTAINERS.items():
        (cell,) = re.findall(rf"^\| `{re.escape(suffix)}` \| (.*) \|$", README, re.MULTILINE)
        listed = tuple(re.findall(r"`([^`]+)`", cell))
        assert listed == container.codecs[: len(listed)]
        assert (listed == container.codecs) != cell.endswith("and all others")


def test_the_python_works(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    assert (clone / "large.png").exists()


def test_the_scenes_are_scenes_and_the_listed_defaults_are_the_defaults() -> None:
    first, film, everything = blocks("toml")
    assert Scene.parse(first) == Scene.load(ROOT / "examples" / "first.toml")
    assert Scene.parse(everything) == Scene.of()
    assert set(Timeline.parse(film).tracks) == {"latent", "view.scale", "view.rotation"}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda p: p.name)
def test_every_example_is_a_scene_or_a_timeline(path: Path) -> None:
    if is_timeline(path.read_text(encoding="utf-8")):
        Timeline.load(path)
    else:
        Scene.load(path)


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("https://") or (ROOT / link).exists(), link
