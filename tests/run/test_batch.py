"""Many scenes as one run: each store is that of the scene alone, whatever happens to others."""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import SMALL_NET
from tests.run.renders import pixels, shard_files
from tests.signalled import interrupting
from tests.storage.helpers import held
from tilecppn.errors import Interrupted, StoreError
from tilecppn.idle_threads import Share
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.plan import Shard
from tilecppn.run.batch import Batch, BatchItem, ItemResult, render_batch
from tilecppn.run.events import RunStarted, TaskDone
from tilecppn.run.jobs import TaskStats
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.task_queue import RunResult
from tilecppn.scene.scene import Scene
from tilecppn.storage import locks
from tilecppn.storage.names import lock_file
from tilecppn.storage.store import Store

SCENES = [
    Scene.of(
        cppn={**SMALL_NET, "seed": seed},
        canvas={"width": 300, "height": 200 + 50 * seed},
        output={"tile": 64, "shard": 128},
    )
    for seed in range(3)
]
SCENES += [
    Scene.of(cppn={"preset": "ink", "seed": 3}, canvas={"width": 90, "height": 60}),
    Scene.of(cppn={**SMALL_NET, "channels": 1}, canvas={"width": 70}, output={"dtype": "uint16"}),
]


def items(folder: Path) -> list[BatchItem]:
    return [BatchItem(scene, folder / f"{k}.zarr") for k, scene in enumerate(SCENES)]


def run(folder: Path, **options: object) -> tuple[Batch, RunResult]:
    given = {"executor": "local", "workers": 2, **options}
    return render_batch(items(folder), folder, RunOptions(**given))  # type: ignore[arg-type]


def results(batch: Batch) -> list[ItemResult]:
    return [batch.result_of(k) for k in range(len(SCENES))]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[Store]:
    """Each scene's store, rendered by itself."""
    folder = tmp_path_factory.mktemp("alone")
    return [render(s, folder / f"{k}.zarr", executor="local") for k, s in enumerate(SCENES)]


