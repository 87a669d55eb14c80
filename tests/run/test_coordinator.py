"""The coordinator over an executor that is a script: any order, faults and losses."""

from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.run.jobs import ARITHMETIC
from tilecppn.errors import Interrupted, NoWorkersError, RenderError
from tilecppn.plan import Plan, Shard, Task
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.events import AttemptFailed, Event, TaskDone, TaskSkipped, WorkerLost
from tilecppn.run.executors import Message, TaskResult, WorkerDied, WorkerReady
from tilecppn.run.jobs import TaskFailed, TaskStats, TaskSucceeded, WorkerInfo
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.visibility import VISIBILITY_TIMEOUT

PLAN = Plan(width=1500, height=900, channels=3, itemsize=1, tile=64, shard=256)
SHARDS = list(PLAN.order())


class Ledger(set[Shard]):
    def has(self, shard: Shard) -> bool:
        return shard in self

    def delete(self, shard: Shard) -> None:
        self.discard(shard)


class Script:
    """An executor without workers: `act(shard)` decides what a run of a shard comes to.

    "done" adds it to the ledger, "fault" and "lost" do not, "zombie" adds it and is then lost,
    "hang" never answers, "late" is done but comes into the ledger some time later, "elsewhere"
    never, and a worker is "unfit". Each poll takes one step of a shard that runs, drawn at random;
    `now` is a clock.
    """

    name = "script"

    def __init__(
        self,
        ledger: Ledger,
        act: Callable[[Shard], str] = lambda shard: "done",
        workers: int = 3,
        threads: int = 1,
        depth: int = 2,
        seed: int = 0,
    ) -> None:
        self.ledger = ledger
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

    def start(self) -> None:
        for _ in range(self.workers):
            self.begin()

    def begin(self) -> None:
        self.starting.append(WorkerReady(self.number, WorkerInfo("f00d", ARITHMETIC, "here")))
        self.number += 1

    def submit(self, worker: int, shard: Any, /) -> None:
        self.flight[worker].append(shard)
        assert len(self.flight[worker]) <= self.depth
        if self.suspects.intersection(self.flight[worker]):
            assert len(self.flight[worker]) == 1, "a suspect was not alone"
        for child in PLAN.children(shard):
            assert child in self.ledger, "a shard was run before its children were done"
        for ancestor in PLAN.ancestors(shard):
            assert ancestor not in self.ledger, "an ancestor is older than what it is made from"

    def poll(self, timeout: float) -> list[Message]:
        self.now += timeout
        for shard in [s for s, when in self.arriving.items() if when <= self.now]:
            del self.arriving[shard]
            self.ledger.add(shard)
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
            self.ledger.add(shard)
        if what in ("lost", "zombie"):
            if len(self.running(worker)) > 1:
                self.suspects.update(self.running(worker))
            del self.flight[worker]
            return [WorkerDied(worker, "gone")]
        self.flight[worker].remove(shard)
        if what == "late":
            self.arriving[shard] = self.now + self.random.uniform(0, 0.9 * VISIBILITY_TIMEOUT)
        result: TaskSucceeded | TaskFailed = TaskFailed(what, what == "disk full", what == "unfit")
        if what in ("done", "late", "elsewhere"):
            result = TaskSucceeded(TaskStats(1.0, 1, 1))
        return [TaskResult(worker, shard, result)]

    def result(self, worker: int, shard: Shard) -> str:
        return self.act(shard)

    def running(self, worker: int) -> list[Shard]:
        return list(self.flight[worker])[: self.threads]

    def replace(self, worker: int) -> None:
        self.hung.difference_update(self.flight.pop(worker, ()))
        self.begin()

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
    )
    script.start()
    assert coordinator.wait_for_first_worker().network == "f00d"
    return coordinator, events


@given(seed=st.integers(0, 2**32), late=st.sets(st.sampled_from(SHARDS)))
@settings(deadline=None, max_examples=30)
def test_a_shard_that_comes_into_sight_late_holds_back_its_parent_alone(
    seed: int, late: set[Shard]
) -> None:
    script = Script(Ledger(), lambda shard: "late" if shard in late else "done", seed=seed)
    coordinator, events = coordinate(script)
    outcome = coordinator.run(PLAN, script.ledger)
    assert script.ledger == set(SHARDS)
    assert outcome.rendered == len(SHARDS) == len([e for e in events if isinstance(e, TaskDone)])


