"""Work on threads with results in order, and little of it ahead of the reader."""

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
    """Who does the work of an export, who hears of it, and who may end it.

    note: is told in words what was chosen.
    """

    workers: int = 1
    progress: Progress = lambda done, total: None
    stopping: ShouldStop = never
    note: Callable[[str], None] = lambda text: None


class Piece(Protocol):
    """A part of the work."""

    @property
    def pixels(self) -> int:
        """How many pixels it has, for progress."""


P = TypeVar("P", bound=Piece)
T = TypeVar("T")
R = TypeVar("R")

TICK = 0.2  # seconds between looks at the wish to stop


def in_order(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int,
    stopping: Callable[[], bool] = lambda: False,
) -> Generator[R, None, None]:
    """function(item) for each item, in order, at most workers + 1 of them at a time.

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
    """Each piece and function(piece), in order, with progress; raises as `in_order`.

    pixels: of all pieces, where they are an iterator.
    """
    done, total = 0, sum(piece.pixels for piece in pieces) if pixels is None else pixels

    def paired(piece: P) -> tuple[P, R]:
        return piece, function(piece)

    # Closed here: an error's traceback would keep it, and threads go on after its cleanup.
    with closing(in_order(paired, pieces, threads.workers, threads.stopping)) as results:
        for piece, result in results:
            done += piece.pixels
            threads.progress(done, total)
            yield piece, result
