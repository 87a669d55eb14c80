"""Work on threads: results in order, errors as they are."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilecppn.errors import Interrupted
from tilecppn.exporters import parallel
from tilecppn.exporters.parallel import Threads, finished, in_order
from tilecppn.plan import Window


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 20))
def test_results_come_in_order_and_few_are_begun_ahead(workers: int, count: int) -> None:
    begun: list[int] = []

    def items() -> Iterator[int]:
        for i in range(count):
            begun.append(i)
            yield i

    results: list[int] = []
    for result in in_order(lambda i: i * i, items(), workers):
        assert len(begun) <= len(results) + workers + 1
        results.append(result)
    assert results == [i * i for i in range(count)]


def test_no_thread_goes_on_after_an_error_of_progress() -> None:
    """Its traceback is still there as what the threads write is removed."""
    begun, ended = threading.Event(), threading.Event()

    def work(piece: Window) -> None:
        if piece.left:
            begun.set()
            time.sleep(0.2)
            ended.set()

    def progress(done: int, total: int) -> None:
        begun.wait()
        raise KeyboardInterrupt

    pieces = [Window(0, left, 1, left + 1) for left in (0, 1)]
    with pytest.raises(KeyboardInterrupt) as caught:
        list(finished(work, pieces, Threads(2, progress)))
    assert ended.is_set()
    assert caught.tb is not None


def test_a_result_that_comes_just_after_a_look_for_it_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It comes when it is asked whether it is done, or else before the second look."""
    end = threading.Event()
    asked = Future.done

    def done(future: Future[None]) -> bool:
        end.set()
        wait([future])
        return asked(future)

    def looks() -> Iterator[bool]:
        yield False
        end.set()
        while True:
            yield False

    monkeypatch.setattr(Future, "done", done)
    monkeypatch.setattr(parallel, "TICK", 0.01)
    looked = looks()
    assert list(in_order(lambda _: end.wait(), [0], 1, lambda: next(looked))) == [True]


def test_a_timeout_of_the_work_itself_is_raised() -> None:
    def late(item: int) -> None:
        raise TimeoutError("a disk that does not answer")

    with pytest.raises(TimeoutError, match="a disk"):
        list(in_order(late, range(3), 2))


def test_a_wish_to_stop_is_seen_while_work_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "TICK", 0.01)
    begun, end = threading.Event(), threading.Event()

    def work(item: int) -> None:
        begun.set()
        end.wait()

    def stopping() -> bool:
        if not begun.is_set():
            return False
        end.set()
        return True

    with pytest.raises(Interrupted):
        list(in_order(work, range(3), 1, stopping))
