"""Work on threads with results in order, and little of it ahead of the reader."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tilecppn.errors import Stopped

T = TypeVar("T")
R = TypeVar("R")

TICK = 0.2  # seconds between looks at the wish to stop


def in_order(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int,
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[R]:
    """function(item) for each item, in order, at most workers + 1 of them at a time.

    Raises what `function` raises, and Stopped once `stopping()`.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="tilecppn-export")
    flight: deque[Future[R]] = deque()
    rest = iter(items)
    try:
        while True:
            while len(flight) <= workers:
                try:
                    flight.append(pool.submit(function, next(rest)))
                except StopIteration:
                    break
            if not flight:
                return
            while True:
                if stopping():
                    raise Stopped("stopped")
                try:
                    result = flight[0].result(timeout=TICK)
                    break
                except TimeoutError:
                    if flight[0].done():
                        raise
            flight.popleft()
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