def test_a_receipt_for_a_shard_that_is_nowhere_ends_the_run() -> None:
    """The worker has another disk at that path, or the store was moved."""
    lost = SHARDS[3]
    script = Script(Ledger(), lambda shard: "elsewhere" if shard == lost else "done")
    coordinator, events = coordinate(script)
    with pytest.raises(RenderError, match=f"has stored {lost.name}, but its file is not visible"):
        coordinator.run(PLAN, script.ledger)
    assert lost not in {event.task for event in events if isinstance(event, TaskDone)}
    assert script.now >= VISIBILITY_TIMEOUT


@given(
    have=st.sets(st.sampled_from(SHARDS)),
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 5),
    threads=st.integers(1, 3),
    queued=st.integers(0, 2),
)
@settings(deadline=None, max_examples=60)
def test_a_run_fills_any_ledger_with_what_is_missing_and_its_ancestors(
    have: set[Shard], seed: int, workers: int, threads: int, queued: int
) -> None:
    needed = {s for s in SHARDS if s not in have}
    needed |= {a for s in needed for a in PLAN.ancestors(s)}
    ledger = Ledger(have)
    script = Script(ledger, workers=workers, threads=threads, depth=threads + queued, seed=seed)
    coordinator, events = coordinate(script)
    outcome = coordinator.run(PLAN, ledger, PLAN.order(Random(seed)))
    assert ledger == set(SHARDS)
    assert Counter(shard for _, shard in script.ran) == Counter(needed)
    assert (outcome.rendered, outcome.skipped) == (len(needed), len(SHARDS) - len(needed))
    assert {e.task for e in events if isinstance(e, TaskDone)} == needed
    assert {e.task for e in events if isinstance(e, TaskSkipped)} == set(SHARDS) - needed


@given(seed=st.integers(0, 2**32), threads=st.integers(1, 3), queued=st.integers(0, 2))
@settings(deadline=None, max_examples=60)
def test_faults_and_losses_below_the_limit_cost_nothing(
    seed: int, threads: int, queued: int
) -> None:
    random = Random(seed)
    troubles: Counter[Shard] = Counter()

    def act(shard: Shard) -> str:
        what = random.choice(["done", "done", "fault", "lost", "zombie"])
        if what != "done":
            troubles[shard] += 1
        return what if troubles[shard] <= 2 else "done"

    ledger = Ledger()
    script = Script(ledger, act, threads=threads, depth=threads + queued, seed=seed)
    coordinator, _ = coordinate(script)
    outcome = coordinator.run(PLAN, ledger)
    assert ledger == set(SHARDS)
    assert not outcome.failed
    assert outcome.rendered == len(SHARDS)


@given(
    bad=st.sets(st.sampled_from(SHARDS), min_size=1, max_size=4),
    lost=st.booleans(),
    threads=st.integers(1, 4),
    queued=st.integers(0, 1),
)
@settings(deadline=None, max_examples=100)
def test_poison_is_named_its_ancestors_stay_unbuilt_and_all_others_are_done(
    bad: set[Shard], lost: bool, threads: int, queued: int
) -> None:
    ledger = Ledger()
    script = Script(
        ledger,
        lambda shard: ("lost" if lost else "fault") if shard in bad else "done",
        threads=threads,
        depth=threads + queued,
    )
    coordinator, events = coordinate(script)
    outcome = coordinator.run(PLAN, ledger)
    above = {a for shard in bad for a in PLAN.ancestors(shard)}
    assert set(outcome.failed) == bad - above
    assert ledger == set(SHARDS) - bad - above
    assert outcome.unbuilt == len(above)
    faulted = [e for e in events if isinstance(e, AttemptFailed)]
    assert Counter(e.task for e in faulted) == dict.fromkeys(outcome.failed, 3)
    assert {e.task for e in faulted if e.final} == set(outcome.failed)
    # A loss that several share counts for none of them, and no shard shares two.
    attempts: Counter[Task] = Counter(shard for _, shard in script.ran)
    assert {attempts[shard] for shard in outcome.failed} <= ({3, 4} if lost else {3})


def test_a_failed_shard_goes_to_other_workers() -> None:
    bad = SHARDS[5]
    ledger = Ledger()
    script = Script(ledger, lambda shard: "fault" if shard == bad else "done", workers=3)
    coordinator, _ = coordinate(script)
    coordinator.run(PLAN, ledger)
    assert len({worker for worker, shard in script.ran if shard == bad}) == 3


