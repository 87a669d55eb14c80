"""Paths on the command line: ~ is the home folder, an address is refused where none can be."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import assert_refused
from tests.conftest import Run
from tilecppn.cli.common import result
from tilecppn.cli.terminal import write_line

SCENE = "[cppn]\nwidth = 4\ndepth = 1\n[canvas]\nwidth = 40\nheight = 30\n"


def test_a_tilde_in_an_option_is_the_home_folder(tmp_path: Path, tilecppn: Run) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "a.toml").write_text(SCENE)
    home = {"HOME": str(tmp_path / "home")}
    done = tilecppn("preview", "a.toml", "--output=~/a.png", "--width", 40, env=home)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "a.png").is_file()
    assert not (tmp_path / "~").exists()


def test_a_name_cannot_command_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """As one that turns all that follows red; click removes such words where none listens."""
    name = "a\x1b[31m\x9b5m\rb\u202e.png"
    write_line(f"error: {name}: already exists")
    result(f"{name}: 40 × 30\n\tin 1 s", {}, as_json=False)
    out, err = capfd.readouterr()
    assert err == "error: a\\x1b[31m\\x9b5m\\rb\\u202e.png: already exists\n"
    assert out == "a\\x1b[31m\\x9b5m\\rb\\u202e.png: 40 × 30\n\tin 1 s\n"


@pytest.mark.parametrize(
    "command",
    [
        ("render", "a.toml", "-o", "https://example.org/a.zarr"),
        ("render", "a.toml", "-o", "a.zarr", "--export", "gs://only-a-bucket"),
        ("export", "a.zarr", "ftp://example.org/a.png"),
        ("preview", "a.toml", "-o", "s3://bucket/a.png"),
        ("animate", "a.toml", "--orbit", "-o", "s3://bucket/a.mp4"),
        ("fit", "s3://bucket/a.png", "-o", "a.safetensors"),
    ],
)
def test_an_address_is_refused(command: tuple[str, ...], tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "a.toml").write_text(SCENE)
    assert_refused(cli(*command), "://")
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]
