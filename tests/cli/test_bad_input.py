"""Bad input: one line that says what is wrong, exit code 2, and nothing touched."""

import json
import pickle
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import zarr
from click.testing import Result
from PIL import Image
from safetensors.numpy import load, save

from tests.cli.conftest import Cli
from tests.conftest import Run
from tests.stores import noise_store, plain_scene, tree
from tilecppn.cppn import CPPN
from tilecppn.exporters.png import encode_png
from tilecppn.plan import Shard
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def one_line(stderr: str) -> str:
    """The error, which is all that is said."""
    (line,) = stderr.splitlines()
    assert line.startswith("error: ")
    return line


def assert_refused(result: Result, *says: str) -> None:
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"a traceback: {result.exception!r}") from result.exception
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    line = one_line(result.stderr)
    for words in says:
        assert words in line


# Scenes. Each verb that takes one refuses it.

BIG = "9" * 5000


class Bad(NamedTuple):
    """A scene's text, and what the error must say."""

    text: str | bytes
    says: tuple[str, ...]


SCENES: dict[str, Bad] = {
    "unknown section": Bad("[canvass]\nwidth = 9", ('"canvass"', 'did you mean "canvas"?')),
    "unknown key": Bad("[canvas]\nwidht = 9", ('"canvas.widht"', 'did you mean "width"?')),
    "unknown key like none": Bad("[canvas]\nzzz = 9", ('"canvas.zzz"', "known: width, height")),
    "key outside of sections": Bad("width = 9", ('"width"',)),
    "key of later work": Bad('[canvas]\nprint = "60x40in"', ('"canvas.print"',)),
    "precision that is none": Bad(
        '[output]\nprecision = "double"', ('output.precision = "double"', '"exact"')
    ),
    "section that is a value": Bad("canvas = 5", ("canvas must be a section",)),
    "section that is a list": Bad("[[canvas]]\nwidth = 9", ("canvas must be a section",)),
    "text for an integer": Bad('[canvas]\nwidth = "wide"', ('canvas.width = "wide"', "integer")),
    "float for an integer": Bad("[canvas]\nwidth = 9.0", ("canvas.width = 9.0", "integer")),
    "true for an integer": Bad("[canvas]\nwidth = true", ("canvas.width = true", "integer")),
    "date for an integer": Bad("[canvas]\nwidth = 1979-05-27", ("canvas.width = 1979-05-27",)),
    "text for a number": Bad('[view]\nscale = "1"', ('view.scale = "1"', "above 0")),
    "true for a number": Bad("[view]\nrotation = true", ("view.rotation = true", "finite")),
    "integer for true or false": Bad("[output]\ninvert = 1", ("output.invert = 1", "true or")),
    "number for a name": Bad("[cppn]\npreset = 5", ("cppn.preset = 5", '"hardmaru"')),
    "number for a list": Bad("[latent]\nz = 1.0", ("latent.z = 1.0", "list")),
    "list too short": Bad("[view]\ncenter = [1.0]", ("view.center = [1.0]", "2 numbers")),
    "number for weights": Bad("[cppn]\nweights = 5", ("cppn.weights = 5",)),
    "empty weights": Bad('[cppn]\nweights = ""', ('cppn.weights = ""',)),
    "NaN scale": Bad("[view]\nscale = nan", ("view.scale = NaN", "finite")),
    "NaN centre": Bad("[view]\ncenter = [0.0, nan]", ("view.center = [0.0, NaN]",)),
    "NaN latent": Bad("[latent]\nz = [nan, 0, 0, 0, 0, 0, 0, 0]", ("latent.z = [NaN",)),
    "NaN tolerance": Bad("[output]\ntolerance = nan", ("output.tolerance = NaN",)),
    "infinite scale": Bad("[view]\nscale = inf", ("view.scale = Infinity", "finite")),
    "infinite rotation": Bad("[view]\nrotation = -inf", ("view.rotation = -Infinity",)),
    "integer beyond float": Bad(f"[view]\nscale = 1{'0' * 400}", ("view.scale = 1000", "finite")),
    "integer beyond all": Bad(f"[canvas]\nwidth = {BIG}", ()),
    "negative size": Bad("[canvas]\nheight = -1", ("canvas.height = -1", "from 1 to 2147483647")),
    "size 0": Bad("[canvas]\nwidth = 0", ("canvas.width = 0", "from 1 to 2147483647")),
    "canvas beyond the limit": Bad("[canvas]\nwidth = 2147483648", ("from 1 to 2147483647",)),
    "scale 0": Bad("[view]\nscale = 0", ("view.scale = 0", "above 0")),
    "negative scale": Bad("[view]\nscale = -1.0", ("view.scale = -1.0", "above 0")),
    "negative tolerance": Bad("[output]\ntolerance = -0.1", ("output.tolerance = -0.1",)),
    "scale below the plane's grain": Bad(
        "[view]\nscale = 1e-9\ncenter = [1e9, 0.0]", ("view.scale = 1e-09", "larger scale")
    ),
    "tile no power of two": Bad("[output]\ntile = 500", ("output.tile = 500", "power of two")),
    "tile too small": Bad("[output]\ntile = 32", ("output.tile = 32", "from 64 to 4096")),
    "shard below tile": Bad("[output]\nshard = 256", ("output.shard = 256", "output.tile = 512")),
    "unknown dtype": Bad('[output]\ndtype = "int8"', ('"int8"', '"uint8", "uint16", "float32"')),
    "unknown aspect": Bad('[view]\naspect = "fit"', ('"fit"', '"preserve", "stretch"')),
    "unknown preset": Bad('[cppn]\npreset = "hardmaro"', ('cppn.preset = "hardmaro"', "hardmaru")),
    "unknown activation": Bad('[cppn]\nactivations = ["tanf"]', ('["tanf"]', '"tanh"')),
    "no activations": Bad("[cppn]\nactivations = []", ("cppn.activations = []",)),
    "depth against activations": Bad(
        '[cppn]\nactivations = ["tanh"]\ndepth = 2', ("depth = 2", "1 layers")
    ),
    "2 channels": Bad("[cppn]\nchannels = 2", ("cppn.channels = 2", "1, 3")),
    "negative seed": Bad("[cppn]\nseed = -1", ("cppn.seed = -1", "from 0")),
    "latent of another length": Bad("[latent]\nz = [1.0]", ("latent.z has 1", "must have 8")),
    "not TOML": Bad("[canvas\nwidth = 9", ("not TOML", "line 1")),
    "not TOML at all": Bad("<html>", ("not TOML",)),
    "twice the same key": Bad("[canvas]\nwidth = 9\nwidth = 9", ("not TOML",)),
    "nested without end": Bad("x = " + "[" * 5000, ("not TOML",)),
    "not text": Bad(b"\x89PNG\r\n\x1a\n\xff\xfe", ("not a text file",)),
    "missing weights": Bad('[cppn]\nweights = "no.safetensors"', ("no.safetensors", "No such")),
    "weights that are a folder": Bad('[cppn]\nweights = "."', ("directory",)),
    "weights with a name that none can have": Bad('[cppn]\nweights = "a\\u0000b"', ("weights",)),
}