def test_what_was_queued_behind_a_crash_is_not_blamed() -> None:
    """Two shards in flight: only the one that ran when the worker died has used an attempt."""
    ledger = Ledger()
    script = Script(ledger, lambda s: "lost" if s == SHARDS[0] else "done", workers=1, depth=2)
    coordinator, _ = coordinate(script)
    outcome = coordinator.run(PLAN, ledger)
    assert set(outcome.failed) == {SHARDS[0]}


@pytest.mark.parametrize("threads", [1, 3])
def test_a_hung_worker_is_replaced_after_the_deadline_and_what_hung_is_blamed(
    threads: int,
) -> None:
    hung: list[Shard] = []

    def act(shard: Shard) -> str:
        if shard == SHARDS[4] and not hung:
            hung.append(shard)
            return "hang"
        return "done"

    ledger = Ledger()
    script = Script(ledger, act, threads=threads, depth=threads + 1)
    coordinator, events = coordinate(script, RetryPolicy(deadline=30.0))
    outcome = coordinator.run(PLAN, ledger)
    assert ledger == set(SHARDS)
    assert not outcome.failed
    assert [type(e) for e in events if isinstance(e, WorkerLost)] == [WorkerLost]
    assert [e.task for e in events if isinstance(e, AttemptFailed)] == hung
    assert script.now < 60.0


BIG = Plan(width=2**20, height=2**20, channels=3, itemsize=1, tile=64, shard=256)
FIRST = next(iter(BIG.order()))


class Endless(Script):
    """Workers of three threads that are never idle, on a picture without end."""

    def __init__(self, act: Callable[[Shard], str], workers: int) -> None:
        super().__init__(Ledger(), act, workers, threads=3, depth=3)

    def submit(self, worker: int, shard: Any, /) -> None:
        self.flight[worker].append(shard)

    def go_on(self, count: int) -> list[Event]:
        """The events until so many shards are done."""
        coordinator, events = coordinate(self, RetryPolicy(deadline=10.0))
        coordinator.stopping = lambda: len(self.ledger) > count
        with pytest.raises(Interrupted):
            coordinator.run(BIG, self.ledger)
        return events


@pytest.mark.parametrize(("what", "losses"), [("hang", 3), ("lost", 4)])
def test_what_is_wrong_with_a_shard_shows_while_others_go_on(what: str, losses: int) -> None:
    """What hangs is known by its time; of three that died together, each is tried alone."""
    events = Endless(lambda shard: what if shard == FIRST else "done", workers=1).go_on(500)
    faulted = [(e.task, e.final) for e in events if isinstance(e, AttemptFailed)]
    assert faulted == [(FIRST, False), (FIRST, False), (FIRST, True)]
    assert len([e for e in events if isinstance(e, WorkerLost)]) == losses


def test_a_worker_is_kept_free_for_what_has_to_run_alone() -> None:
    """The worker that was lost is not replaced, and the other one is never idle by itself."""
    died: list[Shard] = []

    def act(shard: Shard) -> str:
        if shard == FIRST and not died:
            died.append(shard)
            return "lost"
        return "done"

    script = Endless(act, workers=2)
    script.replace = lambda worker: None  # type: ignore[method-assign]
    script.go_on(50)
    assert died
    assert FIRST in script.ledger


def test_a_wish_to_stop_ends_the_run_and_keeps_what_is_done() -> None:
    ledger = Ledger()
    script = Script(ledger)
    coordinator, _ = coordinate(script, stopping=lambda: len(ledger) >= 7)
    with pytest.raises(Interrupted):
        coordinator.run(PLAN, ledger)
    assert len(ledger) == 7


def test_a_full_disk_ends_the_run_at_once() -> None:
    ledger = Ledger()
    script = Script(ledger, lambda shard: "disk full" if len(ledger) == 3 else "done")
    coordinator, _ = coordinate(script)
    with pytest.raises(RenderError, match="disk full"):
        coordinator.run(PLAN, ledger)
    assert len(ledger) == 3


def test_workers_that_cannot_start_end_the_run_with_the_reason() -> None:
    class Stillborn(Script):
        def begin(self) -> None:
            self.starting.append(WorkerDied(self.number, "no kernel"))
            self.number += 1

    script = Stillborn(Ledger())
    coordinator = Coordinator(script, clock=lambda: script.now)
    script.start()
    with pytest.raises(NoWorkersError, match="no kernel"):
        coordinator.wait_for_first_worker()


def test_a_run_without_any_worker_ends_after_the_startup_time() -> None:
    class Silent(Script):
        def begin(self) -> None:
            pass

    script = Silent(Ledger())
    coordinator = Coordinator(
        script, policy=RetryPolicy(startup_timeout=50.0), clock=lambda: script.now
    )
    script.start()
    with pytest.raises(NoWorkersError, match="50 s"):
        coordinator.wait_for_first_worker()
    assert 50.0 < script.now < 51.0


