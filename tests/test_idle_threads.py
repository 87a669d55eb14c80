"""Threads that have nothing to do take parts of others' work: all of it is done, once, in order."""

import pickle
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from tilecppn.idle_threads import IdleThreads, alone
from tilecppn.plan import Level
from tilecppn.storage.shard_file import encode_shard

ITEMS = list(range(10))


def of(threads: int) -> IdleThreads:
    found = IdleThreads()
    for _ in range(threads):
        found.join()
    return found


def test_a_thread_that_has_no_idle_ones_beside_it_does_all_itself() -> None:
    for threads in (of(0), pickle.loads(pickle.dumps(of(5)))):
        threads.join()
        with threads.busy():
            parts = threads.share(lambda part: (list(part), threading.get_ident()), ITEMS)
        assert parts[-1][1] == threading.get_ident()
    assert alone(list, ITEMS) == [ITEMS]


@pytest.mark.parametrize(("count", "parts"), [(2, 2), (4, 4), (50, 10)])
def test_each_idle_thread_gets_a_part_at_the_same_time(count: int, parts: int) -> None:
    threads, together = of(count), threading.Barrier(parts, timeout=20)

    def work(part: Sequence[int]) -> list[int]:
        together.wait()
        return [2 * item for item in part]

    with threads.busy():
        done = threads.share(work, ITEMS)
    assert len(done) == parts
    assert [item for part in done for item in part] == [2 * item for item in ITEMS]


def test_threads_that_are_busy_get_nothing() -> None:
    threads = of(3)
    with threads.busy(), threads.busy(), threads.busy():
        assert threads.share(list, ITEMS) == [ITEMS]
    with threads.busy(), threads.busy():
        assert len(threads.share(list, ITEMS)) == 2
    assert threads.share(list, []) == [[]]


@pytest.mark.parametrize("bad", [0, 9])
def test_an_error_in_any_part_is_raised_when_all_parts_have_ended(bad: int) -> None:
    threads, ended = of(2), []

    def work(part: Sequence[int]) -> None:
        ended.append(part[0])
        if bad in part:
            raise OSError("no space")

    with threads.busy(), pytest.raises(OSError, match="no space"):
        threads.share(work, ITEMS)
    assert sorted(ended) == [0, 5]


@pytest.mark.parametrize(("height", "width"), [(256, 256), (200, 129), (1, 1)])
def test_a_shard_has_the_same_bytes_from_any_number_of_threads(height: int, width: int) -> None:
    level = Level(0, width, height, 64, 256)
    pixels = np.random.default_rng(1).integers(0, 5, (3, height, width), np.uint8)
    for count in (2, 3, 20):
        assert encode_shard(pixels, level, of(count).share) == encode_shard(pixels, level)
