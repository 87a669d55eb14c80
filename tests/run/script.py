"""An executor that is a script, and the coordinator over it: any order, faults and losses."""

from collections import deque
from collections.abc import Callable, Container
from random import Random
from typing import Any

from tests.run.jobs import ARITHMETIC
from tilecppn.plan import Plan, Shard
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.events import Event
from tilecppn.run.executors.base import Executor, Message, TaskResult, WorkerDied, WorkerReady
from tilecppn.run.jobs import TaskFailed, TaskStats, WorkerInfo
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.visibility import VISIBILITY_TIMEOUT

PLAN = Plan(width=1500, height=900, channels=3, itemsize=1, tile=64, shard=256)
SHARDS = list(PLAN.order())


class MemoryStore(set[Shard]):
    gone: Container[Shard] = ()  # whose store is not there any more

    def has(self, shard: Shard) -> bool:
        return shard in self

    def delete(self, shard: Shard) -> None:
        self.discard(shard)

    def why_gone(self, shard: Shard) -> str | None:
        return "moved" if shard in self.gone else None


class Script(Executor):
    """An executor without workers: `act(shard)` decides what a run of a shard comes to.

    "done" adds it to the store, "fault" and "lost" do not, "zombie" adds it and is then lost,
    "hang" never answers, "late" is done but comes into the store some time later, "elsewhere"
    never, "EIO" is an error of the store, and a worker is "unfit". Each poll takes one step of a
    shard that runs, drawn at random; `now` is a clock.
    """

    name = "script"
    room = 0
    gpus = 0.0
    remote = False  # so that no shard is run twice, and no worker released

    def __init__(
        self,
        store: MemoryStore,
        act: Callable[[Shard], str] = lambda shard: "done",
        workers: int = 3,
        threads: int = 1,
        depth: int = 2,
        seed: int = 0,
    ) -> None:
        self.store = store
        self.act = act
        self.workers = workers
        self.threads = threads
        self.depth = depth
        self.random = Random(seed)
        self.flight: dict[int, deque[Shard]] = {}
        self.hung: set[Shard] = set()
        self.arriving: dict[Shard, float] = {}  # done, but not to be seen yet
        self.suspects: set[Shard] = set()  # that ran together when a worker died
        self.starting: deque[Message] = deque()
        self.number = 0
        self.now = 0.0
        self.ran: list[tuple[int, Shard]] = []

    def start(self, count: int, /) -> list[int]:
        first = self.number
        for _ in range(count):
            self.begin()
        return list(range(first, self.number))

    def begin(self) -> None:
        self.starting.append(WorkerReady(self.number, WorkerInfo("f00d", ARITHMETIC, "here")))
        self.number += 1

    def submit(self, worker: int, shard: Any, /) -> None:
        self.flight[worker].append(shard)
        assert len(self.flight[worker]) <= self.depth
        if self.suspects.intersection(self.flight[worker]):
            assert len(self.flight[worker]) == 1, "a suspect was not alone"
        for child in PLAN.children(shard):
            assert child in self.store, "a shard was run before its children were done"
        for ancestor in PLAN.ancestors(shard):
            assert ancestor not in self.store, "an ancestor is older than what it is made from"

    def poll(self, timeout: float) -> list[Message]:
        self.now += timeout
        for shard in [s for s, when in self.arriving.items() if when <= self.now]:
            del self.arriving[shard]
            self.store.add(shard)
        if self.starting:
            message = self.starting.popleft()
            self.flight.setdefault(message.worker, deque())
            return [message]
        running = [(w, s) for w in self.flight for s in self.running(w) if s not in self.hung]
        if not running:
            return []
        worker, shard = self.random.choice(running)
        what = self.result(worker, shard)
        self.ran.append((worker, shard))
        if what == "hang":
            self.hung.add(shard)
            return []
        if what in ("done", "zombie"):
            self.store.add(shard)
        if what in ("lost", "zombie"):
            if len(self.running(worker)) > 1:
                self.suspects.update(self.running(worker))
            del self.flight[worker]
            return [WorkerDied(worker, "gone")]
        self.flight[worker].remove(shard)
        if what == "late":
            self.arriving[shard] = self.now + self.random.uniform(0, 0.9 * VISIBILITY_TIMEOUT)
        result: TaskStats | TaskFailed = TaskStats(1.0, 1, 1)
        if what not in ("done", "late", "elsewhere"):
            result = TaskFailed(what, what == "disk full", what == "unfit", what == "EIO")
        return [TaskResult(worker, shard, result)]

    def result(self, worker: int, shard: Shard) -> str:
        return self.act(shard)

    def running(self, worker: int) -> list[Shard]:
        return list(self.flight[worker])[: self.threads]

    def release(self, worker: int, /) -> None:
        self.hung.difference_update(self.flight.pop(worker, ()))

    def stop(self) -> None:
        self.flight.clear()


def coordinate(
    script: Script,
    policy: RetryPolicy | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[Coordinator, list[Event]]:
    events: list[Event] = []
    coordinator = Coordinator(
        script,
        policy=policy,
        emit=events.append,
        stopping=stopping,
        clock=lambda: script.now,
        random=Random(script.number),
    )
    assert coordinator.start().network == "f00d"
    return coordinator, events
