"""`tilecppn plan`, of stills and films."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Cli
from tests.cli.results import ok, record
from tilecppn import machine
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.pixels.preview import preview
from tilecppn.plan import Plan
from tilecppn.run.estimates import worker_memory
from tilecppn.scene.scene import Scene
from tilecppn.storage.objects import FreeSpace


def test_plan_counts_levels_shards_tiles_and_bytes(
    small_scene: Scene, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(small_scene.to_toml())
    plan = record(cli("plan", "a.toml", "--json", "--workers", "2"))
    # 700 × 501, 350 × 251, 175 × 126, 88 × 63, 44 × 32 in tiles of 64 and shards of 256.
    assert {key: plan[key] for key in ("width", "height", "levels", "shards", "tiles")} == {
        "width": 700,
        "height": 501,
        "levels": 5,
        "shards": 6 + 2 + 1 + 1 + 1,
        "tiles": 88 + 24 + 6 + 2 + 1,
    }
    assert plan["bytes"] == 3 * (700 * 501 + 350 * 251 + 175 * 126 + 88 * 63 + 44 * 32)
    assert 0.01 * plan["bytes"] < plan["stored"] < plan["bytes"]
    assert plan["free"] > 0
    assert plan["worker_memory"] > 256 * 256 * 3
    assert plan["workers"] == 2
    assert plan["pixels_per_second"] > 0
    text = ok(cli("plan", "a.toml"))
    assert [line.split()[0] for line in text.splitlines()] == [
        "canvas",
        "print",
        "levels",
        "bytes",
        "memory",
        "time",
    ]
    assert "700 × 501" in text
    assert "11 shards" in text
    assert "121 tiles" in text


def test_plan_counts_the_workers_that_render_would_have(
    small_scene: Scene, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(machine, "cores", lambda: 12)
    monkeypatch.setattr(machine, "gpus", lambda: 2)
    (tmp_path / "a.toml").write_text(small_scene.to_toml())
    plan = record(cli("plan", "a.toml", "--json", "--kernel", "llvm"))
    assert (plan["workers"], plan["threads"]) == (12, 1)  # it reserves no GPU
    plan = record(cli("plan", "a.toml", "--json"))
    assert (plan["workers"], plan["threads"]) == (2, 6)
    of_one = Plan.of(small_scene.canvas, small_scene.output, small_scene.channels)
    assert plan["worker_memory"] == worker_memory(of_one, 6) == 6 * worker_memory(of_one)
    assert "2 workers of 6 threads" in ok(cli("plan", "a.toml"))


def largest(side: int = 2**31 - 1) -> list[str]:
    options = [f"--set=canvas.{name}={side}" for name in ("width", "height")]
    return [*options, "--set=output.shard=4096", "--workers=1"]


def disk(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    space = FreeSpace(Path("/disk"), free)
    monkeypatch.setattr("tilecppn.run.estimates.free_disk", lambda path: space)


def test_plan_says_where_a_print_has_another_shape_than_the_scene(
    small_scene: Scene, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(small_scene.to_toml())  # 700 × 501
    for said, told in (
        ("canvas.print=14x10.02cm", ""),
        ("canvas.width=1400", "other proportions than the scene's own 700 × 501: two sides show"),
        ("canvas.print=A4", "own 700 × 501"),
        ("cppn.seed=2", ""),
    ):
        lines = ok(cli("plan", "a.toml", "--set", said)).splitlines()
        shape = [line for line in lines if line.startswith("shape")]
        assert len(shape) == bool(told)
        assert not told or told in shape[0]
    (tmp_path / "0.toml").write_text("[canvas]\nwidth = 0\n")
    assert ok(cli("plan", "0.toml", "--set", "canvas.width=9", "--set", "canvas.height=9"))
    wrong = cli("plan", "a.toml", "--set", "canvas.width=0")
    assert "--set canvas.width=0: " in wrong.stderr
    (tmp_path / "b.toml").write_text(small_scene.replace(view={"aspect": "stretch"}).to_toml())
    assert "the picture is stretched" in ok(cli("plan", "b.toml", "--set", "canvas.print=A4"))


def test_plan_of_the_largest_canvas_takes_no_longer(
    scene: Scene, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    side, options = 2**31 - 1, largest()
    disk(monkeypatch, 10**20)
    plan = record(cli("plan", "a.toml", *options, "--json"))
    assert (plan["width"], plan["levels"]) == (side, 26)
    assert plan["shards"] > (2**19) ** 2


def test_plan_refuses_what_cannot_fit_on_the_disk(
    scene: Scene, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = cli("plan", "a.toml", *largest())
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    # By its samples only: what they come to is shown.
    disk(monkeypatch, 10**20)
    stored = record(cli("plan", "a.toml", *largest(2**12), "--json"))["stored"]
    disk(monkeypatch, stored - 1)
    done = cli("plan", "a.toml", *largest(2**12), "--json")
    assert done.exit_code == 2
    assert "/disk" in done.stderr
    assert json.loads(done.stdout)["stored"] == stored


def test_plan_counts_the_blocks_of_small_files(
    small_scene: Scene, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.toml").write_text(small_scene.to_toml())
    sizes = [f"--set=canvas.{side}=12800" for side in ("width", "height")]
    large = ("plan", "a.toml", *sizes)
    for free, files, told in (
        (10**12, math.inf, "in blocks of 4,096 bytes"),
        (10**12, 50_000, "does not fit: export an .szi"),
        (200 * 10**6, math.inf, "does not fit: export an .szi"),
    ):
        space = FreeSpace(Path("/disk"), free, files, block=4096)
        monkeypatch.setattr("tilecppn.run.estimates.free_disk", lambda path, space=space: space)
        (line,) = [line for line in cli(*large).stdout.splitlines() if line.startswith("tiles")]
        assert told in line
    assert record(cli(*large, "--json"))["tiles_on_disk"] > 40_000 * 4096
    monkeypatch.setattr("tilecppn.run.estimates.free_disk", lambda path: FreeSpace(path, 1e12))
    bucket = record(cli(*large, "--json"))
    space = FreeSpace(Path("/disk"), 10**12, block=4096)
    monkeypatch.setattr("tilecppn.run.estimates.free_disk", lambda path: space)
    in_blocks = record(cli(*large, "--json"))
    blocks = bucket["shards"] * 4096 / 2
    assert in_blocks["stored"] == pytest.approx(bucket["stored"] + blocks, rel=0.01)


def test_plan_and_preview_of_a_timeline(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "film.toml").write_text(
        "[canvas]\nwidth = 40\nheight = 30\n[film]\nseconds = 2\nfps = 10\n"
        "[[keyframe]]\ntime = 0\nview.rotation = 0\n[[keyframe]]\ntime = 2\nview.rotation = 90\n"
    )
    plan = record(cli("plan", "film.toml", "--json"))
    assert (plan["frames"], plan["width"], plan["height"]) == (20, 40, 30)
    assert plan["stored"] > 0
    assert "20 frames of 40 × 30" in ok(cli("plan", "film.toml"))
    ok(cli("preview", "film.toml", "-o", "a.png", "--width", 40, "--time", 1))
    film = Timeline.load(tmp_path / "film.toml")
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), preview(film.scene(10), 40))
    for time in ("2", "-1", "nan"):
        assert cli("preview", "film.toml", "-o", "b.png", "--time", time).exit_code == 2
    assert cli("preview", "a.png", "-o", "b.png", "--time", 1).exit_code == 2


def test_plan_says_what_a_cluster_costs(
    small_scene: Scene, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers are neither this machine's cores nor in its memory."""
    monkeypatch.setattr(machine, "free_memory", lambda: 500 * 2**20)
    large = small_scene.replace(canvas={"width": 100_000, "height": 100_000})
    (tmp_path / "a.toml").write_text(large.to_toml())
    one, many = (
        record(cli("plan", "a.toml", "--json", "--workers", str(n), "--price", "3.6"))
        for n in (1, 1000)
    )
    for plan, workers in ((one, 1), (many, 1000)):
        assert plan["cost"] == pytest.approx(workers * plan["seconds"] / 1000, rel=0.01, abs=0.11)
    assert many["pixels_per_second"] > 100 * one["pixels_per_second"]
    assert cli("plan", "a.toml", "--workers", "1000").exit_code == 2  # here they do not fit
    assert "cost" not in record(cli("plan", "a.toml", "--json", "--workers", "1"))
