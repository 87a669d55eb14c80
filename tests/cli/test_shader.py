"""`tilecppn shader`: its results, and its refusals in one line."""

import json
from pathlib import Path

from tests.cli.conftest import Cli
from tests.cli.results import ok
from tilecppn.scene.scene import Scene


def test_it_writes_a_page_or_a_function_and_says_so(cli: Cli, scene: Scene, tmp_path: Path) -> None:
    record = json.loads(ok(cli("shader", "a.toml", "-o", "a.html", "--title", "Storms", "--json")))
    assert record == {"files": ["a.html"], "bytes": (tmp_path / "a.html").stat().st_size}
    assert "<title>Storms</title>" in (tmp_path / "a.html").read_text()
    assert ok(cli("shader", "a.toml", "-o", "a.glsl")).startswith("a.glsl: ")
    assert "vec3 tilecppn(vec2 p)" in (tmp_path / "a.glsl").read_text()
    assert "fn tilecppn(p: vec2f) -> vec3f" in (
        ok(cli("shader", "a.toml", "-o", "a.wgsl")) and (tmp_path / "a.wgsl").read_text()
    )


def test_refusals_are_one_line_and_2(cli: Cli, scene: Scene) -> None:
    for arguments in (("-o", "a.png"), ("-o", "a.html", "--set", "cppn.width=999")):
        done = cli("shader", "a.toml", *arguments)
        assert done.exit_code == 2
        assert len(done.output.splitlines()) == 1


def test_info_tells_a_page_that_draws_itself(cli: Cli, scene: Scene) -> None:
    ok(cli("shader", "a.toml", "-o", "a.html"))
    record = json.loads(ok(cli("info", "a.html", "--json")))
    assert (record["kind"], record["width"]) == ("live page", 150)


def test_a_morph_and_a_timeline_are_played(cli: Cli, scene: Scene, tmp_path: Path) -> None:
    ok(cli("shader", "a.toml", "-o", "a.html", "--morph", "1,2"))
    assert '"film":{"seconds":10.0,"loop":true' in (tmp_path / "a.html").read_text()
    film = "[film]\nseconds = 1\n[[keyframe]]\ntime = 0\nview.rotation = 9.0\n"
    (tmp_path / "film.toml").write_text(scene.to_toml() + film)
    ok(cli("shader", "film.toml", "-o", "film.html"))
    assert '"film":{"seconds":' in (tmp_path / "film.html").read_text()
    ok(cli("shader", "film.toml", "-o", "film.HTML"))
    assert '"film":{"seconds":' in (tmp_path / "film.HTML").read_text()
    for arguments in (("a.toml", "-o", "b.glsl"), ("film.toml", "-o", "b.html")):
        done = cli("shader", *arguments, "--morph", "1,2")
        assert done.exit_code == 2
        assert len(done.output.splitlines()) == 1
