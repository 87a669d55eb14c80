"""What tests of whole renders share: an empty store, a run over it, stores compared."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import SMALL_NET
from tilecppn.cppn import CPPN
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.events import Event
from tilecppn.run.executors.base import Executor
from tilecppn.run.render_job import RenderJob
from tilecppn.run.retry_policy import RetryPolicy
from tilecppn.run.task_queue import RunResult
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

KERNEL = "llvm"
SCENE = Scene.of(
    cppn=SMALL_NET,
    canvas={"width": 1800, "height": 1300},
    view={"scale": 3.0, "rotation": 11.0},
    output={"tile": 64, "shard": 128},
)
ONE = pytest.param(1, marks=pytest.mark.slow)  # thread of an actor: three are the harder case


WRITE = "tilecppn.storage.store.Store.write"
BIG = """
[canvas]
width = 2500
height = 2000
[output]
tile = 64
shard = 256
"""


def shard_files(store: Path) -> dict[str, tuple[int, bytes]]:
    """Each shard's file: when it was written, and its bytes."""
    return {
        str(path.relative_to(store)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(store.glob("*/c/0/*/*"))
        if path.suffix != ".partial"
    }


def pixels(store: Store) -> list[np.ndarray]:
    return [store.read(level.index, level.window) for level in store.plan.levels]


def assert_same(one: Store, other: Store) -> None:
    """Byte-identical arrays on all levels that both have."""
    assert one.is_whole()
    assert other.is_whole()
    for a, b in zip(pixels(one), pixels(other), strict=False):
        assert np.array_equal(a, b)


def run_job(
    executor: Executor,
    store: Store,
    policy: RetryPolicy,
    listen: Callable[[Event], None] = lambda event: None,
) -> tuple[RunResult, list[Event]]:
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        listen(event)

    coordinator = Coordinator(executor, policy=policy, emit=emit)
    try:
        with store.lock():
            coordinator.start()
            return coordinator.run(store.plan, store), events
    finally:
        executor.stop()


def empty_store(path: Path, scene: Scene) -> Store:
    with Store.create(path, scene, LLVMKernel.arithmetic) as store:
        return store


def job_for(scene: Scene, path: Path) -> RenderJob:
    return RenderJob(scene.to_toml(), scene.cppn.to_bytes(), str(path), KERNEL)


def black_scene(folder: Path) -> str:
    """A scene that is black everywhere: an output bias that no weight reaches."""
    net = CPPN.from_preset("hardmaru")
    weight, bias = net.layers[-1]
    CPPN(net.structure, [*net.layers[:-1], (weight, np.full_like(bias, -1e6))]).save(
        folder / "black.safetensors"
    )
    return f'{BIG}[cppn]\nweights = "black.safetensors"\n'
