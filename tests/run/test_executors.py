"""The suite that every executor must pass."""

import atexit
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import require_wgpu
from tests.run.conftest import Make
from tests.run.jobs import ARITHMETIC, Toy, Unreadable
from tests.stores import level_pixels
from tilecppn import machine
from tilecppn.errors import InvalidRequestError, RenderError
from tilecppn.plan import Shard
from tilecppn.run.executors import choose, local
from tilecppn.run.executors.base import (
    MOST_THREADS,
    Executor,
    Message,
    TaskResult,
    WorkerDied,
    WorkerReady,
    local_worker_layout,
)
from tilecppn.run.executors.local import LocalExecutor
from tilecppn.run.jobs import TaskFailed, TaskStats
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render, render_to
from tilecppn.scene.scene import Scene

POLLS = 600  # of 0.1 s: the end of patience, not a measure


def hear(executor: Executor, enough: Callable[[list[Message]], bool]) -> list[Message]:
    """Messages until there are enough of them."""
    heard: list[Message] = []
    for _ in range(POLLS):
        heard += executor.poll(0.1)
        if enough(heard):
            return heard
    raise AssertionError(f"only heard {heard}")


def ready(executor: Executor, count: int) -> list[int]:
    """The numbers of the first `count` workers to be ready."""
    messages = hear(executor, lambda heard: len(heard) >= count)
    for message in messages:
        assert isinstance(message, WorkerReady)
        assert message.worker_info[:2] == ("f00d", ARITHMETIC)
    return [message.worker for message in messages]


def test_every_worker_reports_ready_once(make: Make) -> None:
    with make(Toy(), 2) as executor:
        assert len(set(ready(executor, 2))) == 2
        assert executor.workers == 2


def test_every_shard_is_answered_by_the_worker_that_got_it_in_order(make: Make) -> None:
    """One after another where a worker has one thread."""
    with make(Toy(), 2) as executor:
        workers = ready(executor, 2)
        given = [(workers[i % 2], Shard(0, i, 0)) for i in range(6)]
        for worker, shard in given:
            executor.submit(worker, shard)
        answers = [m for m in hear(executor, lambda h: len(h) == 6) if isinstance(m, TaskResult)]
        for worker in workers:
            answered = [a.task for a in answers if a.worker == worker]
            if executor.threads > 1:
                answered.sort(key=str)
            assert answered == [shard for w, shard in given if w == worker]
        for answer in answers:
            assert isinstance(answer.task, Shard)
            assert isinstance(answer.result, TaskStats)
            assert answer.result.pixels == answer.task.row


@pytest.mark.parametrize(
    ("col", "reason", "permanent"),
    [(7, "ValueError: seven", False), (8, "No space left on device", True)],
)
def test_an_exception_comes_back_as_words(
    make: Make, col: int, reason: str, permanent: bool
) -> None:
    with make(Toy(), 1) as executor:
        (worker,) = ready(executor, 1)
        executor.submit(worker, Shard(0, 0, col))
        assert hear(executor, bool) == [
            TaskResult(worker, Shard(0, 0, col), TaskFailed(reason, permanent))
        ]
        executor.submit(worker, Shard(0, 5, 0))  # and the worker lives on
        (answer,) = hear(executor, bool)
        assert isinstance(answer, TaskResult)
        assert isinstance(answer.result, TaskStats)


def test_a_worker_that_cannot_open_its_job_is_lost_and_says_why(make: Make) -> None:
    with make(Toy(opens=False), 1) as executor:
        (message,) = hear(executor, bool)
        assert isinstance(message, WorkerDied)
        assert "cannot open" in message.reason


def test_a_released_worker_is_heard_no_more_and_another_comes(make: Make) -> None:
    with make(Toy(), 1) as executor:
        (first,) = ready(executor, 1)
        executor.submit(first, Shard(0, 0, 10))
        executor.release(first)
        executor.start(1)
        (second,) = ready(executor, 1)
        assert second != first
        executor.submit(second, Shard(0, 4, 0))
        (answer,) = hear(executor, bool)
        assert isinstance(answer, TaskResult)
        assert (answer.worker, answer.task) == (second, Shard(0, 4, 0))


def test_stop_ends_workers_in_the_middle_of_a_shard(make: Make) -> None:
    before = set(threading.enumerate())
    with make(Toy(), 2) as executor:
        for worker in ready(executor, 2):
            executor.submit(worker, Shard(0, 0, 10))
    begun = set(threading.enumerate()) - before
    assert not [thread.name for thread in begun if thread.name.startswith("tilecppn-worker")]


def test_all_threads_that_do_not_end_are_waited_for_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float | None] = []
    now = [0.0]

    def join(thread: threading.Thread, timeout: float | None = None) -> None:
        waited.append(timeout)
        now[0] += timeout or 0.0

    executor = LocalExecutor(Toy(), 4)
    executor.start(4)
    ready(executor, 4)
    threads = list(executor._threads.values())
    with monkeypatch.context() as patch:
        patch.setattr(local._Thread, "join", join)
        patch.setattr(time, "monotonic", lambda: now[0])
        executor.stop()
    assert waited == [local.JOIN, 0.0, 0.0, 0.0]
    for thread in threads:
        thread.join()


