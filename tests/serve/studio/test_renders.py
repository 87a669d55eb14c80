"""Renders that the page asks for: real commands, their progress, cancel and resume."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.commands import accepts
from tests.serve.serving import wait_until
from tests.serve.studio.asking import Client, opened, started
from tests.serve.studio.conftest import SCENE
from tilecppn.errors import InvalidRequestError
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio.orders import order
from tilecppn.storage.store import Store

PRINT = {"purpose": "print", "name": "a", "size": "3x2cm"}
FORMS: list[dict[str, Any]] = [
    PRINT,
    {**PRINT, "dpi": 72.5, "bleed": "3mm", "format": "png", "address": "auto"},
    {"purpose": "page", "name": "a page", "width": 3000, "format": "jpg"},
    {"purpose": "film", "name": "a", "width": 301, "seconds": 1.5, "fps": 24, "loop": True},
    {"purpose": "film", "name": "a", "move": "zoom", "zoom": 3, "address": "host:6379"},
    {"purpose": "film", "name": "a", "move": "morph", "seeds": "1, 2 3", "format": "gif"},
    {"purpose": "image", "name": "b/a", "width": 100, "format": "webp"},
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["purpose"])
def test_every_order_is_a_command_that_there_is(form: dict[str, Any]) -> None:
    found = order(SCENE, form)
    for line in found.lines:
        accepts(line)
    assert all(name.startswith(form["name"]) for name in found.outputs)
    assert Scene.parse(found.scene.to_toml()) == found.scene
    assert (found.timeline is not None) == (form["purpose"] == "film")


def test_what_an_order_draws() -> None:
    printed = order(SCENE, {**PRINT, "bleed": "1mm"}).scene
    assert (printed.canvas.width, printed.canvas.height) == (354 + 24, 236 + 24)
    assert order(SCENE, {"purpose": "page", "name": "a", "width": 3000}).scene.canvas.height == 2000
    film = order(SCENE, FORMS[3])
    assert film.timeline is not None
    assert (film.timeline.frames, film.scene.canvas.width) == (36, 300)


def test_a_print_of_another_shape_is_told() -> None:
    assert SCENE.canvas.whole == (600, 400)
    assert order(SCENE, {**PRINT, "size": "60x40cm", "bleed": "3mm"}).remark == ""
    assert "1 : 1.41, the picture 1.50 : 1" in order(SCENE, {**PRINT, "size": "A4"}).remark


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": "rm"},
        {"purpose": None},
        {"name": "-o"},
        {"name": "--overwrite"},
        {"name": "../a"},
        {"name": "/tmp/a"},
        {"name": "a/../../b"},
        {"name": ".a"},
        {"name": "a\nb"},
        {"name": "s3://a/b"},
        {"name": ""},
        {"name": "a" * 500},
        {"size": "60"},
        {"size": "1e9x1e9cm"},
        {"dpi": float("nan")},
        {"dpi": "300"},
        {"bleed": "-3mm"},
        {"format": "exe"},
        {"address": "--kernel"},
        {"address": "http://evil/ --x"},
        {"purpose": "page", "width": 0},
        {"purpose": "page", "width": 10**12},
        {"purpose": "page", "width": "9"},
        {"purpose": "film", "seconds": 1e9},
        {"purpose": "film", "seconds": -1},
        {"purpose": "film", "fps": 0},
        {"purpose": "film", "move": "morph", "seeds": "1"},
        {"purpose": "film", "move": "morph", "seeds": "1,x"},
        {"purpose": "film", "move": "zoom", "zoom": 0},
    ],
    ids=str,
)
def test_what_is_no_order_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        order(SCENE, {**PRINT, **wrong})


def renders(client: Client) -> Any:
    return client.json("renders.json")["renders"]


def until(client: Client, number: int, *states: str) -> Any:
    """Wait until a render is in one of these states; what is told of it."""
    wait_until(lambda: renders(client)[number]["state"] in states)
    return renders(client)[number]


@pytest.mark.slow
def test_a_print_from_the_form_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(SCENE.to_toml())
    with opened(tmp_path, tmp_path / "my.toml") as client:
        asked = {"id": client.scene["id"], **PRINT}
        said = client.told("plan", **asked)
        assert "354 × 236" in said["plan"]
        assert client.told("renders", **asked) == {"number": 0}
        found = until(client, 0, "done", "failed")
        assert (found["state"], found["error"]) == ("done", "")
        assert found["commands"] == said["commands"]
        assert found["done"] == found["tasks"] > 0
        # The same commands by hand make the same picture.
        words = [shlex.split(line)[1:] for line in said["commands"]]
        again = [[part.replace("a.zarr", "b.zarr").replace("a.tif", "b.tif") for part in line]
                 for line in words]  # fmt: skip
        for line in again:
            subprocess.run([sys.executable, "-m", "tilecppn", *line], cwd=tmp_path, check=True)
        picture, twin = (tifffile.imread(tmp_path / name) for name in ("a.tif", "b.tif"))
        assert picture.shape == (236, 354, 3)
        np.testing.assert_array_equal(picture, twin)
        # Another picture under that name is not begun.
        other = client.told("scenes", base=client.scene["id"], changes={"cppn": {"seed": 1}})
        status, answer = client.post("renders", {**asked, "id": other["id"]})
        assert (status, "another scene" in answer["error"]) == (422, True)
        assert len(renders(client)) == 1


@pytest.mark.slow
def test_a_render_is_stopped_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(SCENE.replace(output={"tolerance": 0.0}).to_toml())
    large = {"purpose": "page", "name": "large", "width": 6000, "format": "jpg"}
    with opened(tmp_path, tmp_path / "my.toml") as client:
        shown = client.scene["id"]
        client.told("renders", id=shown, **large)
        client.told("renders", id=shown, **PRINT)
        assert client.post("renders", {"id": shown, **PRINT})[0] == 422  # it waits already
        wait_until(lambda: renders(client)[0]["done"] > 3)
        assert [r["state"] for r in renders(client)] == ["running", "waiting"]
        client.told("renders/cancel", number=0)
        until(client, 0, "stopped")
        assert until(client, 1, "done")["state"] == "done"
        kept = Store(tmp_path / "large.zarr").count_done(0)
        assert kept > 0
        assert renders(client)[0]["stored"]
        status, png = client.get(f"renders/0/{kept}.png")
        assert (status, png[:4]) == (200, b"\x89PNG")
        for path in ("renders/7/0.png", "renders/0/x.png", "renders/-1/0.png"):
            assert client.get(path)[0] in (404, 422)
        client.told("renders/resume", number=0)
        wait_until(lambda: renders(client)[0]["done"] > kept)
    # The studio's end stops it, and asking for the same again goes on.
    assert Store(tmp_path / "large.zarr").count_done(0) >= kept
    with opened(tmp_path) as client:
        client.told("renders", id=shown, **large)
        wait_until(lambda: renders(client)[0]["done"] > 0)  # each kept shard is told, one by one
        found = renders(client)[0]
        assert found["done"] <= found["tasks"]
        client.told("renders/cancel", number=0)
        for number in (-1, 7, "0", None):
            assert client.post("renders/cancel", {"number": number})[0] == 422


@pytest.mark.slow
def test_a_render_that_fails_says_why(tmp_path: Path) -> None:
    with opened(tmp_path) as client:
        (tmp_path / "a.png").write_text("mine")
        asked = {"purpose": "image", "name": "a", "width": 64}
        client.told("renders", id=client.scene["id"], **asked)
        assert client.get("renders/0/0.png")[0] == 422  # it has no store
        found = until(client, 0, "failed", "done")
        assert found["state"] == "failed"
        assert "a.png" in found["error"]
        assert (tmp_path / "a.png").read_text() == "mine"


@pytest.mark.slow
def test_ctrl_c_ends_the_studio_and_its_render(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(SCENE.replace(output={"tolerance": 0.0}).to_toml())
    with started(tmp_path, "my.toml") as studio:
        client = Client(studio)
        form = {"purpose": "page", "name": "large", "width": 20000}
        client.told("renders", id=client.scene["id"], **form)
        wait_until(lambda: renders(client)[0]["done"] > 0)
        studio.process.send_signal(signal.SIGINT)
        assert studio.process.wait(40) == 130
    assert not running_in(tmp_path)


def running_in(folder: Path) -> list[str]:
    """The processes that work in a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(place / "cwd") == str(folder):
                found.append(place.name)
        except OSError:
            continue
    return found
