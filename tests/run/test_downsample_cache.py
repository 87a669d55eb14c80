"""Shards kept at half size between a child and its parent."""

import pickle
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import SMALL_NET
from tests.stores import level_pixels
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.plan import Shard, Window
from tilecppn.run.downsample_cache import KEPT, DownsampleCache
from tilecppn.run.render import render
from tilecppn.run.render_job import RenderJob
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def half(value: int) -> np.ndarray:
    return np.full((1, 2, 2), value, np.uint8)


@given(
    kept=st.integers(0, 5),
    threads=st.integers(1, 3),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 7))),
)
def test_the_youngest_are_there_and_each_is_taken_once(
    kept: int, threads: int, steps: list[tuple[bool, int]]
) -> None:
    downsample_cache, model = DownsampleCache(kept), dict[int, int]()
    downsample_cache.share(threads)
    for number, (putting, col) in enumerate(steps):
        shard = Shard(0, 0, col)
        if putting:
            downsample_cache.put(shard, half(number % 256))
            model.pop(col, None)
            model[col] = number % 256
            while len(model) > kept + threads - 1:
                del model[next(iter(model))]
        else:
            found, expected = downsample_cache.take(shard), model.pop(col, None)
            assert (None if found is None else found[0, 0, 0]) == expected


def test_memory_that_was_handed_back_is_used_for_the_same_shape_only() -> None:
    downsample_cache, served = DownsampleCache(4), half(1)
    downsample_cache.release(served)
    assert downsample_cache.empty((1, 2, 3), np.dtype("uint8")) is not served
    assert downsample_cache.empty((1, 2, 2), np.dtype("uint16")) is not served
    assert downsample_cache.empty((1, 2, 2), np.dtype("uint8")) is served
    assert downsample_cache.empty((1, 2, 2), np.dtype("uint8")) is not served


def test_no_more_is_handed_back_than_is_of_use() -> None:
    downsample_cache, served = DownsampleCache(4), [half(number) for number in range(5)]
    for pixels in served:
        downsample_cache.release(pixels)
    again = [downsample_cache.empty((1, 2, 2), np.dtype("uint8")) for _ in served]
    assert sum(any(a is b for b in served) for a in again) == 4


def test_pickled_it_is_empty_and_keeps_as_many() -> None:
    downsample_cache = DownsampleCache(7)
    downsample_cache.put(Shard(0, 0, 0), half(1))
    copy = pickle.loads(pickle.dumps(downsample_cache))
    assert copy.kept == 7
    assert copy.take(Shard(0, 0, 0)) is None
    assert downsample_cache.take(Shard(0, 0, 0)) is not None


def test_threads_share_it_and_nothing_is_taken_twice() -> None:
    downsample_cache, taken = DownsampleCache(KEPT), list[int]()
    barrier = threading.Barrier(4)

    def work(thread: int) -> None:
        barrier.wait()
        for i in range(2000):
            downsample_cache.put(Shard(0, thread, i), half(thread))
            for row in range(4):
                found = downsample_cache.take(Shard(0, row, i))
                if found is not None:
                    assert found[0, 0, 0] == row
                    taken.append(row * 2000 + i)
            assert len(downsample_cache._pixels) <= KEPT

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken))
    assert len(taken) > 2000


SCENE = Scene.of(
    cppn=SMALL_NET, canvas={"width": 700, "height": 501}, output={"tile": 64, "shard": 128}
)


def test_what_is_no_longer_in_memory_is_read_from_the_store(tmp_path: Path) -> None:
    """A runner that keeps nothing, and one that keeps one only, give the same bytes."""
    expected = render(SCENE, tmp_path / "a.zarr", executor="local")
    for kept in (0, 1):
        path = tmp_path / f"{kept}.zarr"
        job = RenderJob(SCENE.to_toml(), SCENE.cppn.to_bytes(), str(path), "auto")
        with Store.create(path, SCENE, LLVMKernel.arithmetic) as store:
            runner = replace(job, downsample_cache=DownsampleCache(kept)).open(threads=1)
            for shard in store.plan.order():
                runner.run(shard, lambda: None)
        for level in store.plan.levels:
            assert np.array_equal(
                level_pixels(store, level.index), level_pixels(expected, level.index)
            )


def test_little_is_read_back_in_the_plans_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of level 0 is in memory when its parents are built; of the rare higher ones, some."""
    levels: list[int] = []
    read = Store.read

    def reading(self: Store, level: int, window: Window, *, partial: bool = False) -> Any:
        levels.append(level)
        return read(self, level, window, partial=partial)

    monkeypatch.setattr(Store, "read", reading)
    render(SCENE, tmp_path / "a.zarr", executor="local", workers=1)
    assert 0 not in levels
