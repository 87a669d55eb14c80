"""Stores that fail, are full, come, go and change places in mid-run."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

import pytest

from tests.run.renders import (
    assert_same,
    job_for,
    shard_files,
)
from tilecppn import filesystem
from tilecppn.errors import RenderError, StoreError
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.plan import Shard
from tilecppn.run.events import Event, TaskDone, WorkerJoined
from tilecppn.run.jobs import WorkerUnusable
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render, render_to
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_a_full_disk_is_said_and_the_render_goes_on_later(
    scene: Scene, undisturbed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = filesystem.write_atomic
    writes = [0]

    def full(path: Path, data: bytes, lasting: bool) -> None:
        writes[0] += 1
        if writes[0] > 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        put(path, data, lasting)

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

    def shaky(path: Path, data: bytes, lasting: bool) -> None:
        if path not in failed and len(failed) < 20:
            failed.add(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        put(path, data, lasting)

    monkeypatch.setattr("tilecppn.filesystem.write_atomic", shaky)
    store, outcome = render_to(scene, tmp_path / "a.zarr", RunOptions("local"))
    assert len(failed) == 20
    assert not outcome.failed
    assert_same(store, undisturbed)


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
        with Store.create(path, other, arithmetic) as store:
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
            theirs.enter_context(Store.create(path, other, LLVMKernel.arithmetic))

    with theirs, pytest.raises(StoreError, match=r"another tilecppn \(pid .* has just begun"):
        render_to(scene, path, RunOptions("local", overwrite=True, listeners=[make]))
    assert Store(path).scene == other
    assert not shard_files(path)


def test_what_a_stranger_puts_at_a_free_path_is_called_so(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"

    def put(event: Event) -> None:
        if isinstance(event, WorkerJoined) and not path.exists():
            path.mkdir()
            (path / "notes.txt").write_text("mine")

    with pytest.raises(StoreError, match="another process has put something there"):
        render_to(scene, path, RunOptions("local", listeners=[put]))
    assert [file.name for file in path.iterdir()] == ["notes.txt"]


def test_a_store_that_is_moved_in_mid_run_keeps_what_it_has_and_the_run_says_so(
    scene: Scene, tmp_path: Path
) -> None:
    path, away = tmp_path / "a.zarr", tmp_path / "b.zarr"

    def move(event: Event) -> None:
        if isinstance(event, TaskDone) and not away.exists():
            path.rename(away)

    with pytest.raises(RenderError, match="was moved, removed or replaced") as error:
        render_to(scene, path, RunOptions("local", workers=1, listeners=[move]))
    assert f"kept in {path}" not in str(error.value)  # which is gone
    assert not path.exists()
    kept = len(shard_files(away))
    assert kept
    _, outcome = render_to(scene, away, RunOptions("local"))
    assert outcome.skipped == kept