VERBS = {
    "render": ("-o", "out.zarr", "--executor", "local"),
    "preview": ("-o", "out.png"),
    "plan": (),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", SCENES)
def test_a_bad_scene_is_refused_naming_file_and_value(
    name: str, verb: str, cli: Cli, tmp_path: Path
) -> None:
    bad = SCENES[name]
    data = bad.text if isinstance(bad.text, bytes) else bad.text.encode()
    (tmp_path / "bad.toml").write_bytes(data)
    before = tree(tmp_path)
    result = cli(verb, "bad.toml", *VERBS[verb])
    assert_refused(result, *bad.says)
    assert "bad.toml" in result.stderr or ".safetensors" in result.stderr or "weights" in name
    assert tree(tmp_path) == before


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("path", "says"),
    [("missing.toml", "No such file"), ("folder", "Is a directory"), ("file/x.toml", "Not a")],
)
def test_a_scene_that_cannot_be_read_is_refused(
    path: str, says: str, verb: str, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert_refused(cli(verb, path, *VERBS[verb]), path, "cannot be read", says)
    assert set(tree(tmp_path)) == {"folder", "file"}


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("canvas.width", "must be section.key=value"),
        ("width=9", "must be section.key=value"),
        ("", "must be section.key=value"),
        ("=", "must be section.key=value"),
        ("canvas.widht=9", 'did you mean "width"?'),
        ("canvass.width=9", 'did you mean "canvas"?'),
        ("canvas.width=", 'canvas.width = ""'),
        ("canvas.width=wide", 'canvas.width = "wide"'),
        ("canvas.width=0", "canvas.width = 0"),
        ("view.scale=nan", "view.scale = NaN"),
        ("cppn.preset=hardmaro", '"hardmaro"'),
        (f"canvas.width={BIG}", "canvas.width"),
        (f"canvas.width={'[' * 5000}", "canvas.width"),
    ],
)
@pytest.mark.parametrize("verb", VERBS)
def test_a_bad_override_is_refused(
    verb: str, override: str, says: str, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text("[canvas]\nwidth = 64\nheight = 64\n")
    assert_refused(cli(verb, "a.toml", *VERBS[verb], "--set", override), says)
    assert set(tree(tmp_path)) == {"a.toml"}


# Weights files


def network() -> CPPN:
    return CPPN.from_preset("hardmaru", seed=1, width=4, depth=1)


def edited(**changes: Any) -> bytes:
    """A weights file whose metadata somebody has changed."""
    data = network().to_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    record = json.loads(header["__metadata__"]["tilecppn"])
    return save(load(data), metadata={"tilecppn": json.dumps({**record, **changes})})


def with_tensor(name: str, tensor: Any) -> bytes:
    data = network().to_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return save({**load(data), name: tensor}, metadata=header["__metadata__"])


WEIGHTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a whole safetensors file"),
    "cut in its length": (network().to_bytes()[:5], "not a whole safetensors file"),
    "cut in its header": (network().to_bytes()[:99], "not a whole safetensors file"),
    "cut in its tensors": (network().to_bytes()[:-1], "not a whole safetensors file"),
    "one byte too many": (network().to_bytes() + b"\0", "not a whole safetensors file"),
    "garbage": (b"\xff" * 1000, "not a whole safetensors file"),
    "text": (b"hello, I am a network", "not a whole safetensors file"),
    "pickle": (pickle.dumps({"layers": [1.0]}), "pickle"),
    "pickle in a zip, as torch.save makes": (b"PK\x03\x04" + b"\0" * 100, "pickle"),
    "another program's": (save({"layers.0.weight": np.ones((2, 2))}), "no metadata"),
    "of a later format": (edited(format=2), "format 2"),
    "without inputs": (edited(inputs=[]), "inputs"),
    "unknown activation": (edited(activations=["tanf"]), "tanf"),
    "activation that is a list": (edited(activations=[["tanh"]]), "activation"),
    "output that is a list": (edited(output=["tanh"]), "activation"),
    "infinite channels": (edited(channels=1e400), "metadata"),
    "channels without number": (edited(channels="many"), "metadata"),
    "latent without numbers": (edited(latent=[]), "metadata"),
    "NaN latent scale": (edited(latent_scale=float("nan")), "not allowed"),
    "view with an unknown key": (edited(view={"centre": [0, 0]}), "centre"),
    "view with a bad value": (edited(view={"scale": -1}), "scale"),
    "view that is no mapping": (edited(view=5), "metadata"),
    "metadata that is no mapping": (
        save(load(network().to_bytes()), metadata={"tilecppn": "[]"}),
        "metadata",
    ),
    "metadata nested without end": (
        save(load(network().to_bytes()), metadata={"tilecppn": "[" * 100_000}),
        "metadata",
    ),
    "tensor of another shape": (
        with_tensor("layers.0.weight", np.ones((4, 5), np.float32)),
        "layers.0.weight",
    ),
    "tensor of another type": (with_tensor("layers.0.bias", np.ones(4)), "layers.0.bias"),
    "NaN in a tensor": (
        with_tensor("layers.0.bias", np.full(4, np.nan, np.float32)),
        "layers.0.bias holds NaN",
    ),
    "unknown tensor": (with_tensor("layers.9.bias", np.ones(4, np.float32)), "layers.9.bias"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_bad_weights_file_is_refused_and_never_unpickled(
    name: str, cli: Cli, tmp_path: Path
) -> None:
    data, says = WEIGHTS[name]
    (tmp_path / "net.safetensors").write_bytes(data)
    (tmp_path / "bad.toml").write_text('[cppn]\nweights = "net.safetensors"\n')
    before = tree(tmp_path)
    for verb, options in VERBS.items():
        assert_refused(cli(verb, "bad.toml", *options), says)
    assert tree(tmp_path) == before


def test_weights_of_the_scene_and_a_structure_of_ones_own_do_not_mix(
    cli: Cli, tmp_path: Path
) -> None:
    network().save(tmp_path / "net.safetensors")
    for key, value in {"width": 9, "depth": 1, "z_dim": 1, "activations": ["tanh"]}.items():
        text = f'[cppn]\nweights = "net.safetensors"\n{key} = {json.dumps(value)}\n'
        (tmp_path / "a.toml").write_text(text)
        assert_refused(cli("plan", "a.toml"), f"cppn.{key}", "weights")
    (tmp_path / "a.toml").write_text('[cppn]\nweights = "net.safetensors"\nchannels = 1\n')
    assert_refused(cli("plan", "a.toml"), "cppn.channels = 1", "3 channels")


# Paths. A folder with one of each, and commands that leave it as it is.


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


RENDER = ("render", "ok.toml", "--executor", "local", "-o")
TOWER = ("--set", "canvas.height=20000000")
PATHS: dict[str, tuple[tuple[str, ...], str]] = {
    # A store to render into
    "render into a file": ((*RENDER, "file.zarr"), "file.zarr: is a file"),
    "render into photos": ((*RENDER, "photos"), "nothing was touched"),
    "render into another zarr": ((*RENDER, "other.zarr"), "nothing was touched"),
    "render into a link": ((*RENDER, "link.zarr"), "symbolic link"),
    "render into a dangling link": ((*RENDER, "dangling.zarr"), "symbolic link"),
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
        "only JPEG, WebP and AVIF have one",
    ),
    # Exports
    "export nothing": (("export", "missing.zarr", "x.png"), "missing.zarr: no such store"),
    "export a scene": (("export", "ok.toml", "x.png"), "tilecppn render ok.toml -o ok.zarr"),
    "status of a scene": (("status", "ok.toml"), "ok.toml is a scene; render it first"),
    "export a file": (("export", "file.zarr", "x.png"), "is a file, not a store"),
    "export photos": (("export", "photos", "x.png"), "no store of tilecppn"),
    "export another zarr": (("export", "other.zarr", "x.png"), "no store of tilecppn"),
    "export an unfinished store": (("export", "unfinished.zarr", "x.png"), "--partial"),
    "export an unfinished store to tiles": (("export", "unfinished.zarr", "x.dzi"), "--partial"),
    "a picture for a store": (("render", "ok.toml", "-o", "x.png"), "-o x.zarr --export x.png"),
    "into the store": (("export", "done.zarr", "done.zarr/x.dzi"), "lies in the store done.zarr"),
    "unknown suffix": (("export", "done.zarr", "x.psd"), '".psd"; known: .dzi, .szi, .png'),
    "suffix like a known one": (("export", "done.zarr", "x.dz"), 'did you mean ".dzi"?'),
    "no suffix": (("export", "done.zarr", "x"), "known: .dzi, .szi, .png"),
    "no name": (("export", "done.zarr", ".png"), "known: .dzi, .szi, .png"),
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
    "tile of a PNG": (("export", "done.zarr", "x.png", "--tile", "64"), "only pyramids and TIFFs"),
    "format of a TIFF": (("export", "done.zarr", "x.tif", "--format", "jpg"), "only pyramids"),
    "address of a PNG": (("export", "done.zarr", "x.png", "--url", "http://x"), "only an IIIF"),
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
    # Previews and plans
    "preview to no PNG": (("preview", "ok.toml", "-o", "x.jpg"), "ends in .png"),
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
    "plan for no worker": (("plan", "ok.toml", "--workers", "0"), "--workers"),
    # Stores to look at
    "status of nothing": (("status", "missing.zarr"), "missing.zarr: no such store"),
    "status of a file": (("status", "file.zarr"), "is a file"),
    "status of photos": (("status", "photos"), "no store of tilecppn"),
    "status of an empty folder": (("status", "empty"), "no store of tilecppn"),
    "verify nothing": (("verify", "missing.zarr"), "missing.zarr: no such store"),
    "verify photos": (("verify", "photos", "--repair"), "no store of tilecppn"),
    "verify by no worker": (("verify", "done.zarr", "--workers", "0"), "--workers"),
    "view nothing": (("view", "missing.dzi"), "missing.dzi does not exist"),
    "view a photo": (("view", "photo.png"), "give a NAME.dzi"),
    "view photos": (("view", "photos"), "no .dzi"),
    "view half an export": (("view", "a.dzi"), "a.html is missing"),
    "view at no port": (("view", "a.dzi", "--port", "65536"), "--port"),
    # Verbs and options
    "unknown command": (("rendr", "ok.toml"), 'did you mean "render"?'),
    "unknown command like none": (("xyz",), "known: render, export"),
    "unknown option": (("status", "done.zarr", "--frob"), "--frob"),
    "unknown option before the verb": (("--frob", "status", "done.zarr"), "--frob"),
    "presets of something": (("presets", "x"), "x"),
}


@pytest.fixture
def workspace(original: Path, tmp_path: Path, cli: Cli) -> Path:
    """A copy of `original` that is the current folder."""
    return shutil.copytree(original, tmp_path, symlinks=True, dirs_exist_ok=True)


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


@pytest.mark.parametrize("verb", ["plan", "render"])
def test_a_shard_too_large_for_memory_is_refused_with_one_that_fits(
    verb: str, workspace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilecppn.machine.free_memory", lambda: 16 * 2**30)
    monkeypatch.setattr("tilecppn.run.estimates.free_disk", lambda path: (path, 10**18))
    before = tree(workspace)
    huge = ["--workers", "2"]
    for side in ("width", "height"):
        huge += ["--set", f"canvas.{side}=2000000"]
    shard = ["--set", "output.shard=1048576"]
    into = ["-o", "new.zarr", "--executor", "local"] if verb == "render" else []
    result = cli(verb, "ok.toml", *huge, *shard, *into)
    assert_refused(result, "needs 9.9 TB a worker", "for each of 2: set output.shard to 16384")
    assert tree(workspace) == before
    assert cli("plan", "ok.toml", *huge, "--set", "output.shard=16384").exit_code == 0
    assert_refused(cli("plan", "ok.toml", *huge, "--set", "output.shard=32768"), "set output.shard")


# Stores whose inside is damaged: whatever the code, one line and no traceback


def _no_scene(path: Path) -> None:
    record = json.loads((path / "zarr.json").read_bytes())
    record["attributes"]["tilecppn"]["scene"] = 5
    (path / "zarr.json").write_text(json.dumps(record))


def _no_weights(path: Path) -> None:
    (path / "weights.safetensors").unlink()


def _no_level(path: Path) -> None:
    (path / "1" / "zarr.json").unlink()


def _null_level(path: Path) -> None:
    (path / "1" / "zarr.json").write_text("null")


def _empty_shard(path: Path) -> None:
    (path / "1" / "c" / "0" / "0" / "0").write_bytes(b"")


SPOILERS: dict[str, Callable[[Path], None]] = {
    "scene": _no_scene,
    "weights": _no_weights,
    "level": _no_level,
    "null level": _null_level,
    "empty shard": _empty_shard,
}


@pytest.mark.parametrize("name", SPOILERS)
@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "done.zarr"),
        ("export", "done.zarr", "x.png", "--level", "1"),
        ("export", "done.zarr", "x.dzi"),
    ],
)
def test_a_damaged_store_gives_words_and_no_traceback(
    name: str, arguments: tuple[str, ...], workspace: Path, cli: Cli
) -> None:
    SPOILERS[name](workspace / "done.zarr")
    before = tree(workspace)
    result = cli(*arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2)
    if arguments[0] == "verify" and result.exit_code == 1 and not result.stderr:
        what = "1/zarr.json: missing" if "level" in name else "level 1 row 0 column 0: damaged"
        assert what in result.stdout
    else:
        assert "done.zarr" in one_line(result.stderr)
    assert tree(workspace) == before


# As real processes


def assert_process_refused(result: "subprocess.CompletedProcess[str]", *says: str) -> None:
    assert result.returncode == 2
    assert result.stdout == ""
    line = one_line(result.stderr)
    assert all(words in line for words in says)


@pytest.mark.parametrize(
    "name",
    ["overwrite photos", "png over a photo", "unknown suffix", "unknown command", "no worker"],
)
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
    assert cli("export", "done.zarr", "ours.png").exit_code == 0
    assert cli("preview", "ok.toml", "-o", "ours.png").exit_code == 0
