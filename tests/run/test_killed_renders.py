"""The command that renders is killed, stopped or interrupted."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.conftest import Run as Command
from tests.run.conftest import Start
from tests.run.renders import BIG, WRITE, assert_same, black_scene, pixels, shard_files
from tests.signalled import signalled
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


@pytest.mark.parametrize("black", [False, True])
def test_a_killed_render_goes_on_where_it_was(
    black: bool, tmp_path: Path, tilecppn: Command, process: Start
) -> None:
    (tmp_path / "a.toml").write_text(black_scene(tmp_path) if black else BIG)
    store = tmp_path / "a.zarr"
    child = process(*signalled(WRITE, 36, signal.SIGKILL, "render", "a.toml", "-o", "a.zarr"))
    assert child.wait(60) == -signal.SIGKILL
    before = shard_files(store)
    (store / "0" / "c" / "0" / "0" / ".7.0123456789ab.partial").write_bytes(b"half a shard")

    second = tilecppn("render", "a.toml", "-o", "a.zarr", "--json")
    assert second.returncode == 0, second.stderr
    record = json.loads(second.stdout)
    after = shard_files(store)
    assert record["shards"] == len(after)
    assert record["skipped"] == len(before)
    assert record["rendered"] == len(after) - len(before)
    assert {name: after[name] for name in before} == before  # untouched, times too
    assert not list(store.rglob("*.partial"))

    once = render(Scene.load(tmp_path / "a.toml"), tmp_path / "once.zarr", executor="local")
    assert_same(Store(store), once)
    assert (pixels(once)[0].max() == 0) == black


def test_an_unfinished_new_store_of_a_killed_run_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".a.zarr.0123456789ab.partial"
    left.mkdir()
    (left / "zarr.json").touch()
    render(Scene.of(canvas={"width": 9, "height": 9}), tmp_path / "a.zarr", executor="local")
    assert not left.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_render_cleanly(
    number: int, tmp_path: Path, tilecppn: Command, process: Start
) -> None:
    (tmp_path / "a.toml").write_text(BIG)
    child = process(*signalled(WRITE, 6, number, "render", "a.toml", "-o", "a.zarr"))
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert out == ""
    assert "run the same command again" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not list((tmp_path / "a.zarr").rglob("*.partial"))
    done = len(shard_files(tmp_path / "a.zarr"))
    record = json.loads(tilecppn("render", "a.toml", "-o", "a.zarr", "--json").stdout)
    assert record["skipped"] == done > 0


# `tilecppn ARGUMENTS …`, whose worker is killed after the first shard, or one of Ray's processes is
# stopped, and the render interrupted.
DISTURBED = """
import os, signal, subprocess, sys, time
from tilecppn.cli import main
from tilecppn.cli.run_meter import RenderMeter
from tilecppn.run.events import TaskDone, WorkerJoined
pids, disturbed, listen = {}, [], RenderMeter.__call__
what, interrupted = sys.argv.pop(1), sys.argv.pop(1) == "interrupted"
def disturb(meter, event):
    listen(meter, event)
    if isinstance(event, WorkerJoined):
        pids[event.worker] = int(event.location.split(":")[1])
    if isinstance(event, TaskDone) and not disturbed:
        disturbed.append(what)
        if what == "worker":
            os.kill(pids[event.worker], signal.SIGKILL)
            time.sleep(3)  # Ray's words about it come in the meantime
        else:
            found = subprocess.check_output(["pgrep", "-P", str(os.getpid()), what])
            os.kill(int(found), signal.SIGSTOP)
            if interrupted:
                os.kill(os.getpid(), signal.SIGINT)
RenderMeter.__call__ = disturb
main()
"""
RAY = ("render", "a.toml", "-o", "a.zarr", "--executor", "ray", "--workers", "2", "--json")


@pytest.mark.slow
def test_stdout_has_nothing_but_the_result_whatever_ray_has_to_say(
    tmp_path: Path, process: Start
) -> None:
    (tmp_path / "a.toml").write_text(BIG)
    child = process(sys.executable, "-c", DISTURBED, "worker", "", *RAY)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    assert json.loads(out)["rendered"] == len(shard_files(tmp_path / "a.zarr"))
    assert "(raylet)" in err


@pytest.mark.slow
@pytest.mark.parametrize("interrupted", ["interrupted", ""])
@pytest.mark.parametrize("what", ["raylet", "gcs_server"])
def test_a_render_ends_though_its_ray_answers_no_more(
    what: str,
    interrupted: str,
    tmp_path: Path,
    process: Start,
) -> None:
    (tmp_path / "a.toml").write_text(BIG)
    child = process(sys.executable, "-c", DISTURBED, what, interrupted, *RAY)
    out, err = child.communicate(timeout=60)
    if interrupted:
        assert child.returncode == 130
        assert out == ""
        assert "run the same command again" in err.splitlines()[-1]
    else:
        assert child.returncode == 0
        assert json.loads(out)["rendered"] == len(shard_files(tmp_path / "a.zarr"))


def test_the_second_of_two_processes_is_refused_until_the_first_is_dead(
    tmp_path: Path, tilecppn: Command, process: Start
) -> None:
    (tmp_path / "a.toml").write_text(BIG)
    # Interrupted, it is alive for as long as that takes.
    child = process(*signalled(WRITE, 4, signal.SIGSTOP, "render", "a.toml", "-o", "a.zarr"))
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    for extra in ([], ["--overwrite"]):
        second = tilecppn("render", "a.toml", "-o", "a.zarr", *extra)
        assert second.returncode == 2
        assert f"pid {child.pid}" in second.stderr
    assert child.poll() is None
    child.kill()
    child.wait()
    assert tilecppn("render", "a.toml", "-o", "a.zarr").returncode == 0
