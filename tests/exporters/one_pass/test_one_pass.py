"""A pyramid in the same pass as the render: the bytes of a later export, whatever happens."""

import errno
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from tests.conftest import Run as Command
from tests.exporters.one_pass.passes import SCENE, assert_same, made, one_pass, scene_of, two_passes
from tests.signalled import signalled
from tests.stores import tree
from tilecppn import export
from tilecppn.errors import Interrupted, RenderError
from tilecppn.exporters import tiles
from tilecppn.exporters.one_pass import render_and_export
from tilecppn.exporters.pyramids import dzi
from tilecppn.exporters.tiles import TileFolder
from tilecppn.idle_threads import Share
from tilecppn.plan import Plan, Shard, Task, Window
from tilecppn.run import events
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


@pytest.mark.parametrize(
    "scene",
    [
        scene_of(700, 501, channels=1),
        scene_of(513, 257, dtype="uint16"),
        scene_of(300, 200, channels=1, dtype="float32"),
        scene_of(129, 1, dither="noise"),
        scene_of(40, 30),  # less than a tile
        scene_of(1, 1),
        scene_of(64, 64),
        scene_of(300, 200, shard=64),  # shard = tile
        scene_of(256, 1025, tolerance=0.0),
    ],
    ids=lambda scene: f"{scene.canvas.width}x{scene.canvas.height}-{scene.output.dtype}",
)
def test_one_pass_gives_the_bytes_of_two(scene: Scene, one: Path, two: Path) -> None:
    assert_same(one_pass(scene, one), two_passes(scene, two))


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_no_byte(
    workers: int, one: Path, undisturbed: dict[str, bytes | str | None]
) -> None:
    assert_same(one_pass(SCENE, one, workers=workers), undisturbed)


def test_actors_give_the_same_bytes(
    ray_here: None, one: Path, undisturbed: dict[str, bytes | str | None]
) -> None:
    assert_same(one_pass(SCENE, one, executor="ray", workers=2), undisturbed)


def test_one_png_is_made_after_the_render(one: Path, two: Path) -> None:
    render_and_export(SCENE, one / "a.zarr", one / "a.png", RunOptions("local"))
    render(SCENE, two / "a.zarr", executor="local")
    export(two / "a.zarr", two / "a.png")
    assert tree(one) == tree(two)


def test_progress_of_what_is_tiled_afterwards_ends_at_its_end(one: Path) -> None:
    seen: list[tuple[int, int]] = []
    one_pass(SCENE, one, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]


# In which order


def test_tiles_come_before_their_shard_and_descriptor_and_page_last(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[tuple[str, Any]] = []
    write, write_all, write_page = Store.write, TileFolder.write_all, dzi.write_page

    def writing(self: Store, shard: Shard, pixels: NDArray[Any], share: Share) -> int:
        log.append(("shard", (shard.level, self.plan.window(shard))))
        return write(self, shard, pixels, share)

    def tiling(
        self: TileFolder, level: int, window: Window, pixels: NDArray[Any], share: Share
    ) -> None:
        write_all(self, level, window, pixels, share)
        log.append(("tiles", (level, window)))

    def paging(*arguments: Any) -> list[Path]:
        assert not (one / "a.dzi").exists()
        assert not (one / "a.html").exists()
        log.append(("page", None))
        return write_page(*arguments)

    monkeypatch.setattr(Store, "write", writing)
    monkeypatch.setattr(TileFolder, "write_all", tiling)
    monkeypatch.setattr(dzi, "write_page", paging)
    one_pass(SCENE, one, workers=1)
    plan = Plan.of(SCENE.canvas, SCENE.output, 3)
    assert len(log) == 2 * plan.shards + 1
    assert log[-1][0] == "page"
    for written, shard in zip(log[:-1:2], log[1::2], strict=True):
        assert (written[0], shard[0]) == ("tiles", "shard")
        assert written[1] == shard[1]


# Interrupted, killed and run again


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Window]]:
    reads: list[tuple[int, Window]] = []
    read = Store.read

    def reading(self: Store, level: int, window: Window, *, partial: bool = False) -> Any:
        reads.append((level, window))
        return read(self, level, window, partial=partial)

    monkeypatch.setattr(Store, "read", reading)
    return reads


