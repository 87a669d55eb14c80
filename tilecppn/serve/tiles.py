"""Tiles on demand: a queue of threads that draw, newest request first, and a cache of results.

The newest request is the most likely to be still visible. A request that has waited for PATIENCE
comes first, so that none waits for ever while others keep arriving. Requests that are not urgent,
such as thumbnails, come when no urgent one waits.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from cachetools import LRUCache

from tilecppn.serve.pyramids import EncodedTile, Painter, Tile

CACHE_BYTES: Final = 256 << 20
MOST_WAITING: Final = 512  # most tiles waiting to be drawn
PATIENCE: Final = 0.05  # seconds; two cores draw a dozen smooth tiles in this time
LONGEST: Final = 60.0  # most seconds for drawing one tile


class QueueFullError(Exception):
    """The maximum number of tiles is waiting."""


class AbandonedError(Exception):
    """Nobody waits for the tile any more, or drawing it took too long."""


class TileTask:
    """A tile being waited for. Belongs to the event loop, except for `check`."""

    def __init__(
        self, tile: Tile, future: "asyncio.Future[EncodedTile]", queue: "deque[TileTask]"
    ) -> None:
        self.tile, self.future, self.queue = tile, future, queue
        self.waiting = 1  # number of requests that wait for it
        self.asked, self.deadline = time.monotonic(), float("inf")

    def check(self) -> None:
        """Raise AbandonedError if the tile is no longer needed or has taken too long."""
        if self.waiting == 0 or time.monotonic() > self.deadline:
            raise AbandonedError


class TileQueue:
    """Draws each tile once, however many requests wait for it, and caches the latest in memory.

    All methods belong to the event loop in which `start` is called.
    """

    def __init__(
        self,
        make_painter: Callable[[], Painter],
        threads: int,
        cache_bytes: int = CACHE_BYTES,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._make_painter, self.threads = make_painter, threads
        self._most_waiting = most_waiting
        self._cache: LRUCache[Tile, EncodedTile] = LRUCache(cache_bytes, lambda t: len(t.data))
        self._tasks: dict[Tile, TileTask] = {}
        # newest last; guarded by the condition
        self._urgent: deque[TileTask] = deque()
        self._others: deque[TileTask] = deque()
        self._condition = threading.Condition()
        self._closed = False
        self._running: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads; results are returned to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._running = [
            threading.Thread(target=self._work, name=f"tiles {i}", daemon=True)
            for i in range(self.threads)
        ]
        for thread in self._running:
            thread.start()

    def close(self) -> None:
        """End the threads; unfinished tiles are dropped."""
        with self._condition:
            self._closed = True
            self._urgent.clear()
            self._others.clear()
            for task in self._tasks.values():
                task.waiting = 0
            self._condition.notify_all()
        for thread in self._running:
            thread.join(0.5)  # a daemon thread that is still busy ends with the process

    def cached(self, tile: Tile) -> EncodedTile | None:
        """Return a tile from memory, or None."""
        return self._cache.get(tile)

    def ask(self, tile: Tile, *, urgent: bool = True) -> TileTask:
        """Request a tile; await the task's future, shielded, and always call `leave` afterwards.

        Raises QueueFullError.
        """
        task = self._tasks.get(tile)
        if task is not None:
            task.waiting += 1
            return task
        with self._condition:
            if len(self._urgent) + len(self._others) >= self._most_waiting:
                raise QueueFullError
            queue = self._urgent if urgent else self._others
            task = self._tasks[tile] = TileTask(tile, self._loop.create_future(), queue)
            queue.append(task)
            self._condition.notify()
        return task

    def leave(self, task: TileTask) -> None:
        """Stop waiting for a tile; it is dropped if nobody else waits."""
        task.waiting -= 1
        if task.waiting or task.future.done():
            return
        with self._condition:
            if task in task.queue:
                task.queue.remove(task)
                del self._tasks[task.tile]

    def _finish(self, task: TileTask, result: EncodedTile | Exception) -> None:
        in_time = task.deadline > time.monotonic()
        if isinstance(result, AbandonedError) and task.waiting and in_time and not self._closed:
            with self._condition:  # it was requested again after it was dropped
                task.queue.append(task)
                self._condition.notify()
            return
        self._tasks.pop(task.tile, None)
        if isinstance(result, EncodedTile):
            self._keep(task.tile, result)
            task.future.set_result(result)
        elif task.waiting:
            task.future.set_exception(result)
        else:
            task.future.cancel()

    def _keep(self, tile: Tile, drawn: EncodedTile) -> None:
        if drawn.final and len(drawn.data) <= self._cache.maxsize:
            self._cache[tile] = drawn

    # In the threads

    def _work(self) -> None:
        painter: Painter | None = None
        while (task := self._next()) is not None:
            result: EncodedTile | Exception
            try:
                task.check()
                task.deadline = time.monotonic() + LONGEST
                if painter is None:
                    painter = self._make_painter()
                result = painter.paint(task.tile, task.check)
            except Exception as error:  # goes to those who wait
                result = error
            try:
                self._loop.call_soon_threadsafe(self._finish, task, result)
            except RuntimeError:  # the loop is closed
                return

    def _next(self) -> TileTask | None:
        with self._condition:
            while not (self._urgent or self._others or self._closed):
                self._condition.wait()
            if self._closed:
                return None
            waiting = self._urgent or self._others
            late = time.monotonic() - waiting[0].asked > PATIENCE
            return waiting.popleft() if late else waiting.pop()
