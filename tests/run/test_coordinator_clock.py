"""Deadlines, files that are visible late, and a machine that stood still."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.run.script import PLAN, SHARDS, MemoryStore, Script, coordinate
from tilecppn.errors import RenderError
from tilecppn.plan import Shard
from tilecppn.run.events import AttemptFailed, TaskDone, WorkerLost
from tilecppn.run.executors.base import Message
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.visibility import VISIBILITY_TIMEOUT


@given(seed=st.integers(0, 2**32), late=st.sets(st.sampled_from(SHARDS)))
@settings(max_examples=30)
def test_a_shard_that_is_visible_late_holds_back_its_parent_alone(
    seed: int, late: set[Shard]
) -> None:
    script = Script(MemoryStore(), lambda shard: "late" if shard in late else "done", seed=seed)
    coordinator, events = coordinate(script)
    outcome = coordinator.run(PLAN, script.store)
    assert script.store == set(SHARDS)
    assert outcome.rendered == len(SHARDS) == len([e for e in events if isinstance(e, TaskDone)])


def test_a_result_whose_file_never_shows_ends_the_run() -> None:
    """The worker has another disk at that path, or the store was moved."""
    lost = SHARDS[3]
    script = Script(MemoryStore(), lambda shard: "elsewhere" if shard == lost else "done")
    coordinator, events = coordinate(script)
    with pytest.raises(RenderError, match=f"has stored {lost.name}, but its file is not visible"):
        coordinator.run(PLAN, script.store)
    assert lost not in {event.task for event in events if isinstance(event, TaskDone)}
    assert script.now >= VISIBILITY_TIMEOUT


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

    store = MemoryStore()
    script = Script(store, act, threads=threads, depth=threads + 1)
    coordinator, events = coordinate(script, RetryPolicy(deadline=30.0))
    outcome = coordinator.run(PLAN, store)
    assert store == set(SHARDS)
    assert not outcome.failed
    assert [type(e) for e in events if isinstance(e, WorkerLost)] == [WorkerLost]
    assert [e.task for e in events if isinstance(e, AttemptFailed)] == hung
    assert script.now < 60.0


def test_deadlines_hold_where_every_step_takes_long() -> None:
    """As on a disk that needs seconds to answer."""
    hung: list[Shard] = []

    class Slow(Script):
        def poll(self, timeout: float) -> list[Message]:
            self.now += 5.0
            return super().poll(timeout)

    def act(shard: Shard) -> str:
        if shard == SHARDS[4] and not hung:
            hung.append(shard)
            return "hang"
        return "done"

    script = Slow(MemoryStore(), act)
    coordinator, events = coordinate(script, RetryPolicy(deadline=120.0))
    assert not coordinator.run(PLAN, script.store).failed
    assert [e.task for e in events if isinstance(e, AttemptFailed)] == hung == [SHARDS[4]]
    assert script.now < 300.0


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
    script = Sleepy(MemoryStore(), act)
    coordinator, events = coordinate(script, RetryPolicy(deadline=4.0))
    coordinator.run(PLAN, script.store)
    assert waking
    assert [e.task for e in events if isinstance(e, AttemptFailed)] == hung == [SHARDS[-2]]
    assert script.now - waking < 0.2 * len(SHARDS) + 5.0


def test_a_disk_that_stands_still_is_no_workers_fault() -> None:
    """The store is asked between two polls."""
    stalls: list[Shard] = []

    class Slow(MemoryStore):
        def has(self, shard: Shard) -> bool:
            if len(self) == 10 and not stalls:
                stalls.append(shard)
                script.now += 300.0
            return super().has(shard)

    script = Script(Slow(), workers=4)
    coordinator, events = coordinate(script, RetryPolicy(deadline=60.0))
    coordinator.run(PLAN, script.store)
    assert stalls
    assert not [event for event in events if isinstance(event, WorkerLost | AttemptFailed)]


def test_a_sleep_is_no_time_in_which_a_shard_could_become_visible() -> None:
    slept: list[float] = []

    class Sleepy(Script):
        def poll(self, timeout: float) -> list[Message]:
            if self.arriving and not slept:
                slept.append(self.now)
                self.now += 3600.0
                self.arriving = dict.fromkeys(self.arriving, self.now + VISIBILITY_TIMEOUT / 2)
                return []
            return super().poll(timeout)

    script = Sleepy(MemoryStore(), lambda shard: "late" if shard == SHARDS[3] else "done")
    coordinator, _ = coordinate(script)
    coordinator.run(PLAN, script.store)
    assert slept
    assert script.store == set(SHARDS)
