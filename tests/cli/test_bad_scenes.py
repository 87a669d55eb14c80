"""Bad scenes: one line that says what is wrong, exit code 2, and nothing touched."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import COMMANDS, assert_refused
from tests.stores import tree

# One of each kind; tests/scene/test_validation.py has the others. A scene's text → what is said.
SCENES: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "unknown key": ("[canvas]\nwidht = 9", ('"canvas.widht"', 'did you mean "width"?')),
    "section that is a value": ("canvas = 5", ("canvas must be a section",)),
    "wrong value": ("[view]\nscale = nan", ("view.scale = NaN", "finite")),
    "integer beyond all": (f"[canvas]\nwidth = {'9' * 5000}", ()),
    "view beyond float64": (
        "[view]\nscale = 1e-9\ncenter = [1e9, 0.0]",
        ("view.scale = 1e-09", "larger scale"),
    ),
    "keys at odds": ('[cppn]\nactivations = ["tanh"]\ndepth = 2', ("depth = 2", "1 layers")),
    "not TOML": ("[canvas\nwidth = 9", ("not TOML", "line 1")),
    "nested without end": ("x = " + "[" * 5000, ("not TOML",)),
    "not text": (b"\x89PNG\r\n\x1a\n\xff\xfe", ("not a text file",)),
    "missing weights": ('[cppn]\nweights = "no.safetensors"', ("no.safetensors", "No such")),
    "weights that are a folder": ('[cppn]\nweights = "."', ("directory",)),
    "weights with a name that none can have": ('[cppn]\nweights = "a\\u0000b"', ("weights",)),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", SCENES)
def test_a_bad_scene_is_refused_naming_file_and_value(
    name: str, command: str, cli: Cli, tmp_path: Path
) -> None:
    text, says = SCENES[name]
    (tmp_path / "bad.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = tree(tmp_path)
    result = cli(command, "bad.toml", *COMMANDS[command])
    assert_refused(result, *says)
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
        ("canvas.widht=9", 'did you mean "width"?'),
        ("canvas.width=wide", 'canvas.width = "wide"'),
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
