"""What becomes of tasks: done, failed, lost with their workers, tried again."""

import errno
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.run.script import PLAN, SHARDS, MemoryStore, Script, coordinate
from tilecppn.errors import Interrupted, RenderError
from tilecppn.plan import Plan, Shard, Task
from tilecppn.run.events import AttemptFailed, Event, TaskDone, TaskSkipped, WorkerLost
from tilecppn.run.retry_policy import RetryPolicy


@given(
    have=st.sets(st.sampled_from(SHARDS)),
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 5),
    threads=st.integers(1, 3),
    queued=st.integers(0, 2),
)
@settings(max_examples=60)
def test_a_run_fills_any_store_with_what_is_missing_and_its_ancestors(
    have: set[Shard], seed: int, workers: int, threads: int, queued: int
) -> None:
    needed = {s for s in SHARDS if s not in have}
    needed |= {a for s in needed for a in PLAN.ancestors(s)}
    store = MemoryStore(have)
    script = Script(store, workers=workers, threads=threads, depth=threads + queued, seed=seed)
    coordinator, events = coordinate(script)
    outcome = coordinator.run(PLAN, store, PLAN.order(Random(seed)))
    assert store == set(SHARDS)
    assert Counter(shard for _, shard in script.ran) == Counter(needed)
    assert (outcome.rendered, outcome.skipped) == (len(needed), len(SHARDS) - len(needed))
    assert {e.task for e in events if isinstance(e, TaskDone)} == needed
    assert {e.task for e in events if isinstance(e, TaskSkipped)} == set(SHARDS) - needed


@given(seed=st.integers(0, 2**32), threads=st.integers(1, 3), queued=st.integers(0, 2))
@settings(max_examples=60)
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

    store = MemoryStore()
    script = Script(store, act, threads=threads, depth=threads + queued, seed=seed)
    coordinator, _ = coordinate(script)
    outcome = coordinator.run(PLAN, store)
    assert store == set(SHARDS)
    assert not outcome.failed
    assert outcome.rendered == len(SHARDS)


@given(
    bad=st.sets(st.sampled_from(SHARDS), min_size=1, max_size=4),
    lost=st.booleans(),
    threads=st.integers(1, 4),
    queued=st.integers(0, 1),
)
@settings(max_examples=100)
def test_poison_is_named_its_ancestors_stay_unbuilt_and_all_others_are_done(
    bad: set[Shard], lost: bool, threads: int, queued: int
) -> None:
    store = MemoryStore()
    script = Script(
        store,
        lambda shard: ("lost" if lost else "fault") if shard in bad else "done",
        threads=threads,
        depth=threads + queued,
    )
    coordinator, events = coordinate(script)
    outcome = coordinator.run(PLAN, store)
    above = {a for shard in bad for a in PLAN.ancestors(shard)}
    assert set(outcome.failed) == bad - above
    assert store == set(SHARDS) - bad - above
    assert outcome.unbuilt == len(above)
    faulted = [e for e in events if isinstance(e, AttemptFailed)]
    assert Counter(e.task for e in faulted) == dict.fromkeys(outcome.failed, 3)
    assert {e.task for e in faulted if e.final} == set(outcome.failed)
    # A loss that several share counts for none of them, and no shard shares two.
    attempts: Counter[Task] = Counter(shard for _, shard in script.ran)
    assert {attempts[shard] for shard in outcome.failed} <= ({3, 4} if lost else {3})


@given(seed=st.integers(0, 2**32), outage=st.sampled_from([(20.0, 0.3), (20.0, 1.0), (120.0, 1.0)]))
@settings(max_examples=45)
def test_an_outage_of_the_store_gives_up_no_shard(seed: int, outage: tuple[float, float]) -> None:
    """For so many seconds a share of the writes fails."""
    random = Random(seed)
    seconds, share = outage

    def act(shard: Shard) -> str:
        return "EIO" if script.now < seconds and random.random() < share else "done"

    script = Script(MemoryStore(), act, seed=seed)
    coordinator, events = coordinate(script)
    outcome = coordinator.run(PLAN, script.store)
    assert not outcome.failed
    assert script.store == set(SHARDS)
    attempts = Counter(shard for _, shard in script.ran)
    assert max(attempts.values()) <= RetryPolicy().store_attempts
    assert all(0 < e.delay <= seconds for e in events if isinstance(e, AttemptFailed))


@pytest.mark.parametrize("seconds", [20.0, 3600.0])
def test_deletions_by_the_coordinator_outlast_a_short_outage(seconds: float) -> None:
    """What has to be drawn again loses its ancestors first."""

    class Shaky(MemoryStore):
        def delete(self, shard: Shard) -> None:
            if script.now < seconds:
                raise OSError(errno.EIO, "Input/output error")
            super().delete(shard)

    script = Script(Shaky(SHARDS[1:]))
    coordinator, _ = coordinate(script)
    if seconds > 1000.0:
        with pytest.raises(RenderError, match="Input/output error"):
            coordinator.run(PLAN, script.store)
    else:
        assert not coordinator.run(PLAN, script.store).failed
        assert script.store == set(SHARDS)


