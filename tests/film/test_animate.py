"""The whole run: what is drawn, what is skipped, and what is never replaced."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.film.conftest import FRAMES, clips_in, content, killed, pixels
from tests.stores import tree
from tilecppn import export, ffmpeg
from tilecppn.errors import ExportError, InvalidRequestError, RenderError, SceneError, StoreError
from tilecppn.film.animate import animate, animate_to
from tilecppn.film.encoding.base import FilmOptions
from tilecppn.film.plan import ClipTask
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.keyframes import Keyframe
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.run.events import Event, TaskDone
from tilecppn.run.jobs import TaskStats
from tilecppn.run.options import RunOptions
from tilecppn.scene.scene import Scene
from tilecppn.storage.names import PARTS
from tilecppn.storage.store import Store

Pixels = NDArray[np.generic]


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_and_order_change_no_byte(
    film: Timeline, film_store: FilmStore, tmp_path: Path, workers: int
) -> None:
    run = RunOptions(executor="local", workers=workers, shuffle=workers)
    animate_to(film, tmp_path / "a.zarr", FilmOptions(), run)
    assert tree(tmp_path / "a.zarr") == tree(film_store.path)


@pytest.mark.slow
def test_ray_gives_the_same_film(
    ray_here: None, film: Timeline, film_store: FilmStore, tmp_path: Path
) -> None:
    run = RunOptions(executor="ray", workers=2)
    animate_to(film, tmp_path / "a.zarr", FilmOptions(), run)
    assert np.array_equal(pixels(FilmStore(tmp_path / "a.zarr")), pixels(film_store))
    animate_to(film, tmp_path / "a.mkv", FilmOptions(), run)
    animate_to(film, tmp_path / "b.mkv", FilmOptions(), RunOptions(executor="local"))
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_run_again_renders_nothing(film: Timeline, tmp_path: Path) -> None:
    for name in ("a.zarr", "a.gif", "a"):
        first = animate_to(film, tmp_path / name, FilmOptions(), RunOptions(executor="local"))
        assert first.rendered == first.tasks
        again = animate_to(film, tmp_path / name, FilmOptions(), RunOptions(executor="local"))
        assert (again.rendered, again.skipped) == (0, first.tasks)


def test_unfinished_new_parts_of_a_killed_run_are_removed(film: Timeline, tmp_path: Path) -> None:
    left = tmp_path / f".a.gif{PARTS}.0123456789ab.partial"
    left.mkdir()
    (left / "zarr.json").touch()
    animate_to(film, tmp_path / "a.gif", FilmOptions(), RunOptions(executor="local"))
    assert not left.exists()


def test_killed_at_half_only_the_missing_frames_are_rendered(
    film: Timeline, film_store: FilmStore, tmp_path: Path
) -> None:
    def shards() -> dict[str, int]:
        files = (tmp_path / "a.zarr").glob("0/c/*/0/*/[0-9]*")
        return {str(f): f.stat().st_mtime_ns for f in files if f.suffix != ".partial"}

    killed(film, tmp_path, "a.zarr", "tilecppn.film.store.FilmStore.write", 23)
    before = shards()
    assert len(before) == 22
    outcome = animate_to(film, tmp_path / "a.zarr", FilmOptions(), RunOptions(executor="local"))
    assert outcome.skipped == len(before)
    assert outcome.rendered == film_store.plan.tasks - len(before)
    assert {name: shards()[name] for name in before} == before
    assert tree(tmp_path / "a.zarr") == tree(film_store.path)


def test_a_killed_video_becomes_the_undisturbed_one(film: Timeline, tmp_path: Path) -> None:
    long = film.replace(seconds=2.0)  # four clips of five frames
    parts = tmp_path / ("a.mkv" + PARTS)
    encode = "tilecppn.film.encoding.video.VideoEncoding.write"
    killed(long, tmp_path, "a.mkv", encode, 5, "--clip", "0.5")  # the first is a trial
    assert len(clips_in(parts)) == 3
    choices, run = FilmOptions(clip=0.5), RunOptions(executor="local")
    outcome = animate_to(long, tmp_path / "a.mkv", choices, run)
    assert outcome.skipped == 3 * (5 * 4 + 1) + 5 * 4
    assert outcome.rendered + outcome.skipped == outcome.tasks
    assert not parts.exists()
    animate_to(long, tmp_path / "b.mkv", choices, run)
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_direct_clips_are_the_same_film_and_frames_that_are_there_are_used(
    even_film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = FilmOptions(clip=0.3)  # clips of 3, 3 and 5 frames
    film = even_film.replace(tolerance=0.1)  # as frames in a store
    for workers, direct in ((1, 2), (2, 2), (3, 0)):
        path = tmp_path / f"{workers}.mp4"
        outcome = animate_to(film, path, choices, RunOptions("local", workers=workers))
        assert outcome.tasks == outcome.rendered == 3 + FRAMES - 3 * direct
        assert outcome.pixels == FRAMES * 96 * 66
    frames = animate(film, tmp_path / "a.zarr", executor="local")
    with monkeypatch.context() as patch:
        patch.setattr("tilecppn.film.frame_renderer.FrameRenderer.render", None)
        animate_to(film, tmp_path / "4.mp4", choices, RunOptions("local"), frames)
    assert len({(tmp_path / f"{name}.mp4").read_bytes() for name in (1, 2, 3, 4)}) == 1


def test_a_film_killed_in_a_direct_clip_keeps_those_before(
    even_film: Timeline, tmp_path: Path
) -> None:
    encode = "tilecppn.film.encoding.video.VideoEncoding.write"
    killed(even_film, tmp_path, "a.mkv", encode, 3, "--clip", "0.3")  # the first is a trial
    assert len(clips_in(tmp_path / ("a.mkv" + PARTS))) == 1
    choices = FilmOptions(clip=0.3)
    outcome = animate_to(even_film, tmp_path / "a.mkv", choices, RunOptions("local", workers=1))
    assert (outcome.skipped, outcome.rendered) == (1, 1 + 5 + 1)
    animate_to(even_film, tmp_path / "b.mkv", choices, RunOptions("local", workers=2))
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_clips_of_another_length_are_not_taken(film: Timeline, tmp_path: Path) -> None:
    run = RunOptions(executor="local")
    animate_to(film, tmp_path / "whole.mkv", FilmOptions(clip=0.5), run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tilecppn.film.animate._finish", _disk_full)
        with pytest.raises(RenderError):
            animate_to(film, tmp_path / "a.mkv", FilmOptions(clip=1.0), run)
    animate_to(film, tmp_path / "a.mkv", FilmOptions(clip=0.5), run)
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()


def _disk_full(*arguments: object) -> None:
    raise RenderError("disk full")


def test_ctrl_c_keeps_what_is_done(film: Timeline, tmp_path: Path) -> None:
    long = film.replace(seconds=200.0)
    (tmp_path / "film.toml").write_text(long.to_toml())
    command = [sys.executable, "-m", "tilecppn", "animate", "film.toml", "-o", "a.mkv"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    for _ in range(6000):
        if clips_in(tmp_path / ("a.mkv" + PARTS)):
            break
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: ffmpeg is not to hear it
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command again" in said
    assert not (tmp_path / "a.mkv").exists()
    assert not list(tmp_path.rglob("*.partial"))
    assert clips_in(tmp_path / ("a.mkv" + PARTS))


def test_a_damaged_or_lost_frame_is_drawn_again_for_its_clip(
    film: Timeline, frames: Pixels, tmp_path: Path
) -> None:
    animate(film, tmp_path / "frames.zarr", executor="local")
    store = FilmStore(tmp_path / "frames.zarr")
    lost, damaged = (next(store.plan.frame_shards(k)) for k in (3, 5))
    store.delete(lost)
    store.file(damaged).write_bytes(store.file(damaged).read_bytes()[:-40] + b"x" * 40)
    os.rename(store.path, tmp_path / ("a" + PARTS))
    animate(film, tmp_path / "a", executor="local")
    import imageio.v3 as iio

    for k in range(FRAMES):
        assert np.array_equal(iio.imread(tmp_path / "a" / f"frame-{k:05d}.png"), frames[k])


@pytest.mark.parametrize("name", ["b.mkv", "b.gif"])
def test_a_film_that_is_drawn_is_encoded_without_drawing_it_again(
    film: Timeline, film_store: FilmStore, tmp_path: Path, name: str
) -> None:
    run = RunOptions(executor="local")
    animate_to(film, tmp_path / "drawn" / name, FilmOptions(), run)
    before = tree(film_store.path)
    outcome = animate_to(film, tmp_path / name, FilmOptions(), run, film_store.path)
    assert outcome.pixels == 0
    assert content(tmp_path / name) == content(tmp_path / "drawn" / name)
    assert tree(film_store.path) == before


def test_another_film_is_refused(film: Timeline, scene: Scene, tmp_path: Path) -> None:
    other = moving(scene, morph=[1, 3], loop=True, seconds=1.1, fps=10)
    for name in ("a.zarr", "a.gif"):
        animate(film, tmp_path / name, executor="local")
        before = tree(tmp_path)
        with pytest.raises(InvalidRequestError, match=r"already exists|another film"):
            animate(other, tmp_path / name, executor="local")
        assert tree(tmp_path) == before
        animate(other, tmp_path / name, executor="local", overwrite=True)
        assert tree(tmp_path) != before


def test_another_film_of_arrays_is_refused(scene: Scene, tmp_path: Path) -> None:
    films = [
        Timeline.of(
            scene,
            [Keyframe(0, latent={"z": z}), Keyframe(0.2, latent={"seed": 1})],
            arrays={"view.rotation": z[:2]},
            seconds=0.2,
            fps=10,
        )
        for z in (np.zeros(8), np.ones(8))
    ]
    animate(films[0], tmp_path / "a.zarr", executor="local")
    with pytest.raises(StoreError, match=r"another film or layout: film\.arrays"):
        animate(films[1], tmp_path / "a.zarr", executor="local")


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_stills_and_films_in_one_format_are_not_taken_for_each_other(
    film: Timeline, small_store: Store, tmp_path: Path, suffix: str
) -> None:
    moving, still = tmp_path / f"film{suffix}", tmp_path / f"still{suffix}"
    animate(film, moving, executor="local")
    export(small_store.path, still)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match=rf"film\{suffix}: .* holds a film"):
        export(small_store.path, moving)
    for overwrite in (False, True):
        with pytest.raises(ExportError, match=rf"still\{suffix}: .* holds a still"):
            animate(film, still, executor="local", overwrite=overwrite)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("frames", "picture", "layout"), [("a", "a", "xyz"), ("a_files", "a.dzi", None)]
)
def test_folders_of_frames_and_of_tiles_are_not_taken_for_each_other(
    scene: Scene,
    small_store: Store,
    tmp_path: Path,
    frames: str,
    picture: str,
    layout: str | None,
) -> None:
    short = moving(scene, zoom=2.0, seconds=0.3, fps=10)
    animate(short, tmp_path / frames, executor="local")
    before = tree(tmp_path)
    with pytest.raises(ExportError, match="holds the frames of a film"):
        export(small_store.path, tmp_path / picture, layout=layout)
    assert tree(tmp_path) == before
    shutil.rmtree(tmp_path / frames)
    export(small_store.path, tmp_path / picture, layout=layout)
    before = tree(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(ExportError, match="holds tiles for"):
            animate(short, tmp_path / frames, executor="local", overwrite=overwrite)
    assert tree(tmp_path) == before


def test_frames_whose_mark_cannot_be_read_are_not_replaced(scene: Scene, tmp_path: Path) -> None:
    short = moving(scene, zoom=2.0, seconds=0.3, fps=10)
    animate(short, tmp_path / "a", executor="local")
    mark = tmp_path / "a" / "tilecppn.json"
    mark.write_text(mark.read_text().replace('"encoding"', '"receipt"'))
    before = tree(tmp_path)
    with pytest.raises(ExportError):
        animate(short, tmp_path / "a", executor="local", overwrite=True)
    assert tree(tmp_path) == before


def test_nothing_foreign_is_overwritten(film: Timeline, tmp_path: Path) -> None:
    (tmp_path / "mine.mp4").write_bytes(b"mine")
    (tmp_path / "mine.png").write_bytes(b"\x89PNG\r\n\x1a\nmine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "frame-00000.png").write_bytes(b"mine")
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "zarr.json").write_text("{}")
    before = tree(tmp_path)
    for name in ("mine.mp4", "mine.png", "mine", "mine.zarr"):
        with pytest.raises(InvalidRequestError):
            animate(film, tmp_path / name, even="pad" if ".mp4" in name else None, overwrite=True)
    assert tree(tmp_path) == before


def test_a_clips_receipt_says_how_long_it_took(film: Timeline, tmp_path: Path) -> None:
    """The deadline for the next one comes from it."""
    receipts: list[TaskStats] = []

    def listen(event: Event) -> None:
        if isinstance(event, TaskDone) and isinstance(event.task, ClipTask):
            receipts.append(event.stats)

    animate(film, tmp_path / "a.mkv", clip=0.5, executor="local", listeners=[listen])
    assert len(receipts) == 2
    for stats in receipts:
        assert stats.seconds > 0.01  # a process was started
        assert stats.bytes > 1000


def test_a_film_says_whose_it_is(even_film: Timeline, out: Path) -> None:
    about = {"title": "Stürme", "artist": "Zoë", "description": "a=b;c"}
    credited = replace(even_film, base=even_film.base.replace(about=about))
    assert credited.fingerprint == even_film.fingerprint
    animate(credited, out / "a.mp4")
    found = ffmpeg.metadata(out / "a.mp4")
    assert {name: found[name] for name in about} == about
    again = Timeline.load(out / "a.mp4")
    assert again == credited
    withheld = replace(credited, base=credited.base.replace(about={"share_scene": False}))
    animate(withheld, out / "a.mp4", overwrite=True)
    assert b"[cppn]" not in (out / "a.mp4").read_bytes()
    assert ffmpeg.metadata(out / "a.mp4")["artist"] == "Zoë"
    with pytest.raises(SceneError, match="made without its scene"):
        Timeline.load(out / "a.mp4")
