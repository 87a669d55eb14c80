"""A scene in a folder, and a studio that begins with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.studio.asking import Client, opened
from tilecppn.scene.scene import Scene

SCENE = Scene.of(
    cppn={"preset": "silk", "seed": 7},
    canvas={"width": 600, "height": 400},
    output={"tile": 64, "shard": 256},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with my.toml."""
    path = tmp_path_factory.mktemp("studio")
    (path / "my.toml").write_text(SCENE.to_toml())
    return path


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    """A studio that shows it."""
    with opened(folder, folder / "my.toml") as client:
        yield client


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of its own with my.toml."""
    (tmp_path / "my.toml").write_text(SCENE.to_toml())
    return tmp_path
