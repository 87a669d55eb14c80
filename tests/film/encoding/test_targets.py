"""Which target a path means, and what is refused before any work."""

import os
from pathlib import Path
from typing import Any

import pytest

from tilecppn.errors import ExportError
from tilecppn.exporters.output import provenance
from tilecppn.film.animate import animate, animate_to
from tilecppn.film.embedded_timeline import embedded_timeline, is_film
from tilecppn.film.encoding import metadata
from tilecppn.film.encoding.base import FilmOptions
from tilecppn.film.encoding.targets import choose_target
from tilecppn.film.encoding.video import LOSSY_TOLERANCE
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.run.options import RunOptions
from tilecppn.scene.scene import Scene


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.mov", "a.webm", "a.mkv", "a.gif", "a.webp", "a.png", "a"]
)
def test_every_file_carries_its_timeline(even_film: Timeline, tmp_path: Path, name: str) -> None:
    path = animate(even_film, tmp_path / name, executor="local")
    target = choose_target(path, even_film, FilmOptions())
    assert target is not None
    made = provenance.read(path)
    assert made is not None
    assert made.is_copy_of(target.provenance(even_film))
    found = embedded_timeline(path)
    assert found is not None
    assert found.fingerprint == even_film.fingerprint


@pytest.mark.parametrize(
    ("name", "codec", "changes", "tolerance"),
    [
        ("a.mp4", None, {}, LOSSY_TOLERANCE),
        ("a.webm", None, {}, LOSSY_TOLERANCE),
        ("a.mkv", "h265-10", {}, LOSSY_TOLERANCE),
        ("a.mp4", None, {"tolerance": 0.0}, 0.0),
        ("a.mp4", None, {"tolerance": 60.0}, 60.0),
        ("a.mp4", None, {"dtype": "uint16"}, 0.1),
        ("a.mov", None, {}, 0.1),
        ("a.mkv", None, {}, 0.1),
        ("a.gif", None, {}, 0.1),
        ("a.png", None, {}, 0.1),
        ("a", None, {}, 0.1),
    ],
)
def test_frames_are_as_exact_as_their_encoding(
    even_film: Timeline,
    name: str,
    codec: str | None,
    changes: dict[str, Any],
    tolerance: float,
) -> None:
    film = moving(even_film.base.replace(output=changes), zoom=2.0, seconds=1, fps=4)
    target = choose_target(Path(name), film, FilmOptions(codec=codec))
    assert target is not None
    assert target.for_encoding(film).scene(1).output.tolerance == tolerance
    own = film.replace(tolerance=0.5)
    assert target.for_encoding(own) == own


def test_what_is_no_film_has_no_mark(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.gif", "a.png", "a.webp"):
        (tmp_path / name).write_bytes(b"GIF89a")
        assert metadata.read_text(tmp_path / name) is None


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.avi", {}, 'unknown kind of film ".avi"'),
        ("a.mp4", {"codec": "h266"}, 'unknown codec "h266"; did you mean "h26'),
        ("a.mp4", {"codec": "vp9"}, "use .webm for vp9"),
        ("a.mp4", {"crf": 99}, "from 0 (best) to 51"),
        ("a.mov", {"crf": 9}, "no such quality"),
        ("a.mp4", {"even": "stretch"}, '"pad" or "crop"'),
        ("a.gif", {"plays": -1}, "plays=-1: must be from 1 to 65535, or 0"),
        ("a.webp", {"plays": 65536}, "plays=65536: must be from 1 to 65535"),
        ("a.mp4", {"plays": 1}, "plays applies only to animated images (.gif, .webp, .png)"),
        ("a.gif", {"codec": "h264"}, "codec applies only to videos (.mp4, .mov, .webm, .mkv)"),
        ("a.mp4", {"format": "png"}, "format applies only to folders of frames"),
        ("a", {"format": "jpg"}, 'unknown format "jpg"'),
        ("a.zarr", {"clip": 1.0}, "clip applies only to videos"),
        ("a.mp4", {"clip": -1.0}, "clip=-1: must be a number of seconds"),
        ("a.mp4", {"clip": float("nan")}, "clip=nan: must be"),
        ("a.mp4", {"clip": float("inf")}, "clip=inf: must be"),
    ],
)
def test_what_a_target_has_not_is_refused_before_any_work(
    even_film: Timeline, tmp_path: Path, name: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ExportError) as caught:
        animate(even_film, tmp_path / name, **options)
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_an_encoder_cannot_take_is_refused_before_any_work(
    scene: Scene, tmp_path: Path
) -> None:
    wide = scene.replace(canvas={"width": 30000, "height": 64})
    film = moving(wide, zoom=2.0, seconds=1, fps=10)
    with pytest.raises(ExportError, match=r"30000 × 64: cannot be a film of av1 \(ffmpeg"):
        animate(film, tmp_path / "a.webm", codec="av1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.png", "a.webp", "a"])
def test_a_pipe_is_refused_and_not_waited_for(
    in_a_minute: None, even_film: Timeline, tmp_path: Path, name: str
) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ExportError, match="not made by tilecppn"):
        animate(even_film, tmp_path / name, overwrite=True)


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_a_film_needs_a_name(
    film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExportError, match="names no film"):
        animate(film, name)


@pytest.mark.parametrize(
    ("name", "twin"),
    [("a.MP4", "b.mp4"), ("a.m4v", "b.mp4"), ("a.GIF", "b.gif"), ("a.apng", "b.png")],
)
def test_suffixes_are_taken_as_meant(
    even_film: Timeline, tmp_path: Path, name: str, twin: str
) -> None:
    run = RunOptions(executor="local")
    paths = [tmp_path / name, tmp_path / twin]
    for path in paths:
        animate_to(even_film, path, FilmOptions(), run)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert is_film(paths[0])
    assert animate_to(even_film, paths[0], FilmOptions(), run).rendered == 0
    found = embedded_timeline(paths[0])
    assert found is not None
    assert found.fingerprint == even_film.fingerprint
