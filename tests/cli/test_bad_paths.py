"""Bad paths and options: one line, exit code 2, and nothing touched."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import assert_refused, one_line
from tests.conftest import Run
from tests.stores import plain_scene, tree
from tilecppn.scene.scene import Scene
from tilecppn.storage.objects import FreeSpace

RENDER = ("render", "ok.toml", "--executor", "local", "-o")


TOWER = ("--set", "canvas.height=20000000")


LONG = 260 * "a"


PATHS: dict[str, tuple[tuple[str, ...], str]] = {
    # A store to render into
    "render into a file": ((*RENDER, "file.zarr"), "file.zarr: is a file"),
    "render into photos": ((*RENDER, "photos"), "nothing was touched"),
    "render into another zarr": ((*RENDER, "other.zarr"), "nothing was touched"),
    "render into a link": ((*RENDER, "link.zarr"), "symbolic link"),
    "render into a dangling link": ((*RENDER, "dangling.zarr"), "symbolic link"),
    "render through a dangling link": ((*RENDER, "dangling.png/a.zarr"), "link that leads nowhere"),
    "render through a circle": ((*RENDER, "circle/a.zarr"), "circle is a symbolic link"),
    "render a circle": (("render", "circle", "-o", "a.zarr"), "circle"),
    "export through a circle": (("export", "done.zarr", "circle/a.png"), "link that leads nowhere"),
    "preview through a circle": (("preview", "ok.toml", "-o", "circle/a.png"), "leads nowhere"),
    "film through a circle": (
        ("animate", "ok.toml", "--zoom", "2", "-o", "circle/a.mp4"),
        "leads nowhere",
    ),
    "batch through a circle": (("render", "ok.toml", "ours.png", "-o", "circle/a"), "circle"),
    "export from a circle": (("export", "circle/a.zarr", "a.png"), "circle"),
    "render past a missing folder": ((*RENDER, "x/../y.zarr"), "there is no folder x"),
    "export past a missing folder": (("export", "done.zarr", "x/../y.png"), "there is no folder x"),
    "render into a file's inside": ((*RENDER, "file.zarr/a.zarr"), "file.zarr/a.zarr"),
    "render into this folder": ((*RENDER, "."), "nothing was touched"),
    "render into nothing": ((*RENDER, ""), ""),
    "overwrite a file": ((*RENDER, "file.zarr", "--overwrite"), "file.zarr: is a file"),
    "overwrite photos": ((*RENDER, "photos", "--overwrite"), "nothing was touched"),
    "overwrite another zarr": ((*RENDER, "other.zarr", "--overwrite"), "nothing was touched"),
    "overwrite a link": ((*RENDER, "link.zarr", "--overwrite"), "symbolic link"),
    "overwrite a dangling link": ((*RENDER, "dangling.zarr", "--overwrite"), "symbolic link"),
    "overwrite a store with notes": ((*RENDER, "mixed.zarr", "--overwrite"), "notes.txt"),
    "overwrite a store with notes below": ((*RENDER, "nested.zarr", "--overwrite"), "notes.txt"),
    "another picture": (
        (*RENDER, "done.zarr", "--set", "canvas.width=101"),
        "canvas.width: 100 there, 101 here",
    ),
    "another layout": (
        (*RENDER, "done.zarr", "--set", "output.shard=256"),
        "output.shard: 128 there, 256 here",
    ),
    "another arithmetic": (
        (*RENDER, "unfinished.zarr", "--kernel", "reference"),
        "kernel: llvm there, reference here",
    ),
    "unknown kernel": ((*RENDER, "new.zarr", "--kernel", "torhc"), 'did you mean "torch"?'),
    "unknown executor": (("render", "ok.toml", "-o", "x.zarr", "--executor", "y"), "--executor"),
    "no worker": ((*RENDER, "new.zarr", "--workers", "0"), "--workers"),
    "half a worker": ((*RENDER, "new.zarr", "--workers", "0.5"), "--workers"),
    "no time": ((*RENDER, "new.zarr", "--deadline", "0"), "--deadline"),
    "render without a store": (("render", "ok.toml"), "--output"),
    "render without a scene": (("render", "-o", "new.zarr"), "SCENE"),
    "render two scenes": (("render", "ok.toml", "ok.toml", "-o", "new.zarr"), "ok.toml"),
    "render and export to no kind": ((*RENDER, "new.zarr", "--export", "a.gif"), '".gif"'),
    "render and export over a photo": ((*RENDER, "new.zarr", "--export", "photo.png"), "photo.png"),
    "render and export over a .dzi": ((*RENDER, "new.zarr", "--export", "a.dzi"), "a.dzi"),
    "export options without an export": ((*RENDER, "new.zarr", "--quality", "80"), "--export DEST"),
    "render and export by no format": (
        (*RENDER, "new.zarr", "--export", "x.dzi", "--format", "jpgg"),
        '"jpg"',
    ),
    "render and export of no quality": (
        (*RENDER, "new.zarr", "--export", "x.png", "--quality", "80"),
        "only JPEG, WebP, AVIF and JPEG XL have one",
    ),
    # Exports
    "export nothing": (("export", "missing.zarr", "x.png"), "missing.zarr: no such store"),
    "export a scene": (("export", "ok.toml", "x.png"), "tilecppn render ok.toml -o ok.zarr"),
    "status of a scene": (("status", "ok.toml"), "ok.toml is a scene; render it first"),
    "export a file": (("export", "file.zarr", "x.png"), "is a file, not a store"),
    "export photos": (
        ("export", "photos", "x.png"),
        "photos: is not a store; try tilecppn info photos",
    ),
    "export another zarr": (("export", "other.zarr", "x.png"), "another program's"),
    "export an unfinished store": (("export", "unfinished.zarr", "x.png"), "--partial"),
    "export an unfinished store to tiles": (("export", "unfinished.zarr", "x.dzi"), "--partial"),
    "a picture for a store": (("render", "ok.toml", "-o", "x.png"), "-o x.zarr --export x.png"),
    "into the store": (("export", "done.zarr", "done.zarr/x.dzi"), "lies in the store done.zarr"),
    "a store into a store": ((*RENDER, "done.zarr/x.zarr"), "lies in the store"),
    "a preview into a store": (
        ("preview", "ok.toml", "-o", "done.zarr/0/x.png"),
        "lies in the store",
    ),
    "a film into a store": (
        ("animate", "ok.toml", "--zoom", "2", "-o", "done.zarr/x.gif"),
        "lies in the store",
    ),
    "a page into a store": (("shader", "ok.toml", "-o", "done.zarr/x.html"), "lies in the store"),
    "a model into a store": (
        ("train", "digits", "-o", "done.zarr/x.safetensors"),
        "lies in the store",
    ),
    "unknown suffix": (
        ("export", "done.zarr", "x.raw"),
        '".raw"; known: .dzi, .szi, .pmtiles, .mbtiles, .png',
    ),
    "suffix like a known one": (("export", "done.zarr", "x.dz"), 'did you mean ".dzi"?'),
    "no suffix": (("export", "done.zarr", "x"), "known: .dzi, .szi, .pmtiles, .mbtiles, .png"),
    "no name": (("export", "done.zarr", ".png"), "known: .dzi, .szi, .pmtiles, .mbtiles, .png"),
    "into a file's inside": (("export", "done.zarr", "file.zarr/x.png"), "file.zarr"),
    "level too high": (("export", "done.zarr", "x.png", "--level", "2"), "levels 0 to 1"),
    "level below 0": (("export", "done.zarr", "x.dzi", "--level", "-1"), "levels 0 to 1"),
    "level without number": (("export", "done.zarr", "x.png", "--level", "x"), "--level"),
    "quality 0": (("export", "done.zarr", "x.dzi", "--quality", "0"), "from 1 to 100"),
    "quality 101": (("export", "done.zarr", "x.dzi", "--quality", "101"), "from 1 to 100"),
    "tile 0": (("export", "done.zarr", "x.dzi", "--tile", "0"), "from 16 to 8192"),
    "tile 15": (("export", "done.zarr", "x.dzi", "--tile", "15"), "from 16 to 8192"),
    "tile 8193": (("export", "done.zarr", "x.dzi", "--tile", "8193"), "from 16 to 8192"),
    "overlap below 0": (("export", "done.zarr", "x.dzi", "--overlap", "-1"), "half a tile"),
    "overlap over half": (
        ("export", "done.zarr", "x.dzi", "--tile", "32", "--overlap", "17"),
        "half a tile",
    ),
    "unknown format": (("export", "done.zarr", "x.dzi", "--format", "jpgg"), '"jpg"'),
    "quality of PNG": (("export", "done.zarr", "x.dzi", "--quality", "80"), "only JPEG"),
    "overlap of a TIFF": (("export", "done.zarr", "x.tif", "--overlap", "1"), "only Deep Zoom"),
    "tile of a PNG": (("export", "done.zarr", "x.png", "--tile", "64"), "only pyramids, TIFFs"),
    "format of a TIFF": (("export", "done.zarr", "x.tif", "--format", "jpg"), "only to pyramids"),
    "address of a PNG": (
        ("export", "done.zarr", "x.png", "--url", "http://x"),
        "only folders and pages",
    ),
    "layout of a file": (("export", "done.zarr", "x.dzi", "--layout", "xyz"), "makes a folder"),
    "export without a worker": (("export", "done.zarr", "x.png", "--workers", "0"), "--workers"),
    "export without a place": (("export", "done.zarr"), "DEST"),
    "png over a photo": (("export", "done.zarr", "photo.png"), "not made by tilecppn"),
    "png over a link": (("export", "done.zarr", "link.png"), "symbolic link"),
    "png over a dangling link": (("export", "done.zarr", "dangling.png"), "symbolic link"),
    "png over a folder": (("export", "done.zarr", "folder.png"), "not made by tilecppn"),
    "tiles over a .dzi": (("export", "done.zarr", "a.dzi"), "a.dzi"),
    "tiles over a page": (("export", "done.zarr", "b.dzi"), "b.html"),
    "tiles over a folder": (("export", "done.zarr", "c.dzi"), "c_files"),
    "tiles over a link": (("export", "done.zarr", "d.dzi"), "symbolic link"),
    "address without https": (
        ("export", "done.zarr", "x.dzi", "--url", "example.com/x"),
        "must be an address such as https://example.com/poster",
    ),
    "address of files": (
        ("export", "done.zarr", "x", "--layout", "iiif", "--url", "file:///x"),
        "must be an address",
    ),
    "address without a server": (
        ("export", "done.zarr", "x", "--layout", "iiif", "--url", "https:///x"),
        "must be an address",
    ),
    "address with a query": (
        ("export", "done.zarr", "x", "--layout", "xyz", "--url", "https://x.org/?a"),
        "must be an address",
    ),
    # Names that no disk takes
    "render into a long name": ((*RENDER, LONG), "too long"),
    "render into a long folder": ((*RENDER, f"{LONG}/a.zarr"), "too long"),
    "render and export to a long name": ((*RENDER, "new.zarr", "--export", f"{LONG}.png"), "long"),
    "export to a long name": (("export", "done.zarr", f"{LONG}.png"), "too long"),
    "tiles in a long folder": (("export", "done.zarr", f"{LONG[:250]}.dzi"), "too long"),
    "preview to a long name": (("preview", "ok.toml", "-o", f"{LONG}.png"), "too long"),
    "film with long parts": (
        ("animate", "ok.toml", "-o", f"{LONG[:250]}.gif", "--zoom", "2", "--seconds", "1"),
        "too long",
    ),
    "info of photos": (("info", "photos"), "a folder that tilecppn did not make"),
    "preview of photos": (("preview", "photos", "-o", "x.png"), "that tilecppn did not make"),
    "info of a long name": (("info", f"{LONG}.png"), "too long"),
    # Previews and plans
    "preview to no image": (("preview", "ok.toml", "-o", "x.bmp"), ".png"),
    "preview without a name": (("preview", "ok.toml"), "--output"),
    "preview over a photo": (("preview", "ok.toml", "-o", "photo.png"), "not made by tilecppn"),
    "preview over a link": (("preview", "ok.toml", "-o", "link.png"), "symbolic link"),
    "preview over a folder": (("preview", "ok.toml", "-o", "folder.png"), "not made by tilecppn"),
    "preview of no width": (("preview", "ok.toml", "-o", "x.png", "--width", "0"), "--width"),
    "preview of a tower": (
        ("preview", "ok.toml", "-o", "x.png", "--set", "canvas.width=1000", *TOWER),
        "1024 × 20480000 pixels: at most 32768 a side; --width 1 at most",
    ),
    "preview of a thread": (
        ("preview", "ok.toml", "-o", "x.png", "--set", "canvas.width=1", *TOWER),
        "1024 × 20480000000 pixels: at most 32768 a side; render it",
    ),
    "preview by no kernel": (("preview", "ok.toml", "-o", "x.png", "--kernel", "x"), "kernel"),
    "plan for no kernel": (("plan", "ok.toml", "--kernel", "refrence"), '"reference"'),
    "plan for no price": (("plan", "ok.toml", "--price", "nan"), "--price"),
    "plan for any price": (("plan", "ok.toml", "--price", "inf"), "--price"),
    "a fit without an end": (
        ("fit", "photo.png", "-o", "x.safetensors", "--max-minutes", "nan"),
        "--max-minutes",
    ),
    "plan for no worker": (("plan", "ok.toml", "--workers", "0"), "--workers"),
    # Stores to look at
    "status of nothing": (("status", "missing.zarr"), "missing.zarr: no such store"),
    "status of a file": (("status", "file.zarr"), "is a file"),
    "status of photos": (("status", "photos"), "photos: is not a store; try tilecppn info photos"),
    "status of an empty folder": (("status", "empty"), "empty: is not a store"),
    "verify nothing": (("verify", "missing.zarr"), "missing.zarr: no such store"),
    "verify photos": (("verify", "photos", "--repair"), "is not a store"),
    "verify by no worker": (("verify", "done.zarr", "--workers", "0"), "--workers"),
    "view nothing": (("view", "missing.dzi"), "missing.dzi does not exist"),
    "view a photo": (("view", "photo.png"), "holds no scene"),
    "view photos": (("view", "photos"), "no .dzi"),
    "view half an export": (("view", "a.dzi"), "a.html is missing"),
    "view at no port": (("view", "a.dzi", "--port", "65536"), "--port"),
    # Verbs and options
    "unknown command": (("rendr", "ok.toml"), 'did you mean "render"?'),
    "unknown command like none": (("xyz",), "known: render, export"),
    "unknown option": (("status", "done.zarr", "--frob"), "--frob"),
    "unknown option before the command": (("--frob", "status", "done.zarr"), "--frob"),
    "presets of something": (("presets", "x"), "x"),
}


@pytest.mark.parametrize("name", PATHS)
def test_a_bad_command_is_refused_and_nothing_is_touched(
    name: str, workspace: Path, cli: Cli
) -> None:
    arguments, says = PATHS[name]
    before = tree(workspace)
    assert_refused(cli(*arguments), says)
    assert tree(workspace) == before


def test_an_empty_current_folder_is_no_name_for_a_store(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.toml").write_text(plain_scene(9, 9, tile=64, shard=64).to_toml())
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert_refused(cli("render", "../a.toml", "-o", ".", "--executor", "local"))
    assert set(tree(tmp_path)) == {"a.toml", "empty"}


@pytest.mark.parametrize("command", ["plan", "render"])
def test_a_shard_too_large_for_memory_is_refused_with_one_that_fits(
    command: str, workspace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilecppn.machine.free_memory", lambda: 16 * 2**30)
    monkeypatch.setattr("tilecppn.run.estimates.free_disk", lambda path: FreeSpace(path, 10**18))
    before = tree(workspace)
    huge = ["--workers", "2"]
    for side in ("width", "height"):
        huge += ["--set", f"canvas.{side}=2000000"]
    shard = ["--set", "output.shard=1048576"]
    into = ["-o", "new.zarr", "--executor", "local"] if command == "render" else []
    result = cli(command, "ok.toml", *huge, *shard, *into)
    assert_refused(result, "needs 9.9 TB a worker", "for each of 2: set output.shard to 16384")
    assert tree(workspace) == before
    assert cli("plan", "ok.toml", *huge, "--set", "output.shard=16384").exit_code == 0
    assert_refused(cli("plan", "ok.toml", *huge, "--set", "output.shard=32768"), "set output.shard")


def assert_process_refused(result: "subprocess.CompletedProcess[str]", *says: str) -> None:
    assert result.returncode == 2
    assert result.stdout == ""
    line = one_line(result.stderr)
    assert all(words in line for words in says)


@pytest.mark.parametrize("name", ["overwrite photos", "unknown command"])
def test_a_process_refuses_likewise(name: str, workspace: Path, tilecppn: Run) -> None:
    arguments, says = PATHS[name]
    before = tree(workspace)
    assert_process_refused(tilecppn(*arguments), says)
    assert tree(workspace) == before


def test_a_process_refuses_a_bad_scene(tmp_path: Path, tilecppn: Run) -> None:
    (tmp_path / "bad.toml").write_text("[canvas]\nwidth = 0\n")
    result = tilecppn("render", "bad.toml", "-o", "out.zarr")
    assert_process_refused(result, "bad.toml: canvas.width = 0")
    assert set(tree(tmp_path)) == {"bad.toml"}


def test_a_good_scene_is_not_refused(workspace: Path, cli: Cli) -> None:
    """The cases above fail for their own reasons."""
    assert Scene.load("ok.toml").canvas.width == 100
    assert cli("plan", "ok.toml").exit_code == 0
    assert cli("export", "done.zarr", "x.dzi").exit_code == 0
    assert cli("export", "done.zarr", "fresh.png").exit_code == 0
    assert cli("preview", "ok.toml", "-o", "fresh.png", "--overwrite").exit_code == 0