def assert_whole(folder: Path, alone: list[Store]) -> None:
    for item, expected in zip(items(folder), alone, strict=True):
        store = Store(item.path)
        assert store.is_whole()
        assert store.arithmetic == expected.arithmetic
        for ours, theirs in zip(pixels(store), pixels(expected), strict=True):
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("executor", ["local", "ray"])
def test_each_store_is_that_of_the_scene_alone(
    executor: str, alone: list[Store], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if executor == "ray":
        request.getfixturevalue("ray_here")
    batch, result = run(tmp_path, executor=executor, shuffle=3)
    assert_whole(tmp_path, alone)
    assert not any(found.error for found in results(batch))
    assert result.rendered == result.tasks == sum(found.rendered for found in results(batch))
    assert result.pixels == sum(scene.canvas.width * scene.canvas.height for scene in SCENES)
    before = [shard_files(item.path) for item in items(tmp_path)]
    batch, result = run(tmp_path)
    assert (result.rendered, result.skipped) == (0, result.tasks)
    assert [shard_files(item.path) for item in items(tmp_path)] == before


def test_a_stopped_batch_goes_on(alone: list[Store], tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, listeners=[interrupting(TaskDone)])
    for item in items(tmp_path):  # the locks are free again
        if item.path.exists():
            with Store(item.path).lock():
                pass
    run(tmp_path)
    assert_whole(tmp_path, alone)


def test_a_scene_whose_store_is_another_fails_alone(alone: list[Store], tmp_path: Path) -> None:
    other = SCENES[1].replace(cppn={"seed": 77})
    render(other, tmp_path / "1.zarr", executor="local")
    (tmp_path / "3.zarr").mkdir()
    (tmp_path / "3.zarr" / "notes.txt").write_text("mine")
    batch, _ = run(tmp_path)
    wrong = {k: found.error or "" for k, found in enumerate(results(batch)) if found.error}
    assert sorted(wrong) == [1, 3]
    assert "holds another picture" in wrong[1]
    assert (tmp_path / "3.zarr" / "notes.txt").read_text() == "mine"
    (tmp_path / "3.zarr" / "notes.txt").unlink()
    batch, _ = run(tmp_path, overwrite=True)
    assert not any(found.error for found in results(batch))
    assert_whole(tmp_path, alone)


def test_a_store_in_use_fails_alone(tmp_path: Path) -> None:
    store = render(SCENES[0], tmp_path / "0.zarr", executor="local")
    with held(lock_file(store.path)):
        batch, _ = run(tmp_path)
    assert [bool(found.error) for found in results(batch)] == [True, False, False, False, False]


def test_few_stores_are_open_at_once(tmp_path: Path) -> None:
    scene = SCENES[0].replace(canvas={"width": 64, "height": 64})
    many = [BatchItem(scene.replace(cppn={"seed": k}), tmp_path / f"{k}.zarr") for k in range(60)]
    most = 0

    def count(event: object) -> None:
        nonlocal most
        most = max(most, len(list(Path("/proc/self/fd").iterdir())))

    before = len(list(Path("/proc/self/fd").iterdir()))
    render_batch(many, tmp_path, RunOptions("local", workers=2, listeners=[count]))
    assert most < before + 40


def test_a_scene_costs_few_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its store is opened where it is made and where it is drawn, and its kernel made there."""
    opened: Counter[str] = Counter()
    kernels: list[LLVMKernel] = []
    open_store, make = Store.__init__, LLVMKernel.__init__

    def counted_open(store: Store, path: Path) -> None:
        opened[str(path)] += 1
        open_store(store, path)

    def counted_make(kernel: LLVMKernel, *given: Any, **named: Any) -> None:
        kernels.append(kernel)
        make(kernel, *given, **named)

    monkeypatch.setattr(Store, "__init__", counted_open)
    monkeypatch.setattr(LLVMKernel, "__init__", counted_make)
    small = [BatchItem(SCENES[3], tmp_path / f"{k}.zarr") for k in range(8)]  # of one shard
    render_batch(small, tmp_path, RunOptions(executor="local", workers=2))
    assert set(opened.values()) == {2}
    assert len(kernels) == len(small) + 2  # one tells each worker who it is


def test_leftovers_of_killed_runs_are_removed_and_the_folder_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each of many stores would cost more than the one before."""
    left = [tmp_path / f".{name}.zarr.0123456789ab.partial" for name in ("2", "7", "other")]
    for folder in left:
        folder.mkdir()
        (folder / "zarr.json").touch()
    listed: Counter[str] = Counter()
    listdir = os.listdir

    def counted(folder: Any) -> list[str]:
        listed[str(folder)] += 1
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", counted)
    small = [BatchItem(SCENES[3], tmp_path / f"{k}.zarr") for k in range(8)]
    render_batch(small, tmp_path, RunOptions(executor="local", workers=2))
    assert [folder.exists() for folder in left] == [False, False, True]
    assert listed[str(tmp_path)] == 1


def test_a_store_that_is_removed_in_mid_run_fails_alone(
    alone: list[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilecppn.run.visibility.VISIBILITY_TIMEOUT", 0.1)

    def remove(event: object) -> None:
        if isinstance(event, TaskDone) and event.task.name.startswith("1,"):
            shutil.rmtree(tmp_path / "1.zarr", ignore_errors=True)

    policy = RetryPolicy(attempts=2)
    batch, _ = run(tmp_path, listeners=[remove], policy=policy)
    assert [bool(found.error) for found in results(batch)] == [False, True, False, False, False]
    run(tmp_path)
    assert_whole(tmp_path, alone)


def test_a_store_that_is_gone_when_it_is_closed_fails_alone(tmp_path: Path) -> None:
    batch = Batch(items(tmp_path)[:2], tmp_path)
    batch.on_event(RunStarted(batch, "local", 1, 1, LLVMKernel.arithmetic))
    with batch.lock():
        tasks = list(batch.order())
        batch.note_written(tasks[0])
        batch.on_event(TaskDone(tasks[0], 0, TaskStats(0.0, 0, 0)))
        shutil.rmtree(tmp_path / "0.zarr")
    assert "No such file" in (batch.result_of(0).error or "")


def test_a_scene_that_fails_gives_its_lock_back_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Store.write

    def broken(self: Store, shard: Shard, pixels: np.ndarray, share: Share) -> int:
        if self.path.name == "0.zarr":
            raise ValueError("broken")
        return write(self, shard, pixels, share)

    monkeypatch.setattr(Store, "write", broken)
    free = False

    def look(event: object) -> None:
        nonlocal free
        if isinstance(event, TaskDone) and event.task.name.startswith("4,"):
            free = not locks.holds_lock(lock_file(tmp_path / "0.zarr"))

    policy = RetryPolicy(attempts=2)
    batch, _ = run(tmp_path, workers=1, listeners=[look], policy=policy)
    assert "broken" in (results(batch)[0].error or "")
    assert not any(found.error for found in results(batch)[1:])
    assert free


def test_most_workers_decide_on_new_stores_and_a_store_that_is_there_binds_them(
    tmp_path: Path,
) -> None:
    other = LLVMKernel.arithmetic._replace(revision=0)
    batch = Batch(items(tmp_path), tmp_path)
    batch.check_arithmetic(other)  # nobody is bound yet
    with Store.create(tmp_path / "0.zarr", SCENES[0], LLVMKernel.arithmetic):
        pass
    begun = Batch(items(tmp_path), tmp_path)
    begun.check_arithmetic(LLVMKernel.arithmetic)
    with pytest.raises(StoreError, match="another arithmetic"):
        begun.check_arithmetic(other)
    Batch(items(tmp_path), tmp_path, overwrite=True).check_arithmetic(other)
