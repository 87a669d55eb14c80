"""Clusters that grow and shrink, workers that are slow or about to go, nodes that differ."""

from functools import partial
from typing import Any

import pytest

from tests.run.jobs import ARITHMETIC
from tests.run.script import MemoryStore
from tests.run.simulation import INFO, Cluster, run
from tilecppn.plan import Plan, Shard
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.events import (
    AttemptFailed,
    Event,
    TaskHedged,
    WorkerJoined,
    WorkerLost,
    WorkerRejected,
    WorkerReleased,
    WorkerRetired,
    WorkersWaiting,
)
from tilecppn.run.executors.base import Message, WorkerDied, WorkerLeaving
from tilecppn.run.jobs import WorkerInfo
from tilecppn.run.retry_policy import RetryPolicy

PLAN = Plan(width=2048, height=2048, channels=3, itemsize=1, tile=64, shard=128)  # 256 + … shards
SHARDS = set(PLAN.order())
ODD = WorkerInfo("f00d", ARITHMETIC._replace(device="odd"), "there")


def whole(cluster: Cluster, **options: Any) -> list[Event]:
    """The events of a run that must draw all, with no failed attempt."""
    result, events = run(cluster, PLAN, cluster.store, **options)
    assert not result.failed
    assert cluster.store == SHARDS
    assert not [e for e in events if isinstance(e, AttemptFailed)]
    return events


def count(events: list[Event], kind: type[Event]) -> int:
    return sum(isinstance(event, kind) for event in events)


@pytest.mark.parametrize("workers", [4, 8, 32])
@pytest.mark.parametrize("speed", [0.1, 0.0])
def test_one_slow_or_stopped_worker_costs_less_than_a_third_more(
    workers: int, speed: float
) -> None:
    """Beside a cluster without that worker, and without the deadline's help."""
    without = Cluster(MemoryStore(), workers - 1)
    whole(without)
    cluster = Cluster(MemoryStore(), workers, speed=lambda number: 1.0 if number else speed)
    events = whole(cluster, policy=RetryPolicy(deadline=36000.0))
    assert cluster.now < 1.3 * without.now
    assert count(events, TaskHedged) >= 1
    assert not count(events, WorkerLost)


def test_nothing_is_hedged_while_other_tasks_wait_or_all_are_equally_fast() -> None:
    cluster = Cluster(MemoryStore(), 8)
    events = whole(cluster)
    assert not count(events, TaskHedged)
    assert len(cluster.ran) == len(SHARDS)


def test_a_late_copy_changes_nothing_and_an_early_one_that_dies_blames_nobody() -> None:
    """The slow worker dies while its copy runs elsewhere; the other copy counts."""
    cluster = Cluster(MemoryStore(), 8, speed=lambda number: 1.0 if number else 0.0)
    slow: list[float] = []

    def die() -> Message | None:
        if len(cluster.store) < len(SHARDS) - 8:
            cluster.at(cluster.now + 1.0, die)
            return None
        slow.append(cluster.now)
        return cluster.die(0)

    cluster.at(2.0, die)
    events = whole(cluster, policy=RetryPolicy(deadline=36000.0))
    assert slow
    assert count(events, WorkerLost) == 1


def test_workers_start_on_machines_that_join() -> None:
    alone = Cluster(MemoryStore(), 2)
    whole(alone)
    cluster = Cluster(MemoryStore(), 2, grows=True)
    third = alone.now / 3

    def join() -> None:
        cluster.places = 8

    cluster.at(third, join)
    events = whole(cluster)
    assert count(events, WorkerJoined) == 8
    # A third of the work was done by two, the rest by eight.
    assert cluster.now < 1.2 * (third + (alone.now - third) / 4)


def test_two_then_eight_then_two_workers_draw_all() -> None:
    cluster = Cluster(MemoryStore(), 2, grows=True)

    def join() -> None:
        cluster.places = 8

    def go() -> None:
        cluster.places = 2
        for number in list(cluster.alive)[2:]:
            cluster.at(cluster.now, partial(cluster.die, number))

    cluster.at(50.0, join)
    cluster.at(200.0, go)
    result, events = run(cluster, PLAN, cluster.store)
    assert cluster.store == SHARDS
    assert not result.failed
    assert count(events, WorkerLost) == 6


