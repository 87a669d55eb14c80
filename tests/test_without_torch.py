"""Everything but learning and the kernels of torch works without torch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SCENE = "[cppn]\npreset = 'tide'\n[canvas]\nwidth = 96\nheight = 64\n"


@pytest.fixture
def without_torch(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that finds no torch."""
    blocked = tmp_path / "blocked" / "torch"
    blocked.mkdir(parents=True)
    text = 'raise ModuleNotFoundError("No module named \'torch\'", name="torch")\n'
    (blocked / "__init__.py").write_text(text)
    path = os.pathsep.join([str(blocked.parent), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path}


def run(*words: str, cwd: Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tilecppn", *words]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_pictures_and_films_are_drawn(tmp_path: Path, without_torch: dict[str, str]) -> None:
    (tmp_path / "a.toml").write_text(SCENE)
    for words in (
        ["render", "a.toml", "-o", "a.zarr", "--export", "a.dzi"],
        ["export", "a.zarr", "a.tif"],
        ["preview", "a.toml", "-o", "a.png"],
        ["animate", "a.toml", "-o", "a.gif", "--morph", "1,2", "--seconds", "0.2", "--fps", "10"],
    ):
        found = run(*words, cwd=tmp_path, env=without_torch)
        assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["render", "a.toml", "-o", "b.zarr", "--kernel", "torch"],
        ["fit", "a.png", "-o", "a.safetensors"],
        ["train", "digits", "-o", "b.safetensors"],
    ],
)
def test_what_needs_torch_says_how_to_install_it(
    tmp_path: Path, without_torch: dict[str, str], words: list[str]
) -> None:
    (tmp_path / "a.toml").write_text(SCENE)
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    found = run(*words, cwd=tmp_path, env=without_torch)
    assert 'pip install "tilecppn[torch]"' in found.stderr, found.stderr
    assert "Traceback" not in found.stderr
