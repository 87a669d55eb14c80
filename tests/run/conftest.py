"""The executors by name."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tilecppn.run.executors import Executor
from tilecppn.run.executors.local import LocalExecutor
from tilecppn.run.jobs import Job

New = Callable[[Job, int], Executor]
Make = Callable[[Job, int], AbstractContextManager[Executor]]


@pytest.fixture(params=["local", "ray", "ray-3-threads"])
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
        executor.start()
        try:
            yield executor
        finally:
            executor.stop()

    return started
