"""Bad scenes: one line that says what is wrong, exit code 2, and nothing touched."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import COMMANDS, assert_refused
from tests.stores import tree

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
    "profile that is none": Bad(
        '[output]\nprofile = "p3"', ('output.profile = "p3"', '"display-p3"')
    ),
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
    "scale beyond float32": Bad("[view]\nscale = 1e300", ("view.scale = 1e+300", "beyond 1e+30")),
    "latent beyond float32": Bad(
        "[latent]\nz = [1e300, 0, 0, 0, 0, 0, 0, 0]", ("latent.z = [1e+300", "to 1e+30")
    ),
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


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", SCENES)
def test_a_bad_scene_is_refused_naming_file_and_value(
    name: str, command: str, cli: Cli, tmp_path: Path
) -> None:
    bad = SCENES[name]
    data = bad.text if isinstance(bad.text, bytes) else bad.text.encode()
    (tmp_path / "bad.toml").write_bytes(data)
    before = tree(tmp_path)
    result = cli(command, "bad.toml", *COMMANDS[command])
    assert_refused(result, *bad.says)
    assert "bad.toml" in result.stderr or ".safetensors" in result.stderr or "weights" in name
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("missing.toml", "cannot be read: No such file"),
        ("folder", "a folder that tilecppn did not make"),
        ("file/x.toml", "cannot be read: Not a"),
    ],
)
def test_a_scene_that_cannot_be_read_is_refused(
    path: str, says: str, command: str, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert_refused(cli(command, path, *COMMANDS[command]), path, says)
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
@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_override_is_refused(
    command: str, override: str, says: str, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text("[canvas]\nwidth = 64\nheight = 64\n")
    assert_refused(cli(command, "a.toml", *COMMANDS[command], "--set", override), says)
    assert set(tree(tmp_path)) == {"a.toml"}
