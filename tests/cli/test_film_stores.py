"""`tilecppn status`, `verify` and `export` of films' stores."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import LOCAL, record
from tests.stores import NETWORK, tree
from tilecppn.errors import RenderError
from tilecppn.film.store import FilmStore

FILM = (
    "[cppn]\nwidth = 4\ndepth = 1\n[canvas]\nwidth = 97\nheight = 66\n"
    "[output]\ntile = 64\nshard = 64\n"
    "[film]\nseconds = 1.3\nfps = 10\n"
    "[[keyframe]]\ntime = 0\nlatent.seed = 1\n[[keyframe]]\ntime = 1\nlatent.seed = 2\n"
)
PARTS = "a.mkv.parts"
SOUND = f"{PARTS}: complete and undamaged\n"


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    (tmp_path / "film.toml").write_text(FILM)


@pytest.fixture
def store(cli: Cli) -> FilmStore:
    """13 frames of four shards."""
    assert cli("animate", "film.toml", "-o", "a.zarr", *LOCAL).exit_code == 0
    return FilmStore("a.zarr")


@pytest.fixture
def unjoined(cli: Cli) -> FilmStore:
    """The same as a video whose three clips of five frames at most are all made, but not joined."""
    not_joined(cli, "--clip", "0.5")
    return FilmStore.found(PARTS)


def not_joined(cli: Cli, *options: str) -> None:
    def full(*arguments: object) -> None:
        raise RenderError("disk full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tilecppn.film.animate._finish", full)
        done = cli("animate", "film.toml", "-o", "a.mkv", *LOCAL, *options)
    assert done.exit_code == 1


def test_status_counts_frames(store: FilmStore, cli: Cli) -> None:
    whole = record(cli("status", "a.zarr", "--json"))
    assert whole == {
        "store": "a.zarr",
        "finished": True,
        "shards": 52,
        "done": 52,
        "width": 97,
        "height": 66,
        "fps": "10",
        "frames": 13,
        "frames_done": 13,
        "frames_in_clips": 0,
        "fingerprint": store.timeline.fingerprint,
        "arithmetic": store.arithmetic._asdict(),
    }
    frames = [*store.plan.frame_shards(3), *store.plan.frame_shards(7)]
    for shard in frames[3:6]:
        store.delete(shard)
    text = cli("status", "a.zarr").stdout.splitlines()
    assert text[:2] == [
        "a.zarr: not finished, 49 of 52 shards",
        "frames      11 of 13, 97 × 66 at 10 a second",
    ]
    assert text[-1] == f"fingerprint {store.timeline.fingerprint}"


@pytest.mark.parametrize("file", ["zarr.json", "0/zarr.json"])
def test_verify_mends_a_film_stores_description_and_keeps_its_frames(
    file: str, store: FilmStore, cli: Cli
) -> None:
    before = tree(store.path)
    path = store.path / file
    path.write_text(path.read_text().replace('"zarr_format": 3', '"zarr_format": 2'))
    assert cli("verify", "a.zarr").stdout.splitlines() == [
        f"{file}: missing, damaged or wrong",
        "a.zarr: 1 metadata file to repair: tilecppn verify a.zarr --repair",
    ]
    assert record(cli("verify", "a.zarr", "--repair", "--json"))["rendered"] == 0
    assert cli("verify", "a.zarr").stdout == "a.zarr: complete and undamaged\n"
    after = tree(store.path)
    for name in before:
        if name.endswith("zarr.json"):
            assert json.loads(before[name] or "") == json.loads(after[name] or "")
        else:
            assert before[name] == after[name]


def test_verify_names_damaged_and_missing_frames_and_repairs_them(
    store: FilmStore, cli: Cli
) -> None:
    assert cli("verify", "a.zarr").stdout == "a.zarr: complete and undamaged\n"
    before = tree(store.path)
    damaged, missing = (list(store.plan.frame_shards(k))[1] for k in (2, 9))
    data = bytearray(store.file(damaged).read_bytes())
    data[len(data) // 3] ^= 1
    store.file(damaged).write_bytes(data)
    store.delete(missing)

    result = cli("verify", "a.zarr")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "frame 2 row 0 column 1: damaged",
        "frame 9 row 0 column 1: missing",
        "a.zarr: 2 shards to repair: tilecppn verify a.zarr --repair",
    ]
    assert json.loads(cli("verify", "a.zarr", "--json").stdout) == {
        "store": "a.zarr",
        "invalid_metadata": [],
        "damaged": [[0, 0, 1, 2]],
        "missing": [[0, 0, 1, 9]],
    }
    assert record(cli("verify", "a.zarr", "--repair", "--json"))["rendered"] == 2
    assert cli("verify", "a.zarr").exit_code == 0
    assert tree(store.path) == before


def test_frames_that_are_in_clips_are_done_and_sound(unjoined: FilmStore, cli: Cli) -> None:
    assert not list(unjoined.path.glob("0/c/*/0/*/*"))  # no longer needed
    status = record(cli("status", PARTS, "--json"))
    assert (status["finished"], status["shards"], status["done"]) == (True, 55, 55)
    assert (status["frames"], status["frames_done"], status["frames_in_clips"]) == (13, 13, 13)
    assert cli("verify", PARTS).stdout == SOUND
    assert cli("verify", PARTS, "--repair").stdout == SOUND


def test_what_an_unfinished_video_lacks_is_made_by_the_same_command(
    unjoined: FilmStore, cli: Cli
) -> None:
    last = unjoined.plan.clip_of(12)
    assert last is not None
    unjoined.delete(last)
    text = cli("status", PARTS).stdout.splitlines()
    assert text[:2] == [
        f"{PARTS}: not finished, 42 of 55 shards",
        "frames      10 of 13, 97 × 66 at 10 a second; 10 of them in clips",
    ]
    result = cli("verify", PARTS)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-2:] == [
        "clip from frame 10: missing",
        f"{PARTS}: unfinished: 42 of 55 shards; run the same tilecppn animate again",
    ]
    before = tree(unjoined.path)
    refused = cli("verify", PARTS, "--repair")
    assert refused.exit_code == 2
    assert "run the same tilecppn animate again" in refused.stderr
    assert tree(unjoined.path) == before
    again = record(cli("animate", "film.toml", "-o", "a.mkv", "--clip", "0.5", *LOCAL, "--json"))
    assert (again["rendered"], again["skipped"]) == (13, 42)


def test_of_two_encodings_the_last_one_is_looked_at(unjoined: FilmStore, cli: Cli) -> None:
    not_joined(cli, "--clip", "0.4", "--codec", "h264", "--even", "pad")
    first = unjoined.path / "clips" / f"{unjoined.encoding_id}-5"
    (second,) = {path for path in first.parent.iterdir() if path.is_dir()} - {first}
    for last, clip in ((first, 5), (second, 4)):
        os.utime(first, (1, 1))
        os.utime(second, (1, 1))
        os.utime(last, (2, 2))
        assert FilmStore.found(PARTS).plan.clip == clip


@pytest.mark.parametrize("dest", ["a.png", "a.mp4"])
def test_export_says_how_a_film_becomes_a_video(store: FilmStore, cli: Cli, dest: str) -> None:
    result = cli("export", "a.zarr", dest)
    assert result.exit_code == 2
    assert "holds a film" in result.stderr
    assert "tilecppn animate a.zarr -o FILM.mp4, or preview --time" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not Path(dest).exists()


@pytest.mark.parametrize("command", ["status", "verify"])
def test_a_film_whose_metadata_is_damaged_is_named(
    store: FilmStore, cli: Cli, command: str
) -> None:
    (store.path / NETWORK).write_bytes(b"x")
    (store.path / "weights" / "c" / "0").unlink()
    result = cli(command, "a.zarr")
    assert result.exit_code == 2
    assert "a.zarr: its metadata is damaged" in result.stderr