def test_a_fresh_run_reads_nothing_back_but_the_last_level(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = count_reads(monkeypatch)
    one_pass(SCENE, one, workers=1)
    last = len(Plan.of(SCENE.canvas, SCENE.output, 3).levels) - 1
    assert {level for level, _ in reads} == {last}


def test_what_was_stored_before_is_tiled_from_the_store(
    one: Path, undisturbed: dict[str, bytes | str | None]
) -> None:
    """Also where the store is whole, and where shards here and there are missing."""
    render(SCENE, one / "a.zarr", executor="local")
    assert_same(one_pass(SCENE, one), undisturbed)
    store = Store(one / "a.zarr")
    for gone in (Shard(0, 0, 2), Shard(0, 1, 0)):
        store.delete(gone)
    drawn: list[Task] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.TaskDone):
            drawn.append(event.task)

    assert_same(one_pass(SCENE, one, listeners=(listen,)), undisturbed)
    above = {a for s in (Shard(0, 0, 2), Shard(0, 1, 0)) for a in store.plan.ancestors(s)}
    assert set(drawn) == {Shard(0, 0, 2), Shard(0, 1, 0)} | above


BIG = """
[cppn]
width = 8
depth = 2
[canvas]
width = 3001
height = 2500
[output]
tolerance = 0.0
tile = 128
shard = 512
"""


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL]
)
def test_a_stopped_run_goes_on_and_gives_the_same_bytes(
    number: signal.Signals, tmp_path: Path, one: Path, two: Path, tilecppn: Command
) -> None:
    (tmp_path / "a.toml").write_text(BIG)
    command = ["render", "a.toml", "-o", "one/a.zarr", "--export", "one/a.dzi"]
    command += ["--executor", "local", "--json"]
    stopped = subprocess.run(
        signalled("tilecppn.storage.store.Store.write", 13, number, *command),
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if number == signal.SIGINT:
        assert stopped.returncode == 130
        assert "run the same command again" in stopped.stderr.splitlines()[-1]
        assert [p.name for p in one.iterdir()] == ["a.zarr"]
    else:
        assert stopped.returncode == -number
    before = sorted(one.glob("a.zarr/*/c/0/*/[0-9]*"))
    times = [path.stat().st_mtime_ns for path in before]
    again = tilecppn(*command)
    assert again.returncode == 0, again.stderr
    record = json.loads(again.stdout)
    assert record["skipped"] == len(before) > 0
    assert record["rendered"] == record["shards"] - len(before) > 0
    assert [path.stat().st_mtime_ns for path in before] == times
    assert made(one) == two_passes(Scene.load(tmp_path / "a.toml"), two)


def test_a_death_between_a_shards_tiles_and_its_commit_costs_that_shard_only(
    tmp_path: Path, one: Path, tilecppn: Command, undisturbed: dict[str, bytes | str | None]
) -> None:
    (tmp_path / "a.toml").write_text(SCENE.to_toml())
    command = ["render", "a.toml", "-o", "one/a.zarr", "--export", "one/a.dzi", "--workers", "1"]
    killed = signalled("tilecppn.storage.store.Store.write", 7, signal.SIGKILL, *command)
    dead = subprocess.run(killed, cwd=tmp_path, check=False)
    assert dead.returncode == -signal.SIGKILL
    assert len(list(one.glob("a.zarr/*/c/0/*/*"))) == 6
    (begun,) = one.glob(".a_files.*.partial")
    again = tilecppn(*command, "--json")
    assert json.loads(again.stdout)["skipped"] == 6, again.stderr
    assert not begun.exists()
    assert made(one) == undisturbed


def test_nothing_is_left_of_an_export_that_is_stopped_while_it_tiles_the_rest(
    one: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, bytes | str | None]
) -> None:
    def stop(*arguments: Any) -> None:
        raise Interrupted("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(tiles, "write_tiles", stop)
        with pytest.raises(Interrupted, match="run the same command again"):
            one_pass(SCENE, one)
    assert [p.name for p in one.iterdir()] == ["a.zarr"]
    assert_same(one_pass(SCENE, one), undisturbed)


def test_an_earlier_export_stays_until_the_new_one_is_whole(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = one_pass(SCENE, one)
    other = SCENE.replace(cppn={"seed": 4})

    def fail(self: Store, shard: Shard, pixels: NDArray[Any], share: Share) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", fail)
        with pytest.raises(RenderError, match="No space left"):
            one_pass(other, one, overwrite=True)
    after = made(one)
    for name in before:
        if not name.startswith("a.zarr"):
            assert after[name] == before[name]


def test_overwriting_replaces_store_and_export(one: Path, two: Path) -> None:
    one_pass(SCENE, one)
    other = scene_of(200, 300)
    assert_same(one_pass(other, one, overwrite=True), two_passes(other, two))
