"""The README's commands and Python, run as they stand (a large picture at a tenth of its size)."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.commands import commands
from tilecppn.cli import main
from tilecppn.film.encoding.codecs import CONTAINERS
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.parsing import is_timeline
from tilecppn.scene.scene import Scene

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCENE = (ROOT / "docs" / "scene.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


COMMANDS = [
    words
    for block in blocks("sh")
    for words in commands(block.replace("3840", "384").replace("2160", "216"))
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def test_the_commands_work_in_their_order(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    here = [words for words in COMMANDS if "--address" not in words]
    assert len(here) >= 6
    for words in here:
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, f"{words}\n{done.stderr}"
    made = {"first.png", "first.zarr", "first.dzi", "first.html", "first-print.tif"}
    made |= {"morph.mp4", "sheet.png", "film.gif"}
    assert made <= {path.name for path in clone.iterdir()}


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
    (first, film), (everything,) = blocks("toml"), blocks("toml", SCENE)
    assert Scene.parse(first) == Scene.load(ROOT / "examples" / "first.toml")
    assert Scene.parse(everything) == Scene.of()
    assert set(Timeline.parse(film).tracks) == {"latent", "view.scale", "view.rotation"}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda p: p.name)
def test_every_example_is_a_scene_or_a_timeline(path: Path) -> None:
    if is_timeline(path.read_text(encoding="utf-8")):
        Timeline.load(path)
    else:
        Scene.load(path)
