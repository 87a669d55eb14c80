"""Which workers there are, and which shards each has."""

from collections import deque
from collections.abc import Callable, Set
from dataclasses import dataclass, field

from tilecppn.plan import Shard


@dataclass
class Worker:
    """A worker begins its shards in the order they came, some at once."""

    running: dict[Shard, float] = field(default_factory=dict)  # and when each began
    queued: deque[Shard] = field(default_factory=deque)  # behind them
    alone: bool = False  # with one shard, and gets no other beside it

    @property
    def flight(self) -> int:
        return len(self.running) + len(self.queued)


class Roster:
    """All workers, and those with room by how many shards they have: 0 to `depth` - 1.

    So a shard costs the same with 10,000 workers as with two. A worker has up to `depth` shards,
    of which it runs up to `threads` at once.
    """

    def __init__(self, threads: int, depth: int) -> None:
        self.threads = threads
        self.flying = 0  # shards in flight
        self._workers: dict[int, Worker] = {}
        self._room: list[dict[int, None]] = [{} for _ in range(depth)]

    def __len__(self) -> int:
        return len(self._workers)

    def join(self, number: int) -> None:
        self._workers[number] = Worker()
        self._room[0][number] = None

    def leave(self, number: int) -> Worker | None:
        """Strike a worker off; None if it is not on the roster."""
        worker = self._workers.pop(number, None)
        if worker is not None:
            self._take_from_room(number, worker)
            self.flying -= worker.flight
        return worker

    def has_room(self) -> bool:
        return any(self._room)

    def fit(self, avoided: Set[int], alone: bool) -> int | None:
        """The least busy worker with room, one without any shard if it is to be `alone`.

        Not one of those to be avoided, unless all are.
        """
        if all(number in avoided for number in self._workers):
            avoided = set()
        rooms = self._room[:1] if alone else self._room
        return next((n for room in rooms for n in room if n not in avoided), None)

    def give(self, number: int, shard: Shard, now: float, alone: bool) -> None:
        worker = self._workers[number]
        self._take_from_room(number, worker)
        worker.alone = alone
        worker.queued.append(shard)
        self._begin(worker, now)
        self.flying += 1
        self._put_into_room(number, worker)

    def take(self, number: int, shard: Shard, now: float) -> bool:
        """Take back a shard that is answered; False if the worker is not known to have it."""
        worker = self._workers.get(number)
        if worker is None or not (shard in worker.running or shard in worker.queued):
            return False
        self._take_from_room(number, worker)
        worker.alone = False
        if worker.running.pop(shard, None) is None:
            worker.queued.remove(shard)
        self._begin(worker, now)
        self.flying -= 1
        self._put_into_room(number, worker)
        return True

    def late(self, now: float, limit: Callable[[Shard], float]) -> list[tuple[int, list[Shard]]]:
        """Workers that have been at a shard for longer than its limit in seconds, and all such."""
        found = []
        for number, worker in self._workers.items():
            shards = [s for s, began in worker.running.items() if now - began > limit(s)]
            if shards:
                found.append((number, shards))
        return found

    def _begin(self, worker: Worker, now: float) -> None:
        while worker.queued and len(worker.running) < self.threads:
            worker.running[worker.queued.popleft()] = now

    def _put_into_room(self, number: int, worker: Worker) -> None:
        if self._has_room(worker):
            self._room[worker.flight][number] = None

    def _take_from_room(self, number: int, worker: Worker) -> None:
        if self._has_room(worker):
            del self._room[worker.flight][number]

    def _has_room(self, worker: Worker) -> bool:
        return not worker.alone and worker.flight < len(self._room)
