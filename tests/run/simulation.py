"""A simulated cluster whose time is simulated, too: workers that differ, come, go and stop."""

from collections import deque
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from tests.run.jobs import ARITHMETIC
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.events import Event
from tilecppn.run.executors.base import Executor, Message, TaskResult, WorkerDied, WorkerReady
from tilecppn.run.jobs import TaskStats, WorkerInfo
from tilecppn.run.task_queue import RunResult, TaskStore

INFO = WorkerInfo("f00d", ARITHMETIC, "here")


class Cluster(Executor):
    """An executor on `places` machines of one worker each; what is started beyond waits for one.

    seconds: of each task on a worker of speed 1. speed: of the n-th worker that begins; 0 stops.
    info: what the n-th worker says of itself. at: what happens, by the time when it does.
    """

    name = "simulated"
    remote = True
    threads = 1
    gpus = 0.0

    def __init__(
        self,
        store: Any,
        workers: int,
        *,
        places: int | None = None,
        seconds: float = 10.0,
        speed: Callable[[int], float] = lambda number: 1.0,
        info: Callable[[int], WorkerInfo] = lambda number: INFO,
        grows: bool = False,
        depth: int = 2,
        start_seconds: float = 1.0,
    ) -> None:
        self.store = store
        self.workers = workers
        self.places = workers if places is None else places
        self.seconds = seconds
        self.speed = speed
        self.info = info
        self.grows = grows
        self.depth = depth
        self.start_seconds = start_seconds
        self.now = 0.0
        self.alive: dict[int, deque[Any]] = {}  # workers that have a place, and their tasks
        self.waiting: dict[int, None] = {}
        self.ran: list[tuple[int, Any]] = []
        self._numbers = count()
        self._events: list[tuple[float, int, Callable[[], Message | None]]] = []
        self._order = count()

    @property
    def room(self) -> int:
        known = len(self.alive) + len(self.waiting)
        return max(0, self.places - known) if self.grows else 0

    def start(self, count: int, /) -> list[int]:
        numbers = [next(self._numbers) for _ in range(count)]
        self.waiting.update(dict.fromkeys(numbers))
        self.fill()
        return numbers

    def fill(self) -> None:
        """Begin workers that wait, where there is a place."""
        while self.waiting and len(self.alive) < self.places:
            number = next(iter(self.waiting))
            del self.waiting[number]
            self.alive[number] = deque()
            self.at(self.now + self.start_seconds, partial(self._ready, number))

    def at(self, time: float, happen: Callable[[], Message | None]) -> None:
        """Let something happen at a time; it may have a message."""
        heappush(self._events, (time, next(self._order), happen))

    def submit(self, worker: int, task: Any, /) -> None:
        self.alive[worker].append(task)
        assert len(self.alive[worker]) <= self.depth
        if len(self.alive[worker]) == 1:
            self._begin(worker)

    def poll(self, timeout: float) -> list[Message]:
        end = self.now + timeout
        messages: list[Message] = []
        while self._events and self._events[0][0] <= end and not messages:
            self.now, _, happen = heappop(self._events)
            if (message := happen()) is not None:
                messages.append(message)
        if not messages:
            self.now = end
        return messages

    def release(self, worker: int, /) -> None:
        self.alive.pop(worker, None)
        self.waiting.pop(worker, None)
        self.fill()

    def die(self, worker: int) -> Message | None:
        """A worker and its place are gone; another place may take its role."""
        return WorkerDied(worker, "gone") if self.alive.pop(worker, None) is not None else None

    def stop(self) -> None:
        self.alive.clear()

    def _ready(self, number: int) -> Message | None:
        return WorkerReady(number, self.info(number)) if number in self.alive else None

    def _begin(self, worker: int) -> None:
        speed, task = self.speed(worker), self.alive[worker][0]
        if speed:
            self.at(self.now + self.seconds / speed, lambda: self._end(worker, task))

    def _end(self, worker: int, task: Any) -> Message | None:
        tasks = self.alive.get(worker)
        if not tasks or tasks[0] is not task:
            return None
        tasks.popleft()
        self.ran.append((worker, task))
        self.store.add(task)
        if tasks:
            self._begin(worker)
        stats = TaskStats(self.seconds / self.speed(worker), 1, 1)
        return TaskResult(worker, task, stats)


def run(
    cluster: Cluster, plan: Any, store: TaskStore, *, majority: bool = False, **options: Any
) -> tuple[RunResult, list[Event]]:
    """Run a plan on a simulated cluster."""
    events: list[Event] = []
    coordinator = Coordinator(
        cluster, emit=events.append, clock=lambda: cluster.now, random=Random(0), **options
    )
    coordinator.start(majority=majority)
    return coordinator.run(plan, store), events
