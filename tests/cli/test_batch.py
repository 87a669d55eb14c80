"""`tilecppn render A.toml B.toml -o FOLDER`, and files of jobs."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import LOCAL, assert_refused, ok, record
from tilecppn.addresses import as_path
from tilecppn.cli.batch import read_jobs
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

SCENE = "[cppn]\nwidth = 4\ndepth = 1\nseed = {seed}\n[canvas]\nwidth = 64\nheight = 36\n"


@pytest.fixture(autouse=True)
def scenes(tmp_path: Path) -> None:
    for seed, name in enumerate("abc"):
        (tmp_path / f"{name}.toml").write_text(SCENE.format(seed=seed))


def test_scenes_become_stores_named_as_their_files(cli: Cli) -> None:
    said = ok(cli("render", "a.toml", "b.toml", "c.toml", "-o", "out/", *LOCAL))
    assert said.startswith("out: 3 scenes, 3 shards rendered")
    found = [Store(f"out/{name}.zarr").scene for name in "abc"]
    assert [scene.fingerprint for scene in found] == [
        Scene.load(f"{name}.toml").fingerprint for name in "abc"
    ]
    again = record(cli("render", "a.toml", "b.toml", "-o", "out", "--json", *LOCAL))
    assert (again["rendered"], again["skipped"]) == (0, 2)
    assert again["stores"][1] == {"store": "out/b.zarr", "rendered": 0, "skipped": 1}


def test_a_file_of_jobs_has_names_and_values(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "jobs.toml").write_text(
        '[[job]]\nscene = "../a.toml"\n[[job]]\nscene = "../a.toml"\nname = "wide"\n'
        'set = ["canvas.width=80", "cppn.seed=9"]\n'
    )
    ok(cli("render", "--jobs", "sub/jobs.toml", "b.toml", "-o", "out", *LOCAL))
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.zarr", "b.zarr", "wide.zarr"]
    wide = Store("out/wide.zarr").scene
    assert (wide.canvas.width, wide.cppn) != (64, Store("out/a.zarr").scene.cppn)


def test_a_job_takes_a_scene_from_a_bucket(tmp_path: Path) -> None:
    (tmp_path / "jobs.toml").write_text('[[job]]\nscene = "s3://bucket/folder/a.zarr"\n')
    (request,) = read_jobs(tmp_path / "jobs.toml")
    assert (request.scene, request.name) == (as_path("s3://bucket/folder/a.zarr"), "a")


def test_a_scene_that_fails_is_named_and_the_others_are_done(cli: Cli) -> None:
    ok(cli("render", "a.toml", "-o", "out/b.zarr", *LOCAL))
    found = cli("render", "a.toml", "b.toml", "c.toml", "-o", "out", *LOCAL)
    assert found.exit_code == 1
    assert "out/b.zarr: not finished" in found.stdout
    assert "1 of 3 scenes" in found.stderr.splitlines()[-1]
    assert Store("out/c.zarr").is_whole()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a.toml", "sub/a.toml", "-o", "out"], "both would be out/a.zarr"),
        (["a.toml", "none.toml", "-o", "out"], "none.toml"),
        (["a.toml", "b.toml", "-o", "out", "--export", "x.dzi"], "--export"),
        (["a.toml", "b.toml", "-o", "out", "--view"], "--view"),
        (["-o", "out"], "missing SCENE"),
        (["--jobs", "none.toml", "-o", "out"], "none.toml"),
        (["--jobs", "a.toml", "-o", "out"], "no [[job]]"),
        (["--jobs", "typo.toml", "-o", "out"], 'did you mean "scene"'),
        (["--jobs", "path.toml", "-o", "out"], "without a folder"),
        (["--jobs", "set.toml", "-o", "out"], "job 1: set: must be a list"),
        (["--jobs", "word.toml", "-o", "out"], "not a file of jobs"),
        (["--jobs", "nested.toml", "-o", "out"], "not a file of jobs: nested too deeply"),
        (["--jobs", "nul.toml", "-o", "out"], "name = 'a\\x00b'"),
        (["--jobs", "user.toml", "-o", "out"], "~nobody-here/a.toml: cannot be read"),
        (["--jobs", "web.toml", "-o", "out"], "web.toml: job 1: https://a/b.toml: unknown kind"),
        (["a.toml", "b.toml", "-o", "s.zarr"], "is the name of one store"),
        (["a.toml", "b.toml", "-o", "a.toml"], "a.toml is a file, not a folder"),
    ],
)
def test_wrong_requests_are_refused_before_any_work(
    words: list[str], says: str, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.toml").write_text(SCENE.format(seed=0))
    (tmp_path / "typo.toml").write_text('[[job]]\nscenes = "a.toml"\n')
    (tmp_path / "path.toml").write_text('[[job]]\nscene = "a.toml"\nname = "../x"\n')
    (tmp_path / "set.toml").write_text('[[job]]\nscene = "a.toml"\nset = "cppn.seed=1"\n')
    (tmp_path / "word.toml").write_text("job = 3\n")
    (tmp_path / "nested.toml").write_text("job = " + "[" * 100_000)
    (tmp_path / "nul.toml").write_text('[[job]]\nscene = "a.toml"\nname = "a\\u0000b"\n')
    (tmp_path / "user.toml").write_text('[[job]]\nscene = "~nobody-here/a.toml"\n')
    (tmp_path / "web.toml").write_text('[[job]]\nscene = "https://a/b.toml"\n')
    ok(cli("render", "a.toml", "-o", "s.zarr", *LOCAL))
    assert_refused(cli("render", *words), says)
    assert not (tmp_path / "out").exists()


def test_all_scenes_that_are_wrong_are_named_at_once(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text("[cppn]\nseed = -1\n")
    found = cli("render", "a.toml", "b.toml", "none.toml", "-o", "out")
    assert_refused(found, "b.toml: cppn.seed = -1", "none.toml: cannot be read")
