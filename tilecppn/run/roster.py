"""Which workers there are, and which shards each has."""

from collections import deque
from collections.abc import Callable, Set
from dataclasses import dataclass, field

from tilecppn.plan import Shard


@dataclass
class Worker:
    flight: deque[Shard] = field(default_factory=deque)
    since: float = 0.0  # when the first of `flight` began


class Roster:
    """Workers by how many shards they have, up to one less than `depth`.

    So a shard costs the same with 10,000 workers as with two.
    """

    def __init__(self, depth: int) -> None:
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
            self.flying -= len(worker.flight)
        return worker

    def has_room(self) -> bool:
        return any(self._room)

    def fit(self, avoided: Set[int]) -> int | None:
        """The least busy worker with room; not one of those to be avoided, unless all are."""
        if all(number in avoided for number in self._workers):
            avoided = set()
        return next((n for room in self._room for n in room if n not in avoided), None)

    def give(self, number: int, shard: Shard, now: float) -> None:
        worker = self._workers[number]
        self._take_from_room(number, worker)
        if not worker.flight:
            worker.since = now
        worker.flight.append(shard)
        self.flying += 1
        self._put_into_room(number, worker)

    def take(self, number: int, shard: Shard, now: float) -> bool:
        """Take back a shard that is answered; False if the worker is not known to have it."""
        worker = self._workers.get(number)
        if worker is None or shard not in worker.flight:
            return False
        self._take_from_room(number, worker)
        worker.flight.remove(shard)
        worker.since = now
        self.flying -= 1
        self._put_into_room(number, worker)
        return True

    def late(self, now: float, limit: Callable[[Shard], float]) -> list[tuple[int, Shard]]:
        """Workers that have been at a shard for longer than its limit in seconds, and the shard."""
        return [
            (number, worker.flight[0])
            for number, worker in self._workers.items()
            if worker.flight and now - worker.since > limit(worker.flight[0])
        ]

    def _put_into_room(self, number: int, worker: Worker) -> None:
        if len(worker.flight) < len(self._room):
            self._room[len(worker.flight)][number] = None

    def _take_from_room(self, number: int, worker: Worker) -> None:
        if len(worker.flight) < len(self._room):
            del self._room[len(worker.flight)][number]