def test_workers_are_released_when_fewer_tasks_are_left() -> None:
    """So that an autoscaler can take the machines back; those that did not start go first."""
    cluster = Cluster(MemoryStore(), 400, places=40)
    held: list[tuple[int, int]] = []

    def look() -> None:
        held.append((len(SHARDS) - len(cluster.store), len(cluster.alive) + len(cluster.waiting)))
        cluster.at(cluster.now + 1.0, look)

    cluster.at(20.0, look)
    events = whole(cluster)
    assert count(events, WorkerReleased) > 30
    assert all(workers <= 2 * left + 2 * 40 for left, workers in held)
    assert held[-1][1] <= 4
    assert not cluster.waiting


def test_local_threads_are_neither_released_nor_hedged() -> None:
    cluster = Cluster(MemoryStore(), 8, speed=lambda number: 1.0 if number else 0.1)
    cluster.remote = False
    events = whole(cluster)
    assert not count(events, WorkerReleased) + count(events, TaskHedged)


def test_a_worker_whose_node_is_about_to_go_finishes_and_gets_nothing_more() -> None:
    cluster = Cluster(MemoryStore(), 4)
    given: list[Shard] = []
    submit = cluster.submit

    def watched(worker: int, task: Shard) -> None:
        if worker == 0:
            given.append(task)
        submit(worker, task)

    def leave() -> Message:
        cluster.submit = watched  # type: ignore[method-assign]
        return WorkerLeaving(0, "drained")

    cluster.at(15.0, leave)
    cluster.at(16.0, lambda: WorkerLeaving(0, "drained"))  # it is said again and again
    events = whole(cluster)
    assert not given
    assert count(events, WorkerRetired) == 1
    assert not count(events, WorkerLost)
    assert count(events, WorkerJoined) == 5  # another one takes its place


def test_nobody_is_blamed_for_what_ran_on_a_node_that_went_as_announced() -> None:
    cluster = Cluster(MemoryStore(), 4)
    cluster.at(12.0, lambda: WorkerLeaving(0, "drained"))
    cluster.at(13.0, lambda: cluster.die(0))
    events = whole(cluster)
    assert count(events, WorkerLost) == 1


def test_a_task_whose_nodes_are_lost_again_and_again_is_not_given_up_at_once() -> None:
    """Three nodes that vanish under the same task are no sign that it is to blame."""
    cluster = Cluster(MemoryStore(), 1)

    def lose() -> Message | None:
        if not cluster.ran and cluster.now < 100.0:
            cluster.at(cluster.now + 9.0, lose)
            worker = next(iter(cluster.alive))
            if cluster.alive.pop(worker):
                return WorkerDied(worker, "gone", node_lost=True)
            return WorkerDied(worker, "gone")
        return None

    cluster.at(9.0, lose)
    result, events = run(cluster, PLAN, cluster.store)
    assert count(events, AttemptFailed) > RetryPolicy().attempts
    assert not result.failed
    assert cluster.store == SHARDS


def test_a_task_that_a_leaving_worker_gives_back_is_drawn_by_others() -> None:
    cluster = Cluster(MemoryStore(), 4)

    def leave() -> Message:
        return WorkerLeaving(0, "SIGTERM", cluster.alive[0].pop())

    cluster.at(15.0, leave)
    whole(cluster)
    assert len(cluster.ran) == len(SHARDS)


@pytest.mark.parametrize("odd", [0, 1, 2])
def test_the_arithmetic_of_most_workers_binds_a_new_store(odd: int) -> None:
    """Also if the odd one is the first; within a short time."""
    cluster = Cluster(MemoryStore(), 4, info=lambda number: ODD if number == odd else INFO)
    events = whole(cluster, majority=True)
    (rejected,) = [e for e in events if isinstance(e, WorkerRejected)]
    assert rejected.worker == odd
    assert odd not in {worker for worker, _ in cluster.ran}


def test_workers_that_never_come_hold_an_election_up_for_a_short_time_only() -> None:
    cluster = Cluster(MemoryStore(), 200, places=3)
    coordinator = Coordinator(cluster, clock=lambda: cluster.now)
    coordinator.start(majority=True)
    assert cluster.start_seconds + 9.0 < cluster.now < cluster.start_seconds + 12.0


def test_it_is_said_once_if_more_workers_were_asked_for_than_can_start() -> None:
    cluster = Cluster(MemoryStore(), 10, places=4)
    events = whole(cluster)
    assert [e.count for e in events if isinstance(e, WorkersWaiting)] == [6]
    assert not count(whole(Cluster(MemoryStore(), 4)), WorkersWaiting)
