"""Paths on the command line: ~ is the home folder, an address is refused where none can be."""

from pathlib import Path

import pytest

from tests.conftest import Run

SCENE = "[cppn]\nwidth = 4\ndepth = 1\n[canvas]\nwidth = 40\nheight = 30\n"


def test_a_tilde_in_an_option_is_the_home_folder(tmp_path: Path, tilecppn: Run) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "a.toml").write_text(SCENE)
    home = {"HOME": str(tmp_path / "home")}
    done = tilecppn("preview", "a.toml", "--output=~/a.png", "--width", 40, env=home)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "a.png").is_file()
    assert not (tmp_path / "~").exists()


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
def test_an_address_is_refused(command: tuple[str, ...], tmp_path: Path, tilecppn: Run) -> None:
    (tmp_path / "a.toml").write_text(SCENE)
    refused = tilecppn(*command)
    assert refused.returncode == 2
    assert "://" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]
