"""`tilecppn animate` as a person types it."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Cli
from tests.cli.results import assert_refused
from tests.film.sounds import tones
from tilecppn.cppn import CPPN

SCENE = "[cppn]\nwidth = 4\ndepth = 1\n[canvas]\nwidth = 64\nheight = 36\n"
FILM = SCENE + (
    "[film]\nseconds = 1\nfps = 10\n"
    "[[keyframe]]\ntime = 0\nlatent.seed = 1\n[[keyframe]]\ntime = 0.9\nlatent.seed = 2\n"
)


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    (tmp_path / "scene.toml").write_text(SCENE)
    (tmp_path / "film.toml").write_text(FILM)


@pytest.mark.parametrize(
    "moves",
    [
        ["--morph", "1,2,3", "--loop"],
        ["--zoom", "1e3"],
        ["--orbit", "--loop"],
        ["--morph", "1,2", "--zoom", "10", "--orbit", "--samples", "2"],
    ],
)
def test_a_scene_moves(cli: Cli, moves: list[str]) -> None:
    done = cli("animate", "scene.toml", "-o", "a.gif", "--seconds", 1, "--fps", 10, *moves)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("a.gif: 10 frames of 64 × 36 in ")
    assert "10 frames of 64 × 36 at 10 a second" in done.stderr


def test_a_range_of_seeds_is_their_list(cli: Cli) -> None:
    options = ("--seconds", 1, "--fps", 10)
    for name, seeds in (("a.gif", "1,2,3"), ("b.gif", "1-3")):
        done = cli("animate", "scene.toml", "-o", name, "--morph", seeds, *options)
        assert done.exit_code == 0, done.stderr
    assert Path("a.gif").read_bytes() == Path("b.gif").read_bytes()


def test_a_timeline_and_what_overrides_it(cli: Cli) -> None:
    options = ["--fps", "5", "--set", "canvas.width=32", "--json"]
    done = cli("animate", "film.toml", "-o", "a.mp4", *options)
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["frames"] == 5
    assert record["pixels"] == 5 * 32 * 36
    assert (record["rendered"], record["skipped"]) == (6, 0)
    again = json.loads(cli("animate", "film.toml", "-o", "a.mp4", *options).stdout)
    assert (again["rendered"], again["skipped"]) == (0, 6)


def test_parts_and_drafts(cli: Cli) -> None:
    for name, options, said in (
        ("a.gif", ["--from", 0.2, "--to", "5f"], "3 frames of 64 × 36"),
        ("b.png", ["--frame", 3, "--scale", 0.5], "1 frame of 32 × 18"),
        ("c.gif", ["--set", "film.seconds=0.5"], "5 frames of 64 × 36"),
    ):
        done = cli("animate", "film.toml", "-o", name, *options)
        assert done.exit_code == 0, done.stderr
        assert said in done.stdout
    again = cli("animate", "a.gif", "-o", "d.gif", "--set", "film.excerpt=none")
    assert "10 frames" in again.stdout
    moved = cli("animate", "scene.toml", "-o", "e.gif", "--orbit", "--set", "film.seconds=0.1")
    assert "3 frames" in moved.stdout
    for wrong in (["--from", "2"], ["--frame", "10"], ["--scale", "0"], ["--set", "film.x=1"]):
        refused = cli("animate", "film.toml", "-o", "f.gif", *wrong)
        assert refused.exit_code == 2
        assert refused.stderr.count("\n") == 1


def test_a_store_of_frames_is_encoded_as_it_is(cli: Cli) -> None:
    assert cli("animate", "film.toml", "-o", "a.zarr").exit_code == 0
    done = cli("animate", "a.zarr", "-o", "a.mp4", "--json")
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["shards"], record["rendered"], record["pixels"]) == (1, 1, 0)
    assert cli("animate", "a.zarr", "-o", "a.mp4").stdout == (
        "a.mp4: 10 frames of 64 × 36, complete before\n"
    )
    resumed = cli("animate", "a.zarr", "-o", "c.mp4")
    assert resumed.stdout.startswith("c.mp4: 10 frames of 64 × 36, none of them drawn, in ")
    assert Path("a.mp4").read_bytes() == Path("c.mp4").read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        *("a.gif", "a.mkv", "a.zarr", "frames"),
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("a.png", "a.webp", "sheet.png")),
    ],
)
def test_a_film_is_made_again_from_what_it_carries(cli: Cli, name: str) -> None:
    option = "--contact" if name == "sheet.png" else "-o"
    assert cli("animate", "film.toml", option, name).exit_code == 0
    assert cli("animate", "film.toml", "-o", "expected.gif", "--fps", "5").exit_code == 0
    again = cli("animate", name, "-o", "again.gif", "--fps", "5")
    assert again.exit_code == 0, again.stderr
    assert Path("again.gif").read_bytes() == Path("expected.gif").read_bytes()
    wide = cli("animate", name, "-o", "wide.gif", "--set", "canvas.width=80")
    assert "10 frames of 80 × 36" in wide.stdout
    if not name.startswith("sheet"):
        assert cli("preview", name, "-o", "still.png", "--time", "0.5").exit_code == 0
        still = cli("render", name, "-o", "still.zarr")
        assert still.exit_code == 2
        assert "a film" in still.stderr
        assert "preview --time" in still.stderr


def test_a_film_whose_networks_are_files_is_not_made_again_without_them(cli: Cli) -> None:
    CPPN.from_preset("hardmaru", width=4, depth=1).save("net.safetensors")
    Path("film.toml").write_text(FILM.replace("width = 4\ndepth = 1", "weights='net.safetensors'"))
    for name in ("a.gif", "a.zarr"):
        assert cli("animate", "film.toml", "-o", name).exit_code == 0
    Path("net.safetensors").unlink()
    refused = cli("animate", "a.gif", "-o", "b.gif")
    assert refused.exit_code == 2
    assert "names files" in refused.stderr
    assert cli("animate", "a.zarr", "-o", "b.gif").exit_code == 0
    assert Path("b.gif").read_bytes() == Path("a.gif").read_bytes()


GREY = "[cppn]\nchannels = 1\nwidth = 4\ndepth = 1\n[canvas]\nwidth = 64\nheight = 36\n"
JUMPS = GREY + (
    "[film]\nseconds = 1\nfps = 5\n"
    "[[keyframe]]\ntime = 0\noutput.palette = {first}\nview.radial = 2\n"
    "[[keyframe]]\ntime = 0.9\noutput.palette = {last}\nview.radial = 3\n"
)


@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        ("'viridis'", "'magma'", "view.radial"),
        ("['#000', '#fff']", "['#000', '#f00']", "view.radial"),
    ],
)
def test_what_jumps_is_told(cli: Cli, first: str, last: str, named: str) -> None:
    text = JUMPS.format(first=first, last=last)
    Path("jumps.toml").write_text(text)
    done = cli("animate", "jumps.toml", "-o", "a.gif", "--contact", "sheet.png")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.startswith(f"{named}: jumps at keyframes")
    Path("held.toml").write_text(text.replace("time = 0\n", "time = 0\neasing = 'hold'\n"))
    done = cli("animate", "held.toml", "-o", "b.gif")
    assert done.exit_code == 0, done.stderr
    assert "jumps" not in done.stderr


def test_the_contact_sheet(cli: Cli) -> None:
    done = cli("animate", "film.toml", "--contact", "sheet.png")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "sheet.png\n"
    with Image.open("sheet.png") as image:
        assert image.width > 3 * 320
        assert image.height > 2 * 180
    assert cli("animate", "film.toml", "--contact", "sheet.jpg").exit_code == 0
    again = cli("animate", "sheet.jpg", "--contact", "again.png")  # it carries the timeline
    assert again.exit_code == 0, again.stderr
    assert Path("again.png").read_bytes() == Path("sheet.png").read_bytes()
    assert cli("animate", "film.toml", "--contact", "sheet.bmp").exit_code == 2
    Path("mine.png").write_bytes(b"mine")
    assert cli("animate", "film.toml", "--contact", "mine.png").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scene.toml", "-o", "a.gif"], "nothing moves: give --morph, --zoom or --orbit"),
        (["scene.toml", "--zoom", "3"], "give -o FILE, or --contact"),
        (["film.toml", "-o", "a.gif", "--zoom", "3"], "--morph, --zoom and --orbit are for scenes"),
        (["scene.toml", "-o", "a.gif", "--morph", "1"], "two seeds or more"),
        (["scene.toml", "-o", "a.gif", "--morph", "1,b"], "write seeds as 0-24 or 1,5,9-12"),
        (["scene.toml", "-o", "a.gif", "--zoom", "0"], "must be above 0"),
        (["scene.toml", "-o", "a.gif", "--zoom", "2", "--fps", "0"], "error: --fps = "),
        (["scene.toml", "-o", "a.gif", "--zoom", "2", "--seconds", "0"], "error: --seconds = 0"),
        (["scene.toml", "-o", "a.gif", "--zoom", "1e300"], "same point"),
        (["scene.toml", "-o", "a.gif", "--zoom", "inf"], "must be above 0"),
        (["scene.toml", "-o", "a.gif", "--zoom", "nan"], "must be above 0"),
        (["scene.toml", "-o", "a.gif", "--zoom", "1e-320", "--orbit"], "1e-300 at least"),
        (["scene.toml", "-o", "a.gif", "--orbit", "--seconds", "inf"], "error: --seconds = "),
        (["scene.toml", "-o", "a.gif", "--orbit", "--seconds", "nan"], "error: --seconds = "),
        (["scene.toml", "-o", "a.gif", "--orbit", "--fps", "inf"], "error: --fps = "),
        (["film.toml", "-o", "a.gif", "--samples", "999"], "error: --samples = 999"),
        (["film.toml", "-o", "a.mp4", "--clip", "nan"], "--clip nan: must be a number of seconds"),
        (["film.toml", "-o", "a.mp4", "--clip", "inf"], "--clip inf: must be a number of seconds"),
        (["none.toml", "-o", "a.gif"], "none.toml: cannot be read"),
        (["film.toml", "-o", "a.gif", "--set", "canvas.widht=3"], 'did you mean "width"'),
        (["film.toml", "-o", "a.mp4", "--set", "canvas.width=33"], "--even pad"),
        (["film.toml", "-o", "a.gif", "--kernel", "abacus"], 'unknown kernel "abacus"'),
    ],
)
def test_mistakes_are_told_before_any_work(cli: Cli, arguments: list[str], words: str) -> None:
    before = set(Path().iterdir())
    done = cli("animate", *arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.output
    assert set(Path().iterdir()) == before


def test_a_film_of_a_scene_is_as_long_as_its_sound(cli: Cli) -> None:
    tones(Path("a.wav"), (500, 0.7))
    moves = ("animate", "scene.toml", "--orbit", "--fps", "10", "--audio", "a.wav", "--json")
    found = json.loads(cli(*moves, "-o", "a.mp4").stdout)
    assert found["frames"] == 7
    found = json.loads(cli(*moves, "-o", "b.mp4", "--seconds", "0.3").stdout)
    assert found["frames"] == 3
    found = json.loads(cli(*moves, "-o", "c.mp4", "--set", "film.seconds=0.4").stdout)
    assert found["frames"] == 4


def test_a_sound_that_is_missing_is_refused(cli: Cli) -> None:
    for more in ((), ("--seconds", "0.3")):
        moves = ("animate", "scene.toml", "--orbit", "--audio", "none.wav", "-o", "a.mp4", *more)
        assert_refused(cli(*moves), "none.wav", "does not exist")
    assert cli("animate", "film.toml", "--audio", "none.wav", "--contact", "a.png").exit_code == 2
