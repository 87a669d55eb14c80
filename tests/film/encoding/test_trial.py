"""An ffmpeg that cannot make the film is found out before any work."""

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilecppn import ffmpeg
from tilecppn.cli import main
from tilecppn.film.encoding import metadata
from tilecppn.film.timeline.timeline import Timeline

# A real ffmpeg that says it is old, and fails where an argument has one of some words in it.
OLD = """#!{python}
import os, sys
if "-version" in sys.argv:
    print("ffmpeg version 4.2.7-0ubuntu Copyright (c) 2000-2022 the FFmpeg developers")
    sys.exit()
for word in {words!r}:
    if any(word in argument for argument in sys.argv):
        sys.exit(f"Unrecognized option '{{word}}'.")
os.execv({real!r}, [{real!r}, *sys.argv[1:]])
"""


def fake(folder: Path, *words: str) -> Path:
    """An ffmpeg without the options and codecs named by `words`."""
    path = folder / "ffmpeg"
    path.write_text(OLD.format(python=sys.executable, words=words, real=ffmpeg.executable()))
    path.chmod(0o755)
    return path


def refusal(film: Timeline, folder: Path, name: str) -> str:
    """What the command line says; nothing may be left behind."""
    (folder / "film.toml").write_text(film.to_toml())
    before = sorted(folder.iterdir())
    done = CliRunner().invoke(
        main, ["animate", str(folder / "film.toml"), "-o", str(folder / name), "--workers", "1"]
    )
    assert done.exit_code == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(folder.iterdir()) == before
    return done.stderr


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("a.gif", "fps_mode"),
        ("a.webp", "libwebp_anim"),
        ("a.apng", "plays"),
        ("a.mp4", "libx264"),
        ("a.mp4", "use_metadata_tags"),  # only joining needs it
        ("a.mov", "prores_ks"),
        ("a.webm", "libvpx-vp9"),
        ("a.mkv", "ffv1"),
    ],
)
def test_what_ffmpeg_lacks_is_told_before_any_work(
    even_film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, word: str
) -> None:
    program = fake(tmp_path, word)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    said = refusal(even_film, tmp_path, name)
    assert f"{program} (version 4.2.7-0ubuntu)" in said
    assert word in said
    assert "IMAGEIO_FFMPEG_EXE" in said


def test_a_film_that_an_old_ffmpeg_can_make_is_made(
    even_film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(fake(tmp_path, "fps_mode")))
    (tmp_path / "film.toml").write_text(even_film.replace(fps=1).to_toml())
    command = ["animate", str(tmp_path / "film.toml"), "-o", str(tmp_path / "a.MP4")]
    done = CliRunner().invoke(main, [*command, "--workers", "1"])
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize(
    ("program", "words"),
    [("/bin/true", "not an ffmpeg"), ("missing", "cannot be run"), (os.devnull, "cannot be run")],
)
@pytest.mark.parametrize("name", ["a.gif", "a.mp4"])
def test_what_is_no_ffmpeg_is_told(
    even_film: Timeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    program: str,
    words: str,
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", program)
    said = refusal(even_film, tmp_path, name)
    assert f"{program}" in said
    assert words in said


def test_an_ffmpeg_that_cannot_be_run_reads_no_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "missing")
    assert metadata.read_text(tmp_path / "a.mp4") is None
