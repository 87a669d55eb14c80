"""New stores: whole or not at all, in the place of nothing else."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.storage.helpers import held
from tests.stores import ARITHMETIC, plain_scene, tree
from tilecppn import filesystem
from tilecppn.errors import StoreError
from tilecppn.storage import locks
from tilecppn.storage.base_store import is_store
from tilecppn.storage.disk_storage import sweep_beside
from tilecppn.storage.names import lock_file
from tilecppn.storage.store import Store

# Making


def test_making_replaces_a_store_of_ours_only_when_asked(store: Store) -> None:
    scene = plain_scene(10, 10, tile=64, shard=64)
    before = tree(store.path.parent)
    with (
        pytest.raises(StoreError, match=r"a\.zarr"),
        Store.create(store.path, scene, ARITHMETIC),
    ):
        raise AssertionError
    assert tree(store.path.parent) == before
    with store.lock(), Store.create(store.path, scene, ARITHMETIC, overwrite=True) as new:
        assert new.scene == scene
        assert not any(new.has(shard) for shard in new.plan.order())
    assert [path.name for path in store.path.parent.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["store", "folder", "file"])
def test_making_replaces_nothing_that_came_meanwhile(
    kind: str, overwrite: bool, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a store of ours: nobody holds its lock for us."""
    path, scene = tmp_path / "b.zarr", plain_scene(10, 10, tile=64, shard=64)
    settle = filesystem.fsync_tree

    def late(folder: Path) -> None:
        settle(folder)
        if kind == "store":
            shutil.copytree(store.path, path)
        elif kind == "folder":
            (path / "photos").mkdir(parents=True)
        else:
            path.write_text("mine")

    monkeypatch.setattr("tilecppn.filesystem.fsync_tree", late)
    making = Store.create(path, scene, ARITHMETIC, overwrite=overwrite)
    with pytest.raises(StoreError, match=r"b\.zarr: "), making:
        raise AssertionError
    expected = {"store": tree(store.path), "folder": {"photos": None}, "file": {}}[kind]
    assert tree(path) == expected
    assert path.is_dir() or path.read_text() == "mine"
    assert not filesystem.leftovers(path)


def test_making_below_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.toml").touch()
    scene = plain_scene(10, 10, tile=64, shard=64)
    making = Store.create(tmp_path / "a.toml" / "b.zarr", scene, ARITHMETIC)
    with pytest.raises(StoreError, match=r"a\.toml is a file, not a folder"), making:
        raise AssertionError


def test_a_lock_sweeps_no_store_that_took_its_place(store: Store) -> None:
    """Another process may be writing there."""
    writing = store.path / "0" / ".0.0123456789ab.partial"
    with store.lock():
        store.path.rename(store.path.with_name("away.zarr"))
        shutil.copytree(store.path.with_name("away.zarr"), store.path)
        writing.touch()
    assert writing.exists()