@pytest.mark.parametrize("asleep", [5.0, 36_000.0])
def test_a_sleep_of_the_whole_machine_is_no_workers_fault(asleep: float) -> None:
    """Every worker is in the middle of a shard when it comes; what hangs later is found in time."""
    waking = 0.0

    class Sleepy(Script):
        def poll(self, timeout: float) -> list[Message]:
            nonlocal waking
            if not waking and len(self.flight) == 3 and all(map(self.running, self.flight)):
                waking = self.now = self.now + asleep
                return []
            return super().poll(timeout)

    def act(shard: Shard) -> str:
        if shard == SHARDS[-2] and shard not in hung:
            hung.append(shard)
            return "hang"
        return "done"

    hung: list[Shard] = []
    script = Sleepy(Ledger(), act)
    coordinator, events = coordinate(script, RetryPolicy(deadline=4.0))
    coordinator.run(PLAN, script.ledger)
    assert waking
    assert [e.task for e in events if isinstance(e, AttemptFailed)] == hung == [SHARDS[-2]]
    assert script.now - waking < 0.2 * len(SHARDS) + 5.0


def test_a_disk_that_stands_still_is_no_workers_fault() -> None:
    """The ledger is asked between two polls."""
    stalls: list[Shard] = []

    class Slow(Ledger):
        def has(self, shard: Shard) -> bool:
            if len(self) == 10 and not stalls:
                stalls.append(shard)
                script.now += 300.0
            return super().has(shard)

    script = Script(Slow(), workers=4)
    coordinator, events = coordinate(script, RetryPolicy(deadline=60.0))
    coordinator.run(PLAN, script.ledger)
    assert stalls
    assert not [event for event in events if isinstance(event, WorkerLost | AttemptFailed)]


def test_a_sleep_is_no_time_in_which_a_shard_could_come_into_sight() -> None:
    slept: list[float] = []

    class Sleepy(Script):
        def poll(self, timeout: float) -> list[Message]:
            if self.arriving and not slept:
                slept.append(self.now)
                self.now += 3600.0
                self.arriving = dict.fromkeys(self.arriving, self.now + VISIBILITY_TIMEOUT / 2)
                return []
            return super().poll(timeout)

    script = Sleepy(Ledger(), lambda shard: "late" if shard == SHARDS[3] else "done")
    coordinator, _ = coordinate(script)
    coordinator.run(PLAN, script.ledger)
    assert slept
    assert script.ledger == set(SHARDS)


def test_a_worker_that_is_lost_as_soon_as_it_is_ready_is_replaced() -> None:
    class Brief(Script):
        def poll(self, timeout: float) -> list[Message]:
            messages = super().poll(timeout)
            if self.number == self.workers:
                messages += [WorkerDied(message.worker, "gone") for message in messages]
            return messages

    script = Brief(Ledger(), workers=1)
    coordinator, events = coordinate(script)
    coordinator.run(PLAN, script.ledger)
    assert [event.reason for event in events if isinstance(event, WorkerLost)] == ["gone"]
    assert script.ledger == set(SHARDS)


def test_the_state_does_not_grow_with_the_canvas() -> None:
    big = Plan(width=2**31 - 1, height=2**31 - 1, channels=3, itemsize=1, tile=64, shard=256)
    sizes: list[int] = []

    class Endless(Ledger):
        """Remembers little: what is asked again soon."""

    ledger = Endless()
    script = Script(ledger, workers=2)
    script.submit = lambda worker, shard: script.flight[worker].append(shard)  # type: ignore[method-assign]

    def stopping() -> bool:
        sizes.append(len(coordinator._queue))
        return len(ledger) > 3000

    coordinator, _ = coordinate(script, stopping=lambda: False)
    coordinator.stopping = stopping
    with pytest.raises(Interrupted):
        coordinator.run(big, ledger)
    levels = len(big.levels)
    assert max(sizes) <= 4 * levels


def test_the_deadline_follows_the_median_within_its_bounds() -> None:
    policy = RetryPolicy()
    assert policy.deadline_after([]) == policy.first_deadline
    assert policy.deadline_after([0.1, 0.2]) == policy.min_deadline
    assert policy.deadline_after([100.0, 1.0, 20.0]) == 200.0
    assert RetryPolicy(deadline=5.0).deadline_after([100.0]) == 5.0