def test_a_shutdown_of_ray_that_hangs_is_given_up(
    ray_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its raylet or its GCS is stopped: then no call into Ray comes back."""
    import ray

    from tilecppn.run.executors import ray as module

    hung, released = threading.Event(), threading.Event()
    unregistered: list[object] = []

    def hang(*arguments: object, **options: object) -> None:
        hung.set()
        released.wait()

    executor = module.RayExecutor(Toy(), 1)
    executor.start(1)
    with monkeypatch.context() as patch:
        patch.setattr(ray, "kill", hang)
        patch.setattr(module, "STOP_TIMEOUT", 0.1)
        patch.setattr(module, "stuck", threading.Event())
        patch.setattr(atexit, "unregister", unregistered.append)
        executor.stop()
        assert module.stuck.is_set()
    assert hung.is_set()
    assert unregistered == [ray.shutdown]
    released.set()


def test_ctrl_c_ends_the_wait_for_rays_end_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """All shards are stored by then: the run has an outcome, which is told."""
    from tilecppn.run.executors import ray as module

    released, joined = threading.Event(), threading.Thread.join

    def interrupt(thread: threading.Thread, timeout: float | None = None) -> None:
        if timeout == module.STOP_TIMEOUT:
            raise KeyboardInterrupt
        joined(thread, timeout)

    executor = object.__new__(module.RayExecutor)
    monkeypatch.setattr(executor, "_end", released.wait)
    monkeypatch.setattr(module, "stuck", threading.Event())
    monkeypatch.setattr(threading.Thread, "join", interrupt)
    monkeypatch.setattr(atexit, "unregister", lambda function: None)
    executor.stop()
    assert module.stuck.is_set()  # what ends the process does not wait for Ray
    released.set()


def once_not() -> Callable[[], bool]:
    """A function that says no, and from then on yes."""
    answers = iter([False])
    return lambda: next(answers, True)


@pytest.mark.parametrize("workers", [None, 3])
def test_a_local_ray_has_the_cores_that_this_process_may_use(
    ray_here: None, monkeypatch: pytest.MonkeyPatch, workers: int | None
) -> None:
    """Ray by itself counts those of the whole machine."""
    import ray

    from tilecppn.run.executors.ray import RayExecutor

    asked: list[dict[str, object]] = []
    monkeypatch.setattr(machine, "cores", lambda: 1)
    monkeypatch.setattr(machine, "gpus", lambda: 0)
    monkeypatch.setattr(ray, "is_initialized", once_not())
    monkeypatch.setattr(ray, "init", lambda **options: asked.append(options))
    RayExecutor(Toy(), workers)
    assert asked[0]["num_cpus"] == (workers or 1)


def test_ray_leaves_the_handler_of_sigterm_as_it_was(
    ray_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    from tilecppn.run.executors.ray import RayExecutor

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(ray, "is_initialized", once_not())
    monkeypatch.setattr(
        ray, "init", lambda **options: signal.signal(signal.SIGTERM, lambda *arguments: None)
    )
    RayExecutor(Toy(), 1)
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_actor_that_cannot_be_made_says_why(ray_here: None) -> None:
    from tilecppn.run.executors.ray import RayExecutor

    executor = RayExecutor(Unreadable(), 1)
    executor.start(1)
    try:
        (message,) = hear(executor, bool)
        reason = "ImportError: libcuda.so.1: cannot open shared object file"
        assert message == WorkerDied(0, reason)
    finally:
        executor.stop()


@pytest.mark.parametrize("threads", [1, 3])
def test_an_actor_that_dies_is_lost_with_its_shards(ray_here: None, threads: int) -> None:
    from tilecppn.run.executors.ray import RayExecutor

    executor = RayExecutor(Toy(), 1, threads=threads)
    executor.start(1)
    try:
        (worker,) = ready(executor, 1)
        for row, col in enumerate([9] + [10] * (executor.depth - 1)):
            executor.submit(worker, Shard(0, row, col))
        (message,) = hear(executor, bool)
        assert isinstance(message, WorkerDied)
        assert message.worker == worker
        assert "process has died" in message.reason
        executor.release(worker)
        executor.start(1)
        assert ready(executor, 1) != [worker]
    finally:
        executor.stop()


def test_the_threads_of_an_actor_run_at_once_each_with_its_own_runner(ray_here: None) -> None:
    from tilecppn.run.executors.ray import RayExecutor

    executor = RayExecutor(Toy(), 1, threads=3)
    executor.start(1)
    try:
        (worker,) = ready(executor, 1)
        pairs = set()
        for start in (0, 3):
            for row in range(start, start + 3):
                executor.submit(worker, Shard(0, row, 11))
            for answer in hear(executor, lambda heard: len(heard) == 3):
                assert isinstance(answer, TaskResult)
                assert isinstance(answer.result, TaskStats)
                pairs.add(answer.result[1:3])
        assert len(pairs) == len({thread for thread, _ in pairs}) == 3
        assert len({runner for _, runner in pairs}) == 3
    finally:
        executor.stop()


def test_an_actor_has_the_cpus_that_each_gpu_has_on_every_node() -> None:
    from tilecppn.run.executors.ray_nodes import Nodes, Share

    def share(*nodes: tuple[float, float], gpus: float = 1.0) -> Share:
        resources = [{"CPU": cpus, "GPU": count, "memory": 1e9} for cpus, count in nodes]
        found = [{k: v for k, v in r.items() if v} for r in resources]
        return Nodes(found, frozenset()).share(None, gpus)

    assert share((64, 0)) == (1, 0)  # without GPUs an actor is one thread
    assert share((2, 0), (8, 2)) == (4, 1)
    assert share((32, 4), (7, 2)) == (3, 1)
    assert share((2, 4)) == (1, 1)
    assert share((0, 1), (8, 1)) == (8, 1)  # none is ever placed on the first
    assert share((192, 8)) == (MOST_THREADS, 1)
    assert share((8, 2), gpus=0.5) == (2, 0.5)
    assert share((8, 2), gpus=0.0) == (1, 0)  # the kernel draws on CPUs


def test_a_node_has_room_for_as_many_actors_as_fit_on_its_cpus_and_gpus() -> None:
    from tilecppn.run.executors.ray_nodes import Share

    assert Share(1, 0).fits({"CPU": 7, "GPU": 2}) == 7
    assert Share(4, 1).fits({"CPU": 8, "GPU": 4}) == 2
    assert Share(1, 0.1).fits({"CPU": 64, "GPU": 3}) == 30
    assert Share(1, 1).fits({"CPU": 64}) == Share(1, 0).fits({"memory": 1e9}) == 0


def test_the_workforce_of_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 12)
    for gpus, name, workers, expected in [  # with the default kernel and one GPU a worker
        (0, "local", None, (12, 1, 1)),
        (0, "ray", None, (12, 1, 1)),
        (0, "ray", 3, (3, 1, 1)),
        (2, "local", None, (12, 1, 1)),
        (2, "ray", None, (2, 6, 2)),
        (2, "ray", 1, (1, 6, 1)),
        (2, "ray", 5, (5, 6, 2)),
    ]:
        monkeypatch.setattr(machine, "gpus", lambda count=gpus: count)
        assert local_worker_layout(name, workers) == expected
    assert local_worker_layout("ray", None, "llvm") == (12, 1, 1)
    assert local_worker_layout("ray", None, "auto", 0.5) == (4, 3, 2)


def test_auto_takes_ray_for_an_address_and_local_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert choose("auto", None) == "local"
    assert choose("auto", "ray://head:10001") == "ray"
    with pytest.raises(InvalidRequestError, match="leave one out"):
        choose("local", "ray://head:10001")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert choose("auto", None) == "ray"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert choose("auto", None) == "local"
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    assert choose("auto", None) == "ray"


def test_actors_that_hold_gpus_and_find_no_cuda_draw_nothing(
    monkeypatch: pytest.MonkeyPatch, small_scene: Scene, tmp_path: Path
) -> None:
    """As after `ray start --num-gpus=2` on a machine without a GPU."""
    monkeypatch.setattr(LocalExecutor, "gpus", 1.0)
    with pytest.raises(RenderError, match='kernel="llvm"'):
        render_to(small_scene, tmp_path / "a.zarr", RunOptions("local"))
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize(("kernel", "gpus"), [("llvm", 0.0), ("auto", 0.5)])
def test_actors_reserve_the_share_of_a_gpu_that_was_asked_for(
    ray_here: None, monkeypatch: pytest.MonkeyPatch, kernel: str, gpus: float
) -> None:
    from tilecppn.run.executors import EXECUTORS, ray_nodes
    from tilecppn.run.executors import ray as module

    nodes = ray_nodes.Nodes([{"CPU": 8.0, "GPU": 2.0}], frozenset())
    monkeypatch.setattr(module, "look", lambda: nodes)
    executor = EXECUTORS["ray"](Toy(), RunOptions("ray", kernel=kernel, gpus_per_worker=0.5))
    assert executor.gpus == gpus
    assert (executor.workers, executor.threads) == ((4, 2) if gpus else (8, 1))


@pytest.mark.slow
def test_an_actor_draws_on_a_gpu_of_any_maker_as_this_process_does(
    ray_here: None, small_scene: Scene, tmp_path: Path
) -> None:
    require_wgpu()
    by_actor, here = (
        render(small_scene, tmp_path / f"{name}.zarr", executor=name, kernel="wgpu", workers=1)
        for name in ("ray", "local")
    )
    for level in range(len(here.plan.levels)):
        np.testing.assert_array_equal(level_pixels(by_actor, level), level_pixels(here, level))
    assert by_actor.arithmetic == here.arithmetic
    assert here.arithmetic.kernel == "wgpu"
