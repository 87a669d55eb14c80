"""Verbs take a picture where they ask for a scene."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Cli
from tests.conftest import SMALL_NET, Run
from tilecppn import export
from tilecppn.exporters.embedded_scene import embedded_scene
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_a_picture_is_drawn_again_larger(cli: Cli, tmp_path: Path) -> None:
    scene = Scene.of(cppn=SMALL_NET, canvas={"width": 40, "height": 30})
    (tmp_path / "a.toml").write_text(scene.to_toml())
    assert cli("preview", "a.toml", "-o", "a.png", "--width", 20).exit_code == 0
    done = cli("render", "a.png", "-o", "a.zarr", "--set", "canvas.width=80")
    assert done.exit_code == 0, done.stderr
    assert Store(tmp_path / "a.zarr").scene == scene.replace(canvas={"width": 80})
    assert cli("plan", "a.zarr").exit_code == 0
    done = cli("animate", "a.png", "-o", "a", "--zoom", 2, "--seconds", 1, "--fps", 3)
    assert done.exit_code == 0, done.stderr
    assert cli("animate", "a/frame-00000.png", "-o", "b", "--zoom", 2, "--fps", 1).exit_code == 0
    first = [embedded_scene(tmp_path / name / "frame-00000.png") for name in "ab"]
    assert first == [scene, scene]
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "b.png")
    done = cli("render", "b.png", "-o", "b.zarr")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)


LOST = "error: a.jpg: holds no scene; give a scene file, or an image made by tilecppn\n"


@pytest.mark.parametrize(
    ("name", "head", "skipped", "said"), [("a.tif", b"II*", 10, ""), ("a.jpg", b"MM", 8, LOST)]
)
def test_libraries_do_not_print_what_they_find_wrong(
    name: str,
    head: bytes,
    skipped: int,
    said: str,
    tmp_path: Path,
    small_store: Store,
    tilecppn: Run,
) -> None:
    export(small_store.path, tmp_path / name, level=3)
    data = (tmp_path / name).read_bytes()
    tags = data.index(head) + skipped
    (tmp_path / name).write_bytes(data[:tags] + b"\xff" * 26 + data[tags + 26 :])
    assert tilecppn("info", name).stderr == said