@pytest.mark.parametrize("error", [errno.ESTALE, errno.EIO, errno.EACCES])
def test_a_disk_that_fails_is_not_taken_for_a_store_that_is_gone(
    store: Store, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's shard is tried again, by another."""
    shard = next(iter(store.plan.order()))
    pixels = store.read(shard.level, store.plan.window(shard))
    stat = Path.stat

    def failing(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.suffix == ".json":  # and its copy
            raise OSError(error, os.strerror(error), str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(Path, "stat", failing)
    with pytest.raises(OSError, match=os.strerror(error)):
        store.write(shard, pixels)
    monkeypatch.setattr(Path, "stat", stat)
    read = filesystem.read_bounded
    monkeypatch.setattr(
        filesystem, "read_bounded", lambda path, most: failing(path) and read(path, most)
    )
    with pytest.raises(OSError, match=os.strerror(error)):
        is_store(store.path)


@pytest.mark.parametrize("way", ["removed", "replaced", "moved"])
def test_a_store_writes_nothing_into_what_took_its_place(store: Store, way: str) -> None:
    """The inode's number may be given to the new one, and its shards have the same names."""
    shard = next(iter(store.plan.order()))
    pixels = store.read(shard.level, store.plan.window(shard))
    if way == "moved":
        store.path.rename(store.path.with_name("away.zarr"))
    else:
        shutil.rmtree(store.path)
    if way == "replaced":
        with Store.create(store.path, store.scene.replace(view={"scale": 7.0}), ARITHMETIC):
            pass
    before = tree(store.path.parent)
    with pytest.raises(StoreError, match="was moved, removed or replaced"):
        store.write(shard, pixels)
    with pytest.raises((StoreError, OSError)), store.lock():
        raise AssertionError
    assert tree(store.path.parent) == before


def test_a_store_whose_files_are_numbered_anew_is_still_itself(store: Store) -> None:
    """As network disks may do, or a copy that took its place."""
    shard = next(iter(store.plan.order()))
    pixels = store.read(shard.level, store.plan.window(shard))
    shutil.copytree(store.path, store.path.with_name("b.zarr"))
    shutil.rmtree(store.path)
    store.path.with_name("b.zarr").rename(store.path)
    before = tree(store.path)
    store.delete(shard)
    store.write(shard, pixels)
    assert tree(store.path) == before


def test_a_lock_that_lost_its_name_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its store went between opening the file and taking the lock."""
    path = tmp_path / ".lock"
    take = locks._take

    def late(descriptor: int) -> bool:
        path.unlink()
        path.touch()
        return take(descriptor)

    monkeypatch.setattr("tilecppn.storage.locks._take", late)
    with pytest.raises(StoreError, match="in use"), locks.locked(path, "it"):
        raise AssertionError


def test_making_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut later finds no empty zarr.json."""
    synced: set[Path] = set()
    sync, rename = filesystem.fsync, os.rename

    def syncing(path: Path) -> None:
        sync(path)
        synced.add(path)

    def renaming(source: Path, dest: Path) -> None:
        found = {source, *source.rglob("*")}
        assert len(found) > 4
        assert found <= synced
        rename(source, dest)
        synced.clear()

    monkeypatch.setattr("tilecppn.filesystem.fsync", syncing)
    monkeypatch.setattr(os, "rename", renaming)
    scene = plain_scene(10, 10, tile=64, shard=64)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC):
        assert synced == {tmp_path}


def test_making_fills_an_empty_folder_and_makes_parents(tmp_path: Path) -> None:
    scene = plain_scene(10, 10, tile=64, shard=64)
    (tmp_path / "a.zarr").mkdir()
    for path in (tmp_path / "a.zarr", tmp_path / "new" / "folder" / "b.zarr"):
        with Store.create(path, scene, ARITHMETIC):
            assert Store(path).scene == scene
        assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_a_sweep_removes_killed_predecessors_of_one_path_and_nothing_else(tmp_path: Path) -> None:
    left = tmp_path / ".a.zarr.0123456789ab.partial"
    others = [tmp_path / ".b.zarr.0123456789ab.partial", tmp_path / "a.zarr.partial"]
    for path in (left, *others):
        path.mkdir()
        (path / ".lock").touch()
        (path / "zarr.json").write_text("{}")
    cut_short = tmp_path / ".a.zarr.0123456789ac.partial"  # while it was removed
    cut_short.mkdir()
    (cut_short / "zarr.json").touch()
    sweep_beside(tmp_path / "a.zarr")
    assert not left.exists()
    assert not cut_short.exists()
    assert all((path / "zarr.json").exists() for path in others)


def test_a_sweep_takes_no_name_for_a_pattern(tmp_path: Path) -> None:
    other = tmp_path / ".b.zarr.0123456789ab.partial"
    other.mkdir()
    (other / "zarr.json").touch()
    sweep_beside(tmp_path / "*.zarr", tmp_path / "missing" / "b.zarr")
    assert other.exists()


def test_a_sweep_spares_what_another_process_is_just_making(tmp_path: Path) -> None:
    """Two processes begin at once: neither may delete the store that the other builds."""
    theirs = tmp_path / ".a.zarr.0123456789ab.partial"
    lock_file(theirs).parent.mkdir(parents=True)
    with held(lock_file(theirs)):
        sweep_beside(tmp_path / "a.zarr")
        assert lock_file(theirs).exists()