def test_a_store_that_never_recovers_is_given_up_shard_by_shard() -> None:
    bad = SHARDS[0]
    script = Script(MemoryStore(), lambda shard: "EIO" if shard == bad else "done")
    coordinator, events = coordinate(script)
    outcome = coordinator.run(PLAN, script.store)
    assert set(outcome.failed) == {bad}
    failed = [e for e in events if isinstance(e, AttemptFailed)]
    assert len(failed) == RetryPolicy().store_attempts
    assert [e.final for e in failed] == [False] * (len(failed) - 1) + [True]
    assert script.now > 60.0


def test_a_result_counts_workers_and_attempts() -> None:
    acts = iter(["fault", "lost", "done", "fault"])
    script = Script(MemoryStore(), lambda shard: next(acts, "done"), workers=2)
    coordinator, events = coordinate(script)
    result = coordinator.run(PLAN, script.store)
    assert (result.workers_joined, result.workers_lost) == (3, 1)
    failed = [event for event in events if isinstance(event, AttemptFailed)]
    assert result.attempts == len(SHARDS) + len(failed)


def test_a_failed_shard_goes_to_other_workers() -> None:
    bad = SHARDS[5]
    store = MemoryStore()
    script = Script(store, lambda shard: "fault" if shard == bad else "done", workers=3)
    coordinator, _ = coordinate(script)
    coordinator.run(PLAN, store)
    assert len({worker for worker, shard in script.ran if shard == bad}) == 3


def test_what_was_queued_behind_a_crash_is_not_blamed() -> None:
    """Two shards in flight: only the one that ran when the worker died has used an attempt."""
    store = MemoryStore()
    script = Script(store, lambda s: "lost" if s == SHARDS[0] else "done", workers=1, depth=2)
    coordinator, _ = coordinate(script)
    outcome = coordinator.run(PLAN, store)
    assert set(outcome.failed) == {SHARDS[0]}


def test_what_ran_before_a_crash_is_not_given_up_for_it() -> None:
    """Its answer can be lost with the worker, again and again: the last attempt runs alone."""
    poison = SHARDS[4]

    class Behind(Script):
        def result(self, worker: int, shard: Shard) -> str:
            behind = list(self.flight[worker])[1:]
            return "lost" if shard == poison else "zombie" if poison in behind else "done"

    script = Behind(MemoryStore(), workers=1, depth=2)
    coordinator, _ = coordinate(script)
    assert set(coordinator.run(PLAN, script.store).failed) == {poison}


def test_a_shard_whose_store_is_gone_fails_alone() -> None:
    """A worker has stored it, and nobody sees it: others, in stores that are there, go on."""
    lost = SHARDS[0]
    store = MemoryStore()
    store.gone = {lost}
    script = Script(store, lambda shard: "elsewhere" if shard == lost else "done")
    coordinator, _ = coordinate(script)
    outcome = coordinator.run(PLAN, store)
    assert outcome.failed == {lost: "moved"}
    assert outcome.rendered + outcome.unbuilt + 1 == len(SHARDS)


BIG = Plan(width=2**20, height=2**20, channels=3, itemsize=1, tile=64, shard=256)
FIRST = next(iter(BIG.order()))


class Endless(Script):
    """Workers of three threads that are never idle, on a picture without end."""

    def __init__(self, act: Callable[[Shard], str], workers: int) -> None:
        super().__init__(MemoryStore(), act, workers, threads=3, depth=3)

    def submit(self, worker: int, shard: Any, /) -> None:
        self.flight[worker].append(shard)

    def go_on(self, count: int) -> list[Event]:
        """The events until so many shards are done."""
        coordinator, events = coordinate(self, RetryPolicy(deadline=10.0))
        coordinator.stopping = lambda: len(self.store) > count
        with pytest.raises(Interrupted):
            coordinator.run(BIG, self.store)
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

    class Two(Endless):
        def begin(self) -> None:
            if self.number < self.workers:
                super().begin()

    script = Two(act, workers=2)
    script.go_on(50)
    assert died
    assert FIRST in script.store


def test_a_request_to_stop_ends_the_run_and_keeps_what_is_done() -> None:
    store = MemoryStore()
    script = Script(store)
    coordinator, _ = coordinate(script, stopping=lambda: len(store) >= 7)
    with pytest.raises(Interrupted):
        coordinator.run(PLAN, store)
    assert len(store) == 7


def test_a_full_disk_ends_the_run_at_once() -> None:
    store = MemoryStore()
    script = Script(store, lambda shard: "disk full" if len(store) == 3 else "done")
    coordinator, _ = coordinate(script)
    with pytest.raises(RenderError, match="disk full"):
        coordinator.run(PLAN, store)
    assert len(store) == 3
