"""The coordinator with 10,000 workers: a slice of the benchmark's plan of 10¹² pixels."""

import tracemalloc

import pytest

from benchmarks.coordination import WORKERS, BitStore, Simulated, coordinate
from tilecppn.errors import Interrupted
from tilecppn.plan import Plan
from tilecppn.run.coordinator import Coordinator


def plan_of(side: int) -> Plan:
    return Plan(side, side, channels=3, itemsize=1, tile=512, shard=4096)


def test_a_whole_plan_is_done_by_ten_thousand_workers() -> None:
    plan = plan_of(400_000)
    outcome = coordinate(plan)
    assert outcome.rendered == plan.shards > WORKERS
    assert outcome.pixels > 0
    assert not outcome.failed


def test_workers_that_come_and_go_cost_no_shard() -> None:
    """A third of them is lost and replaced in the time of six shards."""
    plan = plan_of(400_000)
    outcome = coordinate(plan, churn=18)
    assert outcome.rendered == plan.shards
    assert outcome.workers_lost > plan.shards / 20
    assert not outcome.failed


def test_each_worker_gets_its_first_shard_before_any_gets_a_second() -> None:
    plan = plan_of(1_000_000)
    executor = Simulated(BitStore(plan))
    coordinator = Coordinator(executor, stopping=lambda: len(executor.flight) >= 2 * WORKERS)
    coordinator.start()
    with pytest.raises(Interrupted):
        coordinator.run(plan, executor.store)
    order = [worker for worker, _ in executor.flight]
    assert sorted(order[:WORKERS]) == sorted(order[WORKERS:]) == list(range(WORKERS))


def test_memory_does_not_grow_with_the_plan() -> None:
    """Beside the store, whose bits are the simulation's own."""

    def peak(side: int) -> int:
        plan = plan_of(side)
        store = BitStore(plan)
        executor = Simulated(store, workers=50)
        tracemalloc.start()
        coordinator = Coordinator(executor)
        coordinator.start()
        coordinator.run(plan, store)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = (120_000, 480_000)
    more = plan_of(many).shards - plan_of(few).shards
    assert peak(many) - peak(few) < 16 * more  # bytes a shard; a reference in a list is half
