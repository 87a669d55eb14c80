"""The command line within this process: quick, and its two outputs apart."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from click.testing import CliRunner, Result
from PIL import Image

from tests.conftest import SMALL_NET
from tests.stores import noise_store, plain_scene
from tilecppn.cli import main
from tilecppn.exporters.encoding.png import encode_png
from tilecppn.plan import Shard
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """cli("render", "a.toml", …) in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [*map(str, arguments)], prog_name="tilecppn")

    return run


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """a.toml in the current folder: 150 × 101 in 2 + 1 shards."""
    scene = Scene.of(
        cppn=SMALL_NET,
        canvas={"width": 150, "height": 101},
        output={"tile": 64, "shard": 128},
    )
    (tmp_path / "a.toml").write_text(scene.to_toml())
    return scene


@pytest.fixture
def copied(small_store: Store, tmp_path: Path) -> Store:
    """small_store as a.zarr in the current folder."""
    return Store(shutil.copytree(small_store.path, tmp_path / "a.zarr"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All kinds of files, stores and exports, ours and others'."""
    folder = tmp_path_factory.mktemp("bad")
    scene = plain_scene(100, 70, tile=64, shard=128)
    (folder / "ok.toml").write_text(scene.to_toml())
    store = noise_store(folder / "done.zarr", 100, 70)
    shutil.copytree(store.path, folder / "unfinished.zarr")
    Store(folder / "unfinished.zarr").delete(Shard(0, 0, 0))
    shutil.copytree(store.path, folder / "mixed.zarr")
    (folder / "mixed.zarr" / "notes.txt").write_text("mine")
    shutil.copytree(store.path, folder / "nested.zarr")
    (folder / "nested.zarr" / "0" / "notes.txt").write_text("mine")
    (folder / "file.zarr").write_text("mine")
    (folder / "link.zarr").symlink_to("done.zarr")
    (folder / "dangling.zarr").symlink_to("nowhere")
    (folder / "circle").symlink_to("circle")
    (folder / "photos").mkdir()
    (folder / "photos" / "1.jpg").write_text("mine")
    (folder / "empty").mkdir()
    other = zarr.create_group(folder / "other.zarr")
    other.create_array("0", shape=(4, 4), dtype="uint8")[:] = 7
    Image.new("RGB", (4, 4)).save(folder / "photo.png")
    ours = encode_png(np.zeros((4, 4, 3), np.uint8), scene.to_toml())
    (folder / "ours.png").write_bytes(ours)
    (folder / "link.png").symlink_to("ours.png")
    (folder / "dangling.png").symlink_to("nowhere")
    (folder / "folder.png").mkdir()
    for name in ("a.dzi", "b.html"):
        (folder / name).write_text("mine")
    (folder / "c_files").mkdir()
    (folder / "c_files" / "1.jpg").write_text("mine")
    (folder / "d.dzi").symlink_to("nowhere")
    return folder


@pytest.fixture
def workspace(original: Path, tmp_path: Path, cli: Cli) -> Path:
    """A copy of `original` that is the current folder."""
    return shutil.copytree(original, tmp_path, symlinks=True, dirs_exist_ok=True)
