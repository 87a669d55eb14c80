"""Files that the page opens, saves and is given: below its folder, and read with care."""

from pathlib import Path

import numpy as np
import pytest

from tests.serve.studio.asking import Client
from tests.serve.studio.conftest import SCENE
from tilecppn import export
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene


def test_scenes_are_saved_and_opened_again(client: Client, folder: Path) -> None:
    changed = client.told("scenes", base=client.scene["id"], changes={"cppn": {"seed": 11}})
    assert client.told("save", id=changed["id"], name="new")["name"] == "new.toml"
    assert Scene.load(folder / "new.toml") == Scene.parse(changed["toml"])
    assert client.told("open", name="new.toml")["id"] == changed["id"]
    assert "new.toml" in [file["name"] for file in client.json("files.json")["files"]]
    status, answer = client.post("save", {"id": client.scene["id"], "name": "new.toml"})
    assert (status, answer["error"]) == (409, "new.toml")
    client.told("save", id=client.scene["id"], name="new.toml", overwrite=True)
    assert Scene.load(folder / "new.toml") == SCENE


def test_only_scenes_are_replaced(client: Client, folder: Path) -> None:
    (folder / "notes.toml").write_text("[mine]\na = 1\n")
    asked = {"id": client.scene["id"], "name": "notes.toml", "overwrite": True}
    status, answer = client.post("save", asked)
    assert status == 422
    assert "not a scene" in answer["error"]
    assert "[mine]" in (folder / "notes.toml").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "../out.toml",
        "/tmp/out.toml",
        "a/../../out.toml",
        "~/out.toml",
        "link/out.toml",
        ".hidden.toml",
        ".tilecppn/out.toml",
        "a\0b.toml",
        "..\\out.toml",
        "s3://bucket/out.toml",
        "x" * 5000,
        "",
        3,
        None,
    ],
)
def test_files_lie_below_the_folder(client: Client, folder: Path, name: object) -> None:
    if not (folder / "link").is_symlink():
        (folder / "link").symlink_to(folder.parent)
    outside = set(folder.parent.iterdir())
    for path in ("save", "open"):
        status, answer = client.post(path, {"id": client.scene["id"], "name": name})
        assert status == 422, answer
    assert set(folder.parent.iterdir()) == outside


def test_what_is_dropped_is_read(client: Client, folder: Path, tmp_path: Path) -> None:
    scene = SCENE.to_toml().encode()
    assert client.post("import?name=a.toml", scene)[1]["id"] == client.scene["id"]
    png = tmp_path / "made.png"
    from tilecppn.exporters.encoding.png import (
        encode_png,  # a picture that nobody made with tilecppn
    )

    png.write_bytes(encode_png(np.full((8, 8, 3), 90, np.uint8)))
    assert client.post("import?name=b.png", png.read_bytes())[1]["colours"] == ["#5a5a5a"] * 2
    weights = b'[cppn]\nweights = "/etc/passwd"\n'
    for name, data in (
        ("a.toml", b"\xff\xfe"),
        ("a.toml", b"[cppn]\nsed = 3\n"),
        ("a.toml", weights),
        ("a.png", b"nothing"),
        ("a.tif", png.read_bytes()[:40]),
        ("a.exe", b"MZ"),
        ("a.html", b"<html>"),
        ("../../a", b""),
        ("", b""),
    ):
        status, answer = client.post(f"import?name={name}", data)
        assert (status, "error" in answer) == (422, True), name
    assert client.get("covers/96.png?name=my.toml")[0] == 200
    SCENE.cppn.save(folder / "net.safetensors")
    (folder / "own.toml").write_text('[cppn]\nweights = "net.safetensors"\n')
    assert client.post("open", {"name": "own.toml"})[0] == 200
    for name in ("nothing.toml", "..%2Fa.toml", "notes.txt", "own.toml", ""):
        assert client.get(f"covers/96.png?name={name}")[0] == 422


@pytest.mark.parametrize("made", ["a.png", "a.tif", "a.jpg", "a.webp", "a.szi", "a.html"])
def test_what_tilecppn_made_brings_its_scene(client: Client, tmp_path: Path, made: str) -> None:
    scene = SCENE.replace(cppn={"seed": 5}, canvas={"width": 90, "height": 60})
    store = render(scene, tmp_path / "a.zarr", executor="local", workers=1)
    export(store.path, tmp_path / ("a.dzi" if made == "a.html" else made))
    name = f"holiday{Path(made).suffix}"
    found = client.post(f"import?name={name}", (tmp_path / made).read_bytes())[1]
    assert Scene.parse(found["toml"]) == scene
