"""Shares the work on a shard with idle threads of the process, when few shards are left."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Share(Protocol):
    """A function that splits items into parts, and returns the result for each part, in order."""

    def __call__(self, work: Callable[[Sequence[T]], R], items: Sequence[T], /) -> list[R]:
        """Call `work` with each part."""


def alone(work: Callable[[Sequence[T]], R], items: Sequence[T], /) -> list[R]:
    """Do the work in the calling thread: all items are one part."""
    return [work(items)]


class IdleThreads:
    """Counts the idle threads of a process. The count is not pickled."""

    def __init__(self) -> None:
        self._idle = 0
        self._lock = threading.Lock()

    def join(self) -> None:
        """Add an idle thread."""
        with self._lock:
            self._idle += 1

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Mark the calling thread as busy for the block."""
        with self._lock:
            self._idle -= 1
        try:
            yield
        finally:
            self.join()

    def share(self, work: Callable[[Sequence[T]], R], items: Sequence[T], /) -> list[R]:
        """Share work as `Share` says: one part here, and one in a new thread for each idle one."""
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
