"""What becomes of an exception in a worker."""

import pytest

from tilecppn.errors import InvalidRequestError, RenderError
from tilecppn.plan import Shard
from tilecppn.run.jobs import DeviceLost, TaskFailed, TaskStats, WorkerUnusable, run_task


class Failing:
    """A runner whose every shard raises."""

    worker_info = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self, shard: Shard, check_cancelled: object) -> TaskStats:
        raise self.error


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (ValueError("odd"), False),
        (OSError(28, "No space left on device"), True),
        (OSError(5, "Input/output error"), False),
        (InvalidRequestError("never"), True),
        (RenderError("later"), False),
        (RuntimeError("CUDA error: out of memory"), False),
    ],
)
def test_it_is_told_in_words_and_whether_it_lasts(error: Exception, permanent: bool) -> None:
    result = run_task(Failing(error), Shard(0, 0, 0), lambda: None)  # type: ignore[arg-type]
    assert isinstance(result, TaskFailed)
    assert result.permanent == permanent


@pytest.mark.parametrize(
    "error",
    [WorkerUnusable("no store"), OSError(13, "Permission denied"), OSError(30, "Read-only")],
)
def test_what_another_node_may_not_have_is_the_workers_fault(error: Exception) -> None:
    result = run_task(Failing(error), Shard(0, 0, 0), lambda: None)  # type: ignore[arg-type]
    words = error.strerror if isinstance(error, OSError) else f"{error}"
    assert result == TaskFailed(str(words), permanent=False, worker_unusable=True)


def test_without_memory_fewer_workers_may_do() -> None:
    error = MemoryError("Unable to allocate 192. MiB for an array")
    result = run_task(Failing(error), Shard(0, 0, 0), lambda: None)  # type: ignore[arg-type]
    assert result == TaskFailed("out of memory; use fewer --workers")


def test_an_error_of_the_disk_is_told_as_file_and_reason() -> None:
    error = OSError(28, "No space left on device", "a.zarr/0/c/0/0/0")
    result = run_task(Failing(error), Shard(0, 0, 0), lambda: None)  # type: ignore[arg-type]
    assert isinstance(result, TaskFailed)
    assert result.reason == "a.zarr/0/c/0/0/0: No space left on device"


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: an illegal memory access was encountered",
        "Triton Error [CUDA]: unknown error",
        "LostDeviceError: the device of some GPU is lost to this process",
    ],
)
def test_a_process_without_its_gpu_is_a_lost_worker(words: str) -> None:
    runner = Failing(RuntimeError(words))
    with pytest.raises(DeviceLost, match=r"RuntimeError: .*rror"):
        run_task(runner, Shard(0, 0, 0), lambda: None)  # type: ignore[arg-type]
