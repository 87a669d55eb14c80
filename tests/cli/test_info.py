"""`tilecppn info`: what a file, folder or store is."""

import json
from pathlib import Path
from typing import Any

import pytest

import tilecppn
from tests.cli.conftest import Cli
from tests.conftest import SMALL_NET
from tilecppn import export
from tilecppn.cppn import CPPN
from tilecppn.exporters.kinds import suffix_of
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.version import VERSION

SCENE = Scene.of(cppn=SMALL_NET, canvas={"width": 300, "height": 150}, output={"tile": 64})


def info(cli: Cli, path: object) -> dict[str, Any]:
    done = cli("info", path, "--json")
    assert done.exit_code == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert json.loads(json.dumps(tilecppn.info(str(path)))) == record
    assert cli("info", path).stdout.startswith(f"{path}: {record['kind']}")
    return record


def test_a_scene(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[cppn]\npreset = "silk"\n[canvas]\nwidth = 3000\n')
    record = info(cli, "a.toml")
    assert record["kind"] == "scene"
    assert (record["width"], record["height"], record["channels"]) == (3000, 1024, 3)
    assert record["print"]["dpi"] == 300
    assert (record["print"]["width_in"], record["print"]["width_cm"]) == (10.0, 25.4)
    assert record["scene"]["view"]["scale"] == 4.0  # the preset's own
    assert record["network"]["preset"] == "silk"


def test_a_suffix_in_upper_case_is_the_same(cli: Cli, tmp_path: Path) -> None:
    render(SCENE, tmp_path / "a.zarr", executor="local")
    for name, kind in (("b.DZI", "pyramid"), ("b.PNG", "image"), ("b.MBTiles", "pyramid")):
        export(tmp_path / "a.zarr", tmp_path / name)
        record = info(cli, name)
        assert (record["kind"], record["format"]) == (kind, name[2:].lower())
        assert record["version"] == VERSION


def test_a_store_and_its_exports(cli: Cli, tmp_path: Path) -> None:
    store = render(SCENE, tmp_path / "a.zarr", executor="local")
    record = info(cli, "a.zarr")
    assert (record["kind"], record["finished"]) == ("store", True)
    assert (record["version"], record["fingerprint"]) == (VERSION, SCENE.fingerprint)
    assert record["arithmetic"] == store.arithmetic._asdict()
    for name, layout, kind, size in [
        ("a.dzi", None, "pyramid", (300, 150)),
        ("a.szi", None, "pyramid", (300, 150)),
        ("a.pmtiles", None, "pyramid", (300, 150)),
        ("a.mbtiles", None, "pyramid", (300, 150)),
        ("iiif", "iiif", "pyramid", (300, 150)),
        ("zoomify", "zoomify", "pyramid", (300, 150)),
        ("xyz", "xyz", "pyramid", (300, 150)),
        ("a.png", None, "image", (150, 75)),
        ("a.tif", None, "image", (150, 75)),
        ("a.JPEG", None, "image", (150, 75)),
        ("a.webp", None, "image", (150, 75)),
        ("a.avif", None, "image", (150, 75)),
    ]:
        level = 1 if kind == "image" else 0
        export(store.path, tmp_path / name, layout=layout, level=level)
        record = info(cli, name)
        assert (record["kind"], record["width"], record["height"]) == (kind, *size), name
        assert record["format"] == (layout or suffix_of(Path(name))[1:])
        assert record["scene"]["cppn"]["seed"] == SMALL_NET["seed"]
        assert record["print"]["dpi"] == 300


@pytest.mark.parametrize("layout", [None, "store"])
@pytest.mark.parametrize("show_scene", [True, False])
def test_a_page(cli: Cli, tmp_path: Path, layout: str | None, show_scene: bool) -> None:
    store = render(SCENE, tmp_path / "a.zarr", executor="local")
    name = "a.html" if layout else "a.dzi"
    export(store.path, tmp_path / name, layout=layout, level=1, show_scene=show_scene)
    record = info(cli, "a.html")
    assert (record["kind"], record["format"]) == ("page", "html")
    assert (record["width"], record["height"]) == (150, 75)
    assert ("cppn" in record["scene"]) == show_scene
    again = cli("preview", "a.html", "-o", "again.png", "--width", 30)
    assert again.exit_code == (0 if show_scene else 2), again.stderr


def test_a_print_has_its_size_on_paper_in_every_file(cli: Cli, tmp_path: Path) -> None:
    canvas = {"print": "4x2in", "dpi": 75, "bleed": "0.125in"}
    scene = SCENE.replace(canvas=canvas)
    (tmp_path / "a.toml").write_text(scene.to_toml())
    store = render(scene, tmp_path / "a.zarr", executor="local")
    plan = cli("plan", "a.toml", "--json")
    assert json.loads(plan.stdout)["print_in"] == [4.253, 2.253]
    for name in ("a.toml", "a.zarr", "a.dzi", "a.png", "a.tif", "a.jpg", "a.webp", "a.avif"):
        if name not in ("a.toml", "a.zarr"):
            export(store.path, tmp_path / name)
        record = info(cli, name)
        assert (record["width"], record["height"]) == (319, 169), name
        assert record["print"]["dpi"] == pytest.approx(75, abs=0.02), name
        assert record["scene"]["canvas"] == canvas
    export(store.path, tmp_path / "half.tif", level=1)  # as large on paper
    assert info(cli, "half.tif")["print"]["dpi"] == 37.5


def test_the_type_is_that_of_the_files_values(cli: Cli, tmp_path: Path) -> None:
    """An artist looks at it before sending a file to a printer."""
    for dtype, kinds in TYPES.items():
        store = render(
            SCENE.replace(output={"dtype": dtype}), tmp_path / f"{dtype}.zarr", executor="local"
        )
        for number, (suffix, options, expected) in enumerate(kinds):
            name = f"{dtype}-{number}{suffix}"
            export(store.path, tmp_path / name, **options)
            assert info(cli, name)["dtype"] == expected, name
            assert info(cli, name).get("transfer") == options.get("transfer")


TYPES: dict[str, list[tuple[str, dict[str, Any], str]]] = {
    "uint8": [(".png", {}, "uint8"), (".exr", {}, "float16")],
    "uint16": [
        (".tif", {}, "uint16"),
        (".tif", {"bits": 8}, "uint8"),
        (".tif", {"lab": True}, "uint8"),
        (".exr", {"bits": 32}, "float32"),
        (".avif", {}, "uint8"),
        (".avif", {"bits": 12}, "uint12"),
        (".avif", {"transfer": "pq"}, "uint10"),
        (".dzi", {"format": "jpg"}, "uint8"),
    ],
    "float32": [(".png", {}, "uint16"), (".tif", {}, "float32"), (".exr", {}, "float32")],
}


def test_what_an_image_shows_of_the_picture(cli: Cli, tmp_path: Path) -> None:
    scene = SCENE.replace(canvas={"width": 300, "height": 150, "dpi": 20})
    store = render(scene, tmp_path / "a.zarr", executor="local")
    export(store.path, tmp_path / "strip.png", strip="30x20cm")
    assert info(cli, "strip.png")["kind"] == "test strip"
    assert info(cli, "strip.png")["width"] == 236
    export(store.path, tmp_path / "wall.png", panels="3x1")
    record = info(cli, "wall-1-3.png")
    assert (record["kind"], record["panel"]) == ("panel", "1-3 of 3x1")
    assert (record["width"], record["height"]) == (100, 150)
    assert info(cli, "wall-sheet.png")["kind"] == "overview of panels"


@pytest.mark.parametrize(("suffix", "even", "size"), [("mp4", "pad", 34), ("webm", "crop", 32)])
def test_the_size_of_a_film_is_that_of_its_file(
    cli: Cli, tmp_path: Path, suffix: str, even: str, size: int
) -> None:
    (tmp_path / "a.toml").write_text(SCENE.replace(canvas={"width": 33, "height": 33}).to_toml())
    film = ("animate", "a.toml", "--orbit", "--seconds", "0.2", "--fps", "10")
    assert cli(*film, "-o", f"a.{suffix}", "--even", even).exit_code == 0
    record = info(cli, f"a.{suffix}")
    assert (record["width"], record["height"]) == (size, size)
    assert record["scene"]["canvas"]["width"] == 33


def test_how_exact_the_frames_of_a_video_are(cli: Cli, tmp_path: Path) -> None:
    film = ("animate", "a.toml", "--orbit", "--seconds", "0.2", "--fps", "10")
    (tmp_path / "a.toml").write_text(SCENE.replace(canvas={"width": 32, "height": 16}).to_toml())
    assert cli(*film, "-o", "a.mp4").exit_code == 0
    assert info(cli, "a.mp4")["tolerance"] == 24.0
    assert "within 24 steps of 255" in cli("info", "a.mp4").stdout
    assert cli(*film, "-o", "a.zarr").exit_code == 0
    assert cli("animate", "a.zarr", "-o", "d.mp4").exit_code == 0
    assert "tolerance" not in info(cli, "d.mp4")  # its frames are those of the store


@pytest.mark.parametrize("command", ["info", "status", "verify", "view --no-open"])
def test_the_parts_of_an_unfinished_film_are_named(cli: Cli, tmp_path: Path, command: str) -> None:
    (tmp_path / "a.mp4.parts").mkdir()
    name, *options = command.split()
    done = cli(name, "a.mp4", *options)
    assert done.exit_code == 2
    assert "its parts are in a.mp4.parts: tilecppn status a.mp4.parts" in done.stderr


def test_a_timeline_and_its_films(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        SCENE.replace(canvas={"width": 32, "height": 16}).to_toml()
        + "[film]\nseconds = 1\nfps = 2\n[[keyframe]]\ntime = 0\nview.rotation = 0\n"
        "[[keyframe]]\ntime = 1\nview.rotation = 90\n"
    )
    for name, kind in [("a.gif", "film"), ("a.zarr", "film store")]:
        assert cli("animate", "a.toml", "-o", name).exit_code == 0
        record = info(cli, name)
        assert (record["kind"], record["frames"], record["fps"]) == (kind, 2, "2")
        assert (record["width"], record["height"]) == (32, 16)
    for format in ("png", "tif"):
        assert cli("animate", "a.toml", "-o", f"a-{format}", "--format", format).exit_code == 0
        record = info(cli, f"a-{format}")
        assert (record["kind"], record["format"]) == ("folder of frames", format)
    assert cli("animate", "a.toml", "--contact", "a.png").exit_code == 0
    assert info(cli, "a.png")["kind"] == "contact sheet"
    assert info(cli, "a.toml")["kind"] == "timeline"


def test_a_weights_file(cli: Cli, tmp_path: Path) -> None:
    net = CPPN.from_preset("guibas")
    net.save(tmp_path / "a.safetensors")
    record = info(cli, "a.safetensors")
    assert (record["kind"], record["network"]["sha256"]) == ("weights", net.sha256)
    assert record["view"]["scale"] == 12.75


@pytest.mark.parametrize("name", ["none.toml", "notes.txt", "folder"])
def test_what_is_not_ours_is_refused(cli: Cli, tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("my notes")
    (tmp_path / "folder").mkdir()
    done = cli("info", name)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_what_was_made_without_its_scene(cli: Cli, tmp_path: Path) -> None:
    scene = SCENE.replace(about={"title": "Storms", "share_scene": False})
    store = render(scene, tmp_path / "a.zarr", executor="local")
    assert info(cli, "a.zarr")["scene"]["about"]["title"] == "Storms"
    files = {"a.png": "image", "a.webp": "image", "a.dzi": "pyramid", "a.szi": "pyramid"}
    for name, kind in files.items():
        export(store.path, tmp_path / name)
        record = info(cli, name)
        assert (record["kind"], record["width"], record["height"]) == (kind, 300, 150)
        assert record["version"] == VERSION
        assert record["scene"] == {"about": {"title": "Storms", "share_scene": False}}
        assert "network" not in record
        done = cli("render", name, "-o", "b.zarr")
        assert (done.exit_code, "made without its scene" in done.stderr) == (2, True)
