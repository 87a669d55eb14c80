"""Films that were killed, damaged or cut off from power: nothing is lost, and a way leads on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.film.conftest import clips_in, content, killed
from tests.signalled import interrupting
from tests.stores import tree
from tilecppn import ffmpeg, filesystem
from tilecppn.cli import main
from tilecppn.errors import ExportError, Interrupted, RenderError, StoreError
from tilecppn.film.animate import animate_to
from tilecppn.film.encoding.base import FilmOptions
from tilecppn.film.job import FilmJob
from tilecppn.film.store import FilmStore, film_plan
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.run.events import Event, TaskDone
from tilecppn.run.jobs import WorkerUnusable
from tilecppn.run.options import RunOptions
from tilecppn.run.task_queue import RunResult
from tilecppn.storage import metadata
from tilecppn.storage.names import PARTS
from tilecppn.storage.places import storage_of

ENCODE = "tilecppn.film.encoding.video.VideoEncoding.write"
FRAMES = 5 * 4  # shards of the frames of a clip, which are stored, since each has several
TASKS = FRAMES + 1  # of a clip


@pytest.fixture(scope="module")
def long(film: Timeline) -> Timeline:
    """Five clips of five frames."""
    four_shards = film.base.replace(output={"tile": 64, "shard": 64})
    return moving(four_shards, morph=[1, 2, 3], loop=True, seconds=2.5, fps=10)


@pytest.fixture(scope="module")
def other(long: Timeline) -> Timeline:
    return moving(long.base, morph=[1, 3], loop=True, seconds=2.5, fps=10)


@pytest.fixture(scope="module")
def whole(long: Timeline, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The undisturbed film."""
    path = tmp_path_factory.mktemp("whole") / "a.mkv"
    made(long, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def begun(long: Timeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a kill left of it, with three clips; to be copied."""
    folder = tmp_path_factory.mktemp("begun")
    killed(long, folder, "a.mkv", ENCODE, 5, "--clip", "0.5")  # the first is a trial
    return folder / ("a.mkv" + PARTS)


def made(film: Timeline, path: Path, **options: Any) -> RunResult:
    choices = FilmOptions(clip=0.5) if path.suffix == ".mkv" else FilmOptions()
    return animate_to(film, path, choices, RunOptions(executor="local", **options))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def garble(file: Path) -> None:
    data = bytearray(file.read_bytes())
    for k in range(len(data) // 2, len(data) // 2 + 20):
        data[k] ^= 0x5A
    file.write_bytes(data)


def swap(file: Path) -> None:
    shutil.copyfile(file.with_name("0"), file)


def unseal(file: Path) -> None:
    file.with_name(file.name + ".sha256").unlink()


# Damaged clips


@pytest.mark.parametrize("damage", [cut, garble, swap, unseal])
def test_a_damaged_clip_is_made_again(
    long: Timeline, whole: bytes, begun: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    shutil.copytree(begun, tmp_path / begun.name)
    second = clips_in(tmp_path / begun.name)[1]
    damage(second)
    verified = CliRunner().invoke(main, ["verify", str(tmp_path / begun.name)])
    assert verified.exit_code == 1
    assert "clip from frame 5: damaged\n" in verified.stdout
    assert "clip from frame 0" not in verified.stdout
    outcome = made(long, tmp_path / "a.mkv")
    assert outcome.skipped == 2 * TASKS + FRAMES  # and frames of the fourth
    assert outcome.rendered == outcome.tasks - outcome.skipped
    assert (tmp_path / "a.mkv").read_bytes() == whole
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mkv"]


@pytest.mark.parametrize("name", ["a.gif", "a"])
def test_a_damaged_animation_or_frame_is_made_again(
    film: Timeline, tmp_path: Path, name: str
) -> None:
    killed(film, tmp_path, name, "tilecppn.film.store.FilmStore.remove", 1)
    path = tmp_path / name
    whole = content(path)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    garble(clips_in(tmp_path / (name + PARTS))[0])
    assert made(film, path).rendered > 0
    assert content(path) == whole


def test_a_clip_that_is_damaged_in_the_last_moment_ends_in_no_film(
    long: Timeline, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = FilmStore.faulty_clips
    path = tmp_path / "a.mkv"

    def late(store: FilmStore, *arguments: object) -> object:
        garble(store.file(list(store.plan.all_clips())[3]))
        return sound(store)

    with monkeypatch.context() as patch:
        patch.setattr(FilmStore, "faulty_clips", late)
        with pytest.raises(
            RenderError, match=r"clip from frame 15: damaged after .* the same command"
        ):
            made(long, path)
    assert not path.exists()
    assert made(long, path).rendered == TASKS
    assert path.read_bytes() == whole


def test_ffmpeg_alone_would_tell_of_a_clip_that_is_short(
    long: Timeline, begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were checksums right and clips wrong, the frames of the film would still be counted."""
    monkeypatch.setattr("tilecppn.film.clip_checksums.is_sound", lambda file: True)
    for damage, words in ((cut, "ffmpeg ended with"), (short, "ffmpeg wrote 21 frames of 25")):
        parts = tmp_path / damage.__name__ / begun.name
        shutil.copytree(begun, parts)
        damage(clips_in(parts)[1])
        with pytest.raises(RenderError, match=words):
            made(long, parts.with_name("a.mkv"))
        assert not parts.with_name("a.mkv").exists()
        assert len(clips_in(parts)) == 5


def short(clip: Path) -> None:
    """A film of one frame, but a sound one."""
    one = clip.with_name("one")
    made = ffmpeg.run(["-i", str(clip), "-c", "copy", "-frames:v", "1", "-f", "mov", str(one)])
    assert made.frames == 1
    one.replace(clip)


def test_a_worker_that_outlives_its_run_leaves_the_next_film_alone(
    film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilecppn.run.visibility.VISIBILITY_TIMEOUT", 0.0)
    path = tmp_path / "a.zarr"
    runner = FilmJob(film.to_toml(), film.networks, str(path), "llvm").open(1)
    other, arithmetic = film.replace(fps=5), runner.worker_info.arithmetic
    shard = next(iter(film_plan(film, None).order()))
    for timeline, revision in ((other, arithmetic.revision), (film, 1)):
        begun = arithmetic._replace(revision=revision)
        with FilmStore.create(path, timeline, begun, None, "") as store:
            with pytest.raises(WorkerUnusable, match=r"a\.zarr"):
                runner.run(shard, lambda: None)
            assert not store.has(shard)
        shutil.rmtree(path)


@pytest.mark.parametrize("name", ["a.zarr", "a.mkv"])
def test_a_film_whose_store_is_moved_in_mid_run_says_so_and_goes_on_from_there(
    film: Timeline, tmp_path: Path, name: str
) -> None:
    ours = tmp_path / (name if name == "a.zarr" else name + PARTS)
    away = ours.with_name(ours.name.replace("a", "b", 1))

    def move(event: Event) -> None:
        if isinstance(event, TaskDone) and not away.exists():
            ours.rename(away)

    with pytest.raises(RenderError, match="was moved, removed or replaced"):
        made(film, tmp_path / name, workers=1, listeners=[move])
    assert list(tmp_path.iterdir()) == [away]
    assert made(film, tmp_path / name.replace("a", "b", 1)).skipped > 0


# What kills leave


@pytest.mark.parametrize("later", [False, True], ids=["not yet removed", "being removed"])
def test_what_is_left_of_a_film_that_is_made_goes_with_the_next_run(
    film: Timeline, tmp_path: Path, later: bool
) -> None:
    killed(film, tmp_path, "a.gif", "tilecppn.film.store.FilmStore.remove", 1)
    parts = tmp_path / ("a.gif" + PARTS)
    assert clips_in(parts)
    if later:
        parts.rename(filesystem.temporary_path(parts))
    outcome = made(film, tmp_path / "a.gif")
    assert outcome.skipped == outcome.tasks
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.gif", "film.toml"]


def test_another_film_in_its_place_is_refused_and_goes_on_after_a_kill(
    other: Timeline, begun: Path, tmp_path: Path
) -> None:
    shutil.copytree(begun, tmp_path / begun.name)
    before = tree(tmp_path)
    with pytest.raises(StoreError, match=r"holds another film or layout: .* or overwrite=True"):
        made(other, tmp_path / "a.mkv")
    assert tree(tmp_path) == before
    killed(other, tmp_path, "a.mkv", ENCODE, 4, "--clip", "0.5", "--overwrite")
    assert len(clips_in(tmp_path / begun.name)) == 2
    again = made(other, tmp_path / "a.mkv", overwrite=True)
    assert again.skipped == 3 * TASKS - 1
    assert not (tmp_path / begun.name).exists()


def test_a_film_that_replaces_another_is_not_begun_anew_after_a_kill(
    long: Timeline, other: Timeline, whole: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.mkv"
    made(other, path)
    killed(long, tmp_path, "a.mkv", ENCODE, 5, "--clip", "0.5", "--overwrite")
    with pytest.raises(ExportError, match=r"overwrite=True goes on with .*a\.mkv\.parts$"):
        made(long, path)
    # The other one is whole; what is begun beside it is no concern of its command, but told.
    assert made(other, path).rendered == 0
    assert len(clips_in(tmp_path / ("a.mkv" + PARTS))) == 3
    (tmp_path / "other.toml").write_text(other.to_toml())
    said = CliRunner().invoke(
        main, ["animate", str(tmp_path / "other.toml"), "-o", str(path), "--clip", "0.5"]
    )
    assert said.exit_code == 0
    assert "a.mkv.parts: holds another unfinished film" in said.stderr
    assert made(long, path, overwrite=True).skipped == 3 * TASKS + FRAMES
    assert path.read_bytes() == whole


def begin_as(parts: Path, old: str, new: str, networks: dict[str, bytes]) -> None:
    """Change what a store says of itself, with right checksums, as if it had been begun so."""
    text = (parts / "zarr.json").read_text()
    assert old in text
    attributes = json.loads(text.replace(old, new))["attributes"]
    own = {k: v for k, v in attributes["tilecppn"].items() if k not in ("checksums", "sha256")}
    record = metadata.seal(attributes["ome"], own, networks)
    storage_of(parts).replace(metadata.all_files(record, networks))


def test_overwrite_replaces_what_was_begun_with_another_arithmetic_or_cannot_be_read(
    long: Timeline, whole: bytes, begun: Path, tmp_path: Path
) -> None:
    for name, old, new in (
        ("arithmetic", '"device": "cpu"', '"device": "abacus"'),
        ("revision", '"fingerprint": "', '"fingerprint": "0'),
        ("cut", "time = ", "tim = "),
    ):
        parts = tmp_path / name / begun.name
        shutil.copytree(begun, parts)
        begin_as(parts, old, new, dict(long.networks))
        before = tree(parts)
        with pytest.raises(StoreError, match=r"overwrite=True$"):
            made(long, parts.with_name("a.mkv"))
        assert tree(parts) == before
        with pytest.raises(Interrupted):
            made(long, parts.with_name("a.mkv"), overwrite=True, listeners=[interrupting(TaskDone)])
        assert not clips_in(parts)  # it was begun anew
    made(long, parts.with_name("a.mkv"))
    assert parts.with_name("a.mkv").read_bytes() == whole
    assert [file.name for file in parts.parent.iterdir()] == ["a.mkv"]


def test_nothing_foreign_in_parts_is_overwritten(
    long: Timeline, begun: Path, tmp_path: Path
) -> None:
    parts = tmp_path / begun.name
    shutil.copytree(begun, parts)
    (parts / "clips" / "mine.txt").write_text("mine")
    text = (parts / "zarr.json").read_text().replace('"fingerprint": "', '"fingerprint": "0')
    (parts / "zarr.json").write_text(text)
    before = tree(tmp_path)
    with pytest.raises(StoreError, match="did not write"):
        made(long, tmp_path / "a.mkv", overwrite=True)
    assert tree(tmp_path) == before


def cut_short(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("a.mkv", cut_short),
        ("frames", lambda path: (path / "frame-00003.png").unlink()),
        ("frames", lambda path: (path / "frame-00003.png").write_bytes(b"")),
    ],
)
def test_a_finished_film_that_lost_frames_is_not_called_finished(
    name: str, damage: Callable[[Path], None], film: Timeline, tmp_path: Path
) -> None:
    path = tmp_path / name
    made(film, path)
    assert made(film, path).rendered == 0
    before = content(path)
    damage(path)
    for overwrite in (False, True):
        with pytest.raises(ExportError, match="changed or damaged"):
            made(film, path, overwrite=overwrite)
    filesystem.remove(path)
    made(film, path)
    assert content(path) == before
