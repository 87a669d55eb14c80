"""What is promised when things break, with real processes and real signals."""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from tests.conftest import SMALL_NET
from tests.conftest import Run as Command
from tests.run.conftest import New
from tests.run.jobs import Faulty, dies, hangs, is_killed_with_three
from tests.signalled import interrupting, signalled
from tilecppn import filesystem
from tilecppn.cppn import CPPN
from tilecppn.errors import Interrupted, InvalidRequestError, RenderError, StoreError
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.plan import Shard
from tilecppn.run import render as render_module
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.events import AttemptFailed, Event, TaskDone, WorkerJoined, WorkerLost
from tilecppn.run.executors import Executor
from tilecppn.run.jobs import Job, WorkerUnusable
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render, render_to
from tilecppn.run.render_job import RenderJob
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.task_queue import RunResult
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

KERNEL = "llvm"
ONE = pytest.param(1, marks=pytest.mark.slow)  # thread of an actor: three are the harder case


def shard_files(store: Path) -> dict[str, tuple[int, bytes]]:
    """Each shard's file: when it was written, and its bytes."""
    return {
        str(path.relative_to(store)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(store.glob("*/c/0/*/*"))
        if path.suffix != ".partial"
    }


def pixels(store: Store) -> list[np.ndarray]:
    return [store.read(level.index, level.window) for level in store.plan.levels]


def assert_same(one: Store, other: Store) -> None:
    """Byte-identical arrays on all levels that both have."""
    assert one.is_whole()
    assert other.is_whole()
    for a, b in zip(pixels(one), pixels(other), strict=False):
        assert np.array_equal(a, b)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene.of(
        cppn=SMALL_NET,
        canvas={"width": 1800, "height": 1300},
        view={"scale": 3.0, "rotation": 11.0},
        output={"tile": 64, "shard": 128},
    )


@pytest.fixture(scope="module")
def undisturbed(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("undisturbed") / "a.zarr"
    return render(scene, path, executor="local", workers=1)


# Seams


def test_layout_workers_executor_and_order_change_no_byte(ray_here: None, tmp_path: Path) -> None:
    scene = Scene.of(cppn=SMALL_NET, canvas={"width": 4600, "height": 4200})
    small = scene.replace(output={"tile": 256, "shard": 1024})
    one = render(small, tmp_path / "one.zarr", executor="local", workers=1)
    two = render(scene, tmp_path / "two.zarr", executor="local", workers=2)
    ray, _ = render_to(small, tmp_path / "ray.zarr", RunOptions("ray", workers=2, shuffle=5))
    assert_same(one, two)
    assert_same(one, ray)


# Workers


def killing(points: set[int]) -> tuple[Callable[[Event], None], list[int]]:
    """A listener that SIGKILLs the worker of the n-th finished shard, for each n in `points`."""
    pids: dict[int, int] = {}
    done = [0]
    killed: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, WorkerJoined):
            pids[event.worker] = int(event.location.split(":")[1])
        if isinstance(event, TaskDone):
            if done[0] in points:
                os.kill(pids[event.worker], signal.SIGKILL)
                killed.append(pids[event.worker])
            done[0] += 1

    return listen, killed


def kill_actors(
    scene: Scene, undisturbed: Store, path: Path, points: set[int], threads: int = 1
) -> int:
    from tilecppn.run.executors.ray import RayExecutor

    store = empty_store(path, scene)
    listen, killed = killing(points)
    executor = RayExecutor(job_for(scene, path), 2, threads=threads)
    outcome, events = run_job(executor, store, RetryPolicy(), listen)
    assert not outcome.failed
    assert outcome.rendered == store.plan.shards
    assert len([e for e in events if isinstance(e, WorkerLost)]) >= len(set(killed)) > 0
    assert_same(store, undisturbed)
    return len(killed)


@pytest.mark.parametrize("threads", [ONE, 3])
def test_killed_actors_cost_nothing(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path, threads: int
) -> None:
    assert kill_actors(scene, undisturbed, tmp_path / "a.zarr", {5, 60}, threads) == 2


def test_an_actor_killed_at_three_shards_costs_nothing_and_nobody_is_blamed(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path
) -> None:
    from tilecppn.run.executors.ray import RayExecutor

    store = empty_store(tmp_path / "a.zarr", scene)
    mark = tmp_path / "mark"
    three = tuple(store.plan.order())[:3]
    job: Job = Faulty(job_for(scene, store.path), is_killed_with_three, three, str(mark))
    outcome, events = run_job(RayExecutor(job, 1, threads=3), store, RetryPolicy())
    assert mark.exists()
    assert len([e for e in events if isinstance(e, WorkerLost)]) == 1
    assert not [e for e in events if isinstance(e, AttemptFailed)]
    assert outcome.rendered == store.plan.shards
    assert_same(store, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_actors_killed_at_twenty_points_cost_nothing(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path, threads: int
) -> None:
    random, killed = Random(threads), 0
    for i in range(10):
        points = set(random.sample(range(undisturbed.plan.shards - 20), 2))
        killed += kill_actors(scene, undisturbed, tmp_path / f"{i}.zarr", points, threads)
    assert killed >= 20


def run_job(
    executor: Executor,
    store: Store,
    policy: RetryPolicy,
    listen: Callable[[Event], None] = lambda event: None,
) -> tuple[RunResult, list[Event]]:
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        listen(event)

    coordinator = Coordinator(executor, policy=policy, emit=emit)
    executor.start()
    try:
        with store.lock():
            coordinator.wait_for_first_worker()
            return coordinator.run(store.plan, store), events
    finally:
        executor.stop()


def empty_store(path: Path, scene: Scene) -> Store:
    with Store.making(path, scene, LLVMKernel.arithmetic) as store:
        return store


def job_for(scene: Scene, path: Path) -> RenderJob:
    return RenderJob(scene.to_toml(), scene.cppn.to_bytes(), str(path), KERNEL)


@pytest.mark.parametrize("threads", [ONE, 3])
def test_a_poison_shard_is_named_and_the_others_are_done(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path, threads: int
) -> None:
    from tilecppn.run.executors.ray import RayExecutor

    store = empty_store(tmp_path / "a.zarr", scene)
    poison = Shard(0, 3, 4)
    job: Job = Faulty(job_for(scene, store.path), dies, (poison,), str(tmp_path / "mark"))
    outcome, events = run_job(RayExecutor(job, 2, threads=threads), store, RetryPolicy())
    blamed = {e.task for e in events if isinstance(e, AttemptFailed)}
    assert poison in blamed
    # With one thread the answer of the shard before can be lost with the process.
    assert blamed == {poison} or threads == 1
    above = set(store.plan.ancestors(poison))
    assert set(outcome.failed) == {poison}
    assert {s for s in store.plan.order() if not store.has(s)} == {poison, *above}
    assert outcome.unbuilt == len(above)
    resumed, outcome = render_to(scene, store.path, RunOptions("local"))
    assert outcome.rendered == 1 + len(above)
    assert_same(resumed, undisturbed)


def test_a_hung_worker_does_not_stall_the_render(
    new: New, scene: Scene, undisturbed: Store, tmp_path: Path
) -> None:
    store = empty_store(tmp_path / "a.zarr", scene)
    hung = Shard(0, 2, 2)
    job: Job = Faulty(job_for(scene, store.path), hangs, (hung,), str(tmp_path / "mark"))
    outcome, events = run_job(new(job, 2), store, RetryPolicy(deadline=4.0))
    assert not outcome.failed
    assert any(isinstance(e, WorkerLost) and "longer than 4 s" in e.reason for e in events)
    assert hung in {e.task for e in events if isinstance(e, AttemptFailed)}
    assert_same(store, undisturbed)


def test_a_stopped_actor_is_replaced(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path
) -> None:
    stopped: list[int] = []
    pids: dict[int, int] = {}

    def listen(event: Event) -> None:
        if isinstance(event, WorkerJoined):
            pids[event.worker] = int(event.location.split(":")[1])
        if isinstance(event, TaskDone) and not stopped:
            stopped.append(pids[event.worker])
            os.kill(stopped[0], signal.SIGSTOP)

    run = RunOptions("ray", workers=2, listeners=[listen], policy=RetryPolicy(deadline=4.0))
    store, outcome = render_to(scene, tmp_path / "a.zarr", run)
    assert stopped
    assert not outcome.failed
    assert_same(store, undisturbed)


# The coordinator's own process


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


WRITE = "tilecppn.storage.store.Store.write"
BIG = """
[canvas]
width = 5000
height = 4000
[output]
tile = 128
shard = 512
"""


def black_scene(folder: Path) -> str:
    """A scene that is black everywhere: an output bias that no weight reaches."""
    net = CPPN.from_preset("hardmaru")
    weight, bias = net.layers[-1]
    CPPN(net.structure, [*net.layers[:-1], (weight, np.full_like(bias, -1e6))]).save(
        folder / "black.safetensors"
    )
    return f'{BIG}[cppn]\nweights = "black.safetensors"\n'


@pytest.mark.parametrize("black", [False, True])
def test_a_killed_render_goes_on_where_it_was(
    black: bool, tmp_path: Path, tilecppn: Command, process: Callable[..., "subprocess.Popen[str]"]
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

    third = json.loads(tilecppn("render", "a.toml", "-o", "a.zarr", "--json").stdout)
    assert (third["rendered"], third["skipped"]) == (0, len(after))
    assert shard_files(store) == after

    once = render(Scene.load(tmp_path / "a.toml"), tmp_path / "once.zarr", executor="local")
    assert_same(Store(store), once)
    assert (pixels(once)[0].max() == 0) == black


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_render_cleanly(
    number: int, tmp_path: Path, tilecppn: Command, process: Callable[..., "subprocess.Popen[str]"]
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
    tmp_path: Path, process: Callable[..., "subprocess.Popen[str]"]
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
    process: Callable[..., "subprocess.Popen[str]"],
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
    tmp_path: Path, tilecppn: Command, process: Callable[..., "subprocess.Popen[str]"]
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


# The store


def test_a_full_disk_is_said_and_the_render_goes_on_later(
    scene: Scene, undisturbed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = filesystem.write_atomic
    writes = [0]

    def full(path: Path, data: bytes) -> None:
        writes[0] += 1
        if writes[0] > 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        put(path, data)

    with monkeypatch.context() as patch:
        patch.setattr("tilecppn.filesystem.write_atomic", full)
        with pytest.raises(RenderError, match="No space left"):
            render(scene, tmp_path / "a.zarr", executor="local")
    store, outcome = render_to(scene, tmp_path / "a.zarr", RunOptions("local"))
    assert outcome.skipped == 10
    assert_same(store, undisturbed)


def test_transient_errors_of_the_store_are_tried_again(
    scene: Scene, undisturbed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = filesystem.write_atomic
    failed: set[Path] = set()

    def shaky(path: Path, data: bytes) -> None:
        if path not in failed and len(failed) < 20:
            failed.add(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        put(path, data)

    monkeypatch.setattr("tilecppn.filesystem.write_atomic", shaky)
    store, outcome = render_to(scene, tmp_path / "a.zarr", RunOptions("local"))
    assert len(failed) == 20
    assert not outcome.failed
    assert_same(store, undisturbed)


def test_another_picture_layout_or_arithmetic_on_a_store_is_refused(
    scene: Scene, tmp_path: Path
) -> None:
    path = tmp_path / "a.zarr"
    render(scene, path, executor="local", kernel=KERNEL)
    before = shard_files(path)
    for change, words in [
        ({"cppn": {"seed": 4}}, "cppn.seed: 3 there, 4 here"),
        ({"latent": {"seed": 4}}, "latent.seed: 0 there, 4 here"),
        ({"canvas": {"width": 1801}}, "canvas.width: 1800 there, 1801 here"),
        ({"output": {"tile": 128}}, "output.tile: 64 there, 128 here"),
    ]:
        with pytest.raises(StoreError, match=words):
            render(scene.replace(**change), path, executor="local")
    with pytest.raises(StoreError, match=f"kernel: {KERNEL} there, reference here"):
        render(scene, path, executor="local", kernel="reference")
    assert shard_files(path) == before


def test_overwrite_makes_a_new_store_in_place(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    render(scene, path, executor="local")
    other = scene.replace(canvas={"width": 300, "height": 200}, cppn={"seed": 4})
    store, outcome = render_to(other, path, RunOptions("local", overwrite=True))
    assert outcome.skipped == 0
    assert store.scene == other
    assert_same(store, render(other, tmp_path / "b.zarr", executor="local"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "b.zarr"]


def test_a_missing_shard_is_rendered_again_with_its_ancestors_only(
    scene: Scene, undisturbed: Store, tmp_path: Path
) -> None:
    store = render(scene, tmp_path / "a.zarr", executor="local")
    gone = Shard(0, 1, 1)
    store.delete(gone)
    before = shard_files(store.path)
    again, outcome = render_to(scene, store.path, RunOptions("local"))
    above = set(store.plan.ancestors(gone))
    assert outcome.rendered == 1 + len(above)
    after = shard_files(store.path)
    kept = {n for n in before if after[n][0] == before[n][0]}
    assert len(before) - len(kept) == len(above)
    assert_same(again, undisturbed)


def test_an_unknown_executor_or_kernel_is_refused_before_any_work(
    scene: Scene, tmp_path: Path
) -> None:
    for options in ({"executor": "slurm"}, {"kernel": "fortran"}):
        with pytest.raises(InvalidRequestError):
            render_module.render(scene, tmp_path / "a.zarr", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "a.zarr").exists()


# Stores that come, go and change places in mid-run


def test_a_worker_that_outlives_its_run_leaves_the_next_store_alone(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its shards would fit: only the picture, the layout or the arithmetic is another."""
    monkeypatch.setattr("tilecppn.run.visibility.VISIBILITY_TIMEOUT", 0.0)
    path = tmp_path / "a.zarr"
    others = [
        (scene.replace(view={"scale": 5.0}), LLVMKernel.arithmetic),
        (scene.replace(output={"tile": 128}), LLVMKernel.arithmetic),
        (scene, LLVMKernel.arithmetic._replace(revision=1)),
    ]
    for other, arithmetic in others:
        runner = job_for(scene, path).open(1)
        with Store.making(path, other, arithmetic) as store:
            with pytest.raises(WorkerUnusable, match=r"a\.zarr"):
                runner.run(Shard(0, 0, 0), lambda: None)
            assert not any(store.has(shard) for shard in store.plan.order())
        shutil.rmtree(path)


def test_two_that_overwrite_a_free_path_do_not_mix(scene: Scene, tmp_path: Path) -> None:
    """The other has made its store while our workers start: --overwrite is not for that one."""
    path, other = tmp_path / "a.zarr", scene.replace(view={"scale": 5.0})
    theirs = contextlib.ExitStack()

    def make(event: Event) -> None:
        if isinstance(event, WorkerJoined) and not path.exists():
            theirs.enter_context(Store.making(path, other, LLVMKernel.arithmetic))

    with theirs, pytest.raises(StoreError, match="another process has put something there"):
        render_to(scene, path, RunOptions("local", overwrite=True, listeners=[make]))
    assert Store(path).scene == other
    assert not shard_files(path)


def test_a_store_that_is_moved_in_mid_run_keeps_what_it_has_and_the_run_says_so(
    scene: Scene, tmp_path: Path
) -> None:
    path, away = tmp_path / "a.zarr", tmp_path / "b.zarr"

    def move(event: Event) -> None:
        if isinstance(event, TaskDone) and not away.exists():
            path.rename(away)

    with pytest.raises(RenderError, match="was moved, removed or replaced"):
        render_to(scene, path, RunOptions("local", workers=1, listeners=[move]))
    assert not path.exists()
    kept = len(shard_files(away))
    assert kept
    _, outcome = render_to(scene, away, RunOptions("local"))
    assert outcome.skipped == kept


def test_a_stop_before_anything_is_replaced_says_so(scene: Scene, tmp_path: Path) -> None:
    store = empty_store(tmp_path / "a.zarr", scene)

    with pytest.raises(Interrupted, match="stopped; nothing was begun or replaced"):
        render_to(
            scene.replace(view={"scale": 5.0}),
            store.path,
            RunOptions("local", overwrite=True, listeners=[interrupting(WorkerJoined)]),
        )
    assert Store(store.path).scene == scene


def test_a_call_leaves_the_signals_of_its_process_alone(scene: Scene, tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    meanwhile: list[object] = []

    def listen(event: Event) -> None:
        meanwhile[:] = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    small = scene.replace(canvas={"width": 100, "height": 100})
    render_to(small, tmp_path / "a.zarr", RunOptions("local", listeners=[listen]))
    assert meanwhile == before


def test_what_is_asked_ends_a_run_and_what_is_done_is_kept(scene: Scene, tmp_path: Path) -> None:
    done: list[Event] = []

    def listen(event: Event) -> None:
        if isinstance(event, TaskDone):
            done.append(event)

    run = RunOptions("local", listeners=[listen], stopping=lambda: len(done) >= 3)
    with pytest.raises(Interrupted, match="is kept"):
        render_to(scene, tmp_path / "a.zarr", run)
    _, outcome = render_to(scene, tmp_path / "a.zarr", RunOptions("local"))
    assert outcome.skipped >= 3


@pytest.mark.parametrize(("overwrite", "says"), [(False, "same command"), (True, "without --over")])
def test_what_goes_on_after_a_stop_is_said_truly(
    scene: Scene, tmp_path: Path, overwrite: bool, says: str
) -> None:
    """With --overwrite the same command would delete what is done."""

    with pytest.raises(Interrupted, match=says):
        render_to(
            scene,
            tmp_path / "a.zarr",
            RunOptions("local", overwrite=overwrite, listeners=[interrupting(TaskDone)]),
        )
