"""Executors by name, a scene with its undisturbed store, and commands as processes."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.run.renders import SCENE
from tilecppn.run.executors.base import Executor
from tilecppn.run.executors.local import LocalExecutor
from tilecppn.run.jobs import Job
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

New = Callable[[Job, int], Executor]
Start = Callable[..., "subprocess.Popen[str]"]
Make = Callable[[Job, int], AbstractContextManager[Executor]]


@pytest.fixture(params=["local", pytest.param("ray", marks=pytest.mark.slow), "ray-3-threads"])
def new(request: pytest.FixtureRequest) -> New:
    """new(job, workers): an executor that is not started."""
    if request.param == "local":
        return LocalExecutor
    request.getfixturevalue("ray_here")
    from tilecppn.run.executors.ray import RayExecutor

    threads = 3 if request.param == "ray-3-threads" else None
    return lambda job, workers: RayExecutor(job, workers, threads=threads)


@pytest.fixture
def make(new: New) -> Make:
    """make(job, workers): a started executor, stopped at the end of the block."""

    @contextmanager
    def started(job: Job, workers: int) -> Iterator[Executor]:
        executor = new(job, workers)
        executor.start(workers)
        try:
            yield executor
        finally:
            executor.stop()

    return started


@pytest.fixture(scope="session")
def scene() -> Scene:
    return SCENE


@pytest.fixture(scope="session")
def undisturbed(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("undisturbed") / "a.zarr"
    return render(scene, path, executor="local", workers=1)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()
