"""One Ray for all tests of this folder, and the executors by name."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tilecppn.run.executors import Executor
from tilecppn.run.executors.local import LocalExecutor
from tilecppn.run.job import Job

Make = Callable[[Job, int], AbstractContextManager[Executor]]


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """Ray with two CPUs on this machine; an executor made meanwhile uses it."""
    import ray

    os.environ["RAY_AUTH_MODE"] = "disabled"  # else Ray writes a token into the home folder
    ray.init(
        address="local",
        num_cpus=2,
        object_store_memory=100 * 2**20,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()


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
