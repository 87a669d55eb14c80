"""Work on one shard, shared with threads of the process that have none: few are left at the end."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Share(Protocol):
    """Does work on items in parts: what it returns for each part of them, in their order."""

    def __call__(self, work: Callable[[Sequence[T]], R], items: Sequence[T], /) -> list[R]:
        """Call `work` with each part."""
        ...


def alone(work: Callable[[Sequence[T]], R], items: Sequence[T], /) -> list[R]:
    """Share nothing: all items are one part."""
    return [work(items)]


class IdleThreads:
    """How many of a process' threads have nothing to do. None when it is pickled."""

    def __init__(self) -> None:
        self._idle = 0
        self._lock = threading.Lock()

    def join(self) -> None:
        """Add a thread, which has nothing to do yet."""
        with self._lock:
            self._idle += 1

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """For the block, the calling thread is not idle."""
        with self._lock:
            self._idle -= 1
        try:
            yield
        finally:
            self.join()

    def share(self, work: Callable[[Sequence[T]], R], items: Sequence[T], /) -> list[R]:
        """See `Share`: a part for the calling thread, and one in place of each that is idle."""
        count = min(len(items), 1 + max(0, self._idle))
        if count <= 1:
            return alone(work, items)
        from concurrent.futures import ThreadPoolExecutor

        bounds = [len(items) * part // count for part in range(count + 1)]
        parts = [items[start:stop] for start, stop in pairwise(bounds)]
        with ThreadPoolExecutor(count - 1) as pool:
            others = [pool.submit(work, part) for part in parts[1:]]
            return [work(parts[0]), *(other.result() for other in others)]

    def __reduce__(self) -> tuple[type["IdleThreads"], tuple[()]]:
        return IdleThreads, ()
