"""Run work on threads and return results in order, with little work ahead of the consumer."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import Interrupted

Progress = Callable[[int, int], None]  # pixels done, pixels in all


@dataclass(frozen=True)
class Threads:
    """The number of worker threads of an export, and its callbacks.

    progress: called with pixels done and in all. stopping: whether to stop. note: called with
    messages about automatic choices.
    """

    workers: int = 1
    progress: Progress = lambda done, total: None
    stopping: ShouldStop = never
    note: Callable[[str], None] = lambda text: None


class Piece(Protocol):
    """A part of the work."""

    @property
    def pixels(self) -> int:
        """The number of its pixels, for progress."""


P = TypeVar("P", bound=Piece)
T = TypeVar("T")
R = TypeVar("R")

TICK = 0.2  # seconds between checks of `stopping`


def in_order(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int,
    stopping: ShouldStop = never,
) -> Generator[R, None, None]:
    """Yield function(item) for each item, in order, at most workers + 1 at a time.

    Raises what `function` raises, and Interrupted once `stopping()`.
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
            done = False
            while not done:
                if stopping():
                    raise Interrupted("stopped")
                done = bool(wait([flight[0]], TICK).done)
            yield flight.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def finished(
    function: Callable[[P], R], pieces: Iterable[P], threads: Threads, pixels: int | None = None
) -> Iterator[tuple[P, R]]:
    """Yield each piece with function(piece), in order, with progress; raises as `in_order`.

    pixels: of all pieces, needed if they are an iterator.
    """
    done, total = 0, sum(piece.pixels for piece in pieces) if pixels is None else pixels

    def paired(piece: P) -> tuple[P, R]:
        return piece, function(piece)

    # Closed here, since an error's traceback would keep the generator and its threads alive.
    with closing(in_order(paired, pieces, threads.workers, threads.stopping)) as results:
        for piece, result in results:
            done += piece.pixels
            threads.progress(done, total)
            yield piece, result
