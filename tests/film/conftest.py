"""A small film, and its frames as the store has them."""

import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import SMALL_NET
from tests.signalled import signalled
from tests.stores import tree
from tilecppn.film.animate import animate
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene

FRAMES = 11


@pytest.fixture(scope="session")
def scene() -> Scene:
    """97 × 66 RGB, cheap, in four shards of which three are cut by the canvas."""
    return Scene.of(
        cppn=SMALL_NET,
        canvas={"width": 97, "height": 66},
        view={"scale": 2.0},
        output={"tile": 64, "shard": 64},
    )


@pytest.fixture(scope="session")
def film(scene: Scene) -> Timeline:
    """11 frames that morph in a loop."""
    return moving(scene, morph=[1, 2, 3], loop=True, seconds=1.1, fps=10)


@pytest.fixture(scope="session")
def even_film(scene: Scene) -> Timeline:
    """The same, 96 × 66 pixels in one shard."""
    even = scene.replace(canvas={"width": 96}, output={"tile": 128, "shard": 128})
    return moving(even, morph=[1, 2, 3], loop=True, seconds=1.1, fps=10)


def killed(film: Timeline, folder: Path, name: str, where: str, call: int, *options: str) -> None:
    """Render `film` into `name` in another process, which is killed as a call of `where` begins."""
    (folder / "film.toml").write_text(film.to_toml())
    command = ["animate", "film.toml", "-o", name, "--executor", "local", "--workers", "1"]
    done = subprocess.run(
        signalled(where, call, signal.SIGKILL, *command, *options),
        cwd=folder, stderr=subprocess.DEVNULL, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL


def clips_in(parts: Path) -> list[Path]:
    """The clips of an unfinished film, in its order."""
    found = (file for file in parts.glob("clips/*/*") if file.name.isdecimal())
    return sorted(found, key=lambda file: int(file.name))


def content(path: Path) -> object:
    """The bytes of a film, or of the files of a folder."""
    return tree(path) if path.is_dir() else path.read_bytes()


def pixels(store: FilmStore) -> NDArray[np.generic]:
    """All frames (t, height, width, channels)."""
    still = store.plan.still.levels[0].window
    frames = [store.read(k, still) for k in range(store.plan.frames)]
    return np.moveaxis(np.stack(frames), 1, -1)


@pytest.fixture(scope="session")
def film_store(film: Timeline, tmp_path_factory: pytest.TempPathFactory) -> FilmStore:
    """`film` rendered into a store; read only."""
    return FilmStore(animate(film, tmp_path_factory.mktemp("film") / "a.zarr", executor="local"))


@pytest.fixture(scope="session")
def frames(film_store: FilmStore) -> NDArray[np.generic]:
    return pixels(film_store)


@pytest.fixture(scope="session")
def even_frames(
    even_film: Timeline, tmp_path_factory: pytest.TempPathFactory
) -> NDArray[np.generic]:
    path = tmp_path_factory.mktemp("even") / "a.zarr"
    return pixels(FilmStore(animate(even_film, path, executor="local")))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
