"""Workers that are killed, stopped or hang, with real processes."""

import contextlib
import math
import os
import signal
from pathlib import Path
from random import Random

import pytest

from tests.run.conftest import New
from tests.run.jobs import Faulty, dies, hangs, is_killed_with_three
from tests.run.renders import ONE, assert_same, empty_store, job_for, run_job
from tilecppn.plan import Shard
from tilecppn.run.events import (
    AttemptFailed,
    Event,
    TaskDone,
    TaskHedged,
    WorkerJoined,
    WorkerLost,
    WorkerRetired,
)
from tilecppn.run.jobs import Job
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render_to
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

UNHEDGED = RetryPolicy(deadline=4.0, hedge_factor=math.inf)


class Signalling:
    """A listener that sends a signal to the process that has done the n-th task, for each n of
    `points`; if that one is dead already, to the next. worker: the only one that may get it.
    """

    def __init__(self, number: int, points: set[int], worker: int | None = None) -> None:
        self.number, self.due, self.worker = number, sorted(points), worker
        self.pids: dict[int, int] = {}
        self.done = 0
        self.sent: list[int] = []  # pids

    def __call__(self, event: Event) -> None:
        if isinstance(event, WorkerJoined):
            self.pids[event.worker] = int(event.location.split(":")[1])
        if isinstance(event, TaskDone) and self.worker in (None, event.worker):
            if self.due and self.done >= self.due[0]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pids[event.worker], self.number)
                    self.sent.append(self.pids[event.worker])
                    del self.due[0]
            self.done += 1


def kill_actors(
    scene: Scene, undisturbed: Store, path: Path, points: set[int], threads: int = 1
) -> int:
    from tilecppn.run.executors.ray import RayExecutor

    store = empty_store(path, scene)
    listen = Signalling(signal.SIGKILL, points)
    executor = RayExecutor(job_for(scene, path), 2, threads=threads)
    outcome, events = run_job(executor, store, RetryPolicy(), listen)
    assert not outcome.failed
    assert outcome.rendered == store.plan.shards
    assert len([e for e in events if isinstance(e, WorkerLost)]) >= len(set(listen.sent)) > 0
    assert_same(store, undisturbed)
    return len(listen.sent)


@pytest.mark.parametrize("threads", [ONE, 3])
def test_killed_actors_cost_nothing(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path, threads: int
) -> None:
    assert kill_actors(scene, undisturbed, tmp_path / "a.zarr", {5, 60}, threads) == 2


def test_an_actor_killed_at_three_shards_costs_nothing_and_nobody_is_blamed(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path
) -> None:
    from tilecppn.run.executors.ray import RayExecutor

    store = empty_store(tmp_path / "a.zarr", scene)
    mark = tmp_path / "mark"
    three = tuple(store.plan.order())[:3]
    job: Job = Faulty(job_for(scene, store.path), is_killed_with_three, three, str(mark))
    outcome, events = run_job(RayExecutor(job, 1, threads=3), store, RetryPolicy())
    assert mark.exists()
    assert len([e for e in events if isinstance(e, WorkerLost)]) == 1
    assert not [e for e in events if isinstance(e, AttemptFailed)]
    assert outcome.rendered == store.plan.shards
    assert_same(store, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_actors_killed_at_twenty_points_cost_nothing(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path, threads: int
) -> None:
    random, killed = Random(threads), 0
    for i in range(10):
        points = set(random.sample(range(undisturbed.plan.shards - 20), 2))
        killed += kill_actors(scene, undisturbed, tmp_path / f"{i}.zarr", points, threads)
    assert killed >= 20


@pytest.mark.parametrize("threads", [ONE, 3])
def test_a_poison_shard_is_named_and_the_others_are_done(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path, threads: int
) -> None:
    from tilecppn.run.executors.ray import RayExecutor

    store = empty_store(tmp_path / "a.zarr", scene)
    poison = Shard(0, 3, 4)
    job: Job = Faulty(job_for(scene, store.path), dies, (poison,), str(tmp_path / "mark"))
    outcome, events = run_job(RayExecutor(job, 2, threads=threads), store, RetryPolicy(attempts=2))
    blamed = {e.task for e in events if isinstance(e, AttemptFailed)}
    assert poison in blamed
    # With one thread the answer of the shard before can be lost with the process.
    assert blamed == {poison} or threads == 1
    above = set(store.plan.ancestors(poison))
    assert set(outcome.failed) == {poison}
    assert {s for s in store.plan.order() if not store.has(s)} == {poison, *above}
    assert outcome.unbuilt == len(above)
    resumed, outcome = render_to(scene, store.path, RunOptions("local"))
    assert outcome.rendered == 1 + len(above)
    assert_same(resumed, undisturbed)


def test_a_hung_worker_is_replaced_after_the_deadline(
    new: New, scene: Scene, undisturbed: Store, tmp_path: Path
) -> None:
    store = empty_store(tmp_path / "a.zarr", scene)
    hung = Shard(0, 2, 2)
    job: Job = Faulty(job_for(scene, store.path), hangs, (hung,), str(tmp_path / "mark"))
    outcome, events = run_job(new(job, 2), store, UNHEDGED)
    assert not outcome.failed
    assert any(isinstance(e, WorkerLost) and "longer than 4 s" in e.reason for e in events)
    assert hung in {e.task for e in events if isinstance(e, AttemptFailed)}
    assert_same(store, undisturbed)


def test_the_shard_of_a_hung_actor_is_drawn_by_another(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path
) -> None:
    """Long before the deadline; the actor is not replaced."""
    from tilecppn.run.executors.ray import RayExecutor

    store = empty_store(tmp_path / "a.zarr", scene)
    hung = Shard(0, 2, 2)
    job: Job = Faulty(job_for(scene, store.path), hangs, (hung,), str(tmp_path / "mark"))
    outcome, events = run_job(RayExecutor(job, 2), store, RetryPolicy())
    assert hung in {e.task for e in events if isinstance(e, TaskHedged)}
    assert not [e for e in events if isinstance(e, WorkerLost | AttemptFailed)]
    assert outcome.rendered == store.plan.shards
    assert_same(store, undisturbed)


def test_a_stopped_actor_is_replaced(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path
) -> None:
    listen = Signalling(signal.SIGSTOP, {0})
    run = RunOptions("ray", workers=2, listeners=[listen], policy=UNHEDGED)
    store, outcome = render_to(scene, tmp_path / "a.zarr", run)
    assert listen.sent
    assert not outcome.failed
    assert_same(store, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_an_actor_with_a_sigterm_finishes_its_shards_and_gets_no_more(
    ray_here: None, scene: Scene, undisturbed: Store, tmp_path: Path, threads: int
) -> None:
    """Nobody is blamed, and the others draw the rest."""
    from tilecppn.run.executors.ray import RayExecutor

    listen = Signalling(signal.SIGTERM, {0}, worker=0)
    store = empty_store(tmp_path / "a.zarr", scene)
    executor = RayExecutor(job_for(scene, store.path), 2, threads=threads)
    outcome, events = run_job(executor, store, RetryPolicy(), listen)
    assert listen.sent
    (told,) = (k for k, e in enumerate(events) if isinstance(e, WorkerRetired))
    late = [e for e in events[told:] if isinstance(e, TaskDone) and e.worker == 0]
    assert len(late) <= executor.depth
    assert not [e for e in events if isinstance(e, WorkerLost | AttemptFailed)]
    assert outcome.rendered == store.plan.shards
    assert_same(store, undisturbed)
