"""The executors by name."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tilecppn.run.executors import Executor
from tilecppn.run.executors.local import LocalExecutor
from tilecppn.run.job import Job

Make = Callable[[Job, int], AbstractContextManager[Executor]]


@pytest.fixture(params=["local", "ray"])
def make(request: pytest.FixtureRequest) -> Make:
    """make(job, workers): a started executor, stopped at the end of the block."""
    if request.param == "ray":
        request.getfixturevalue("ray_here")

    @contextmanager
    def started(job: Job, workers: int) -> Iterator[Executor]:
        executor: Executor
        if request.param == "ray":
            from tilecppn.run.executors.ray import RayExecutor

            executor = RayExecutor(job, workers)
        else:
            executor = LocalExecutor(job, workers)
        executor.start()
        try:
            yield executor
        finally:
            executor.stop()

    return started
