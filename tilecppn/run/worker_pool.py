"""Which workers there are, which shards each has, and which places are empty."""

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


class WorkerPool:
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

    def postpone(self, seconds: float) -> None:
        """Nothing ran for so long: all that runs began so much later."""
        for worker in self._workers.values():
            for shard in worker.running:
                worker.running[shard] += seconds

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


class RestartBackoff:
    """Places of workers that could not start.

    They are tried again together, after a pause in seconds that doubles each time.
    """

    def __init__(self, first: float, longest: float) -> None:
        self.first = first
        self.longest = longest
        self._backoff = first
        self._due = 0.0
        self._numbers: list[int] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, now: float) -> float:
        """Returns in how many seconds the place is tried again."""
        if not self._numbers:
            self._due = now + self._backoff
            self._backoff = min(2 * self._backoff, self.longest)
        self._numbers.append(number)
        return max(0.0, self._due - now)

    def due(self, now: float) -> list[int]:
        """The places to be tried now; they are vacant no more."""
        return self._take() if now >= self._due else []

    def clear(self) -> list[int]:
        """All places, to be tried at once; the next pause is the first again."""
        self._backoff = self.first
        return self._take()

    def _take(self) -> list[int]:
        numbers, self._numbers = self._numbers, []
        return numbers
