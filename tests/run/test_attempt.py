"""What becomes of an exception in a worker."""

import pytest

from tilecppn.errors import Failed, Refused
from tilecppn.plan import Shard
from tilecppn.run.job import DeviceLost, Faulted, Receipt, Unfit, attempt


class Failing:
    """A runner whose every shard raises."""

    identity = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self, shard: Shard, pause: object) -> Receipt:
        raise self.error


@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        (ValueError("odd"), False),
        (OSError(28, "No space left on device"), True),
        (OSError(5, "Input/output error"), False),
        (Refused("never"), True),
        (Failed("later"), False),
        (RuntimeError("CUDA error: out of memory"), False),
    ],
)
def test_it_is_told_in_words_and_whether_it_lasts(error: Exception, lasting: bool) -> None:
    result = attempt(Failing(error), Shard(0, 0, 0), lambda: None)  # type: ignore[arg-type]
    assert isinstance(result, Faulted)
    assert result.lasting == lasting


@pytest.mark.parametrize(
    "error", [Unfit("no store"), OSError(13, "Permission denied"), OSError(30, "Read-only")]
)
def test_what_another_node_may_not_have_is_the_workers_fault(error: Exception) -> None:
    result = attempt(Failing(error), Shard(0, 0, 0), lambda: None)  # type: ignore[arg-type]
    assert result == Faulted(f"{error}", lasting=False, unfit=True)


@pytest.mark.parametrize(
    "words",
    ["CUDA error: an illegal memory access was encountered", "Triton Error [CUDA]: unknown error"],
)
def test_a_process_without_its_gpu_is_a_lost_worker(words: str) -> None:
    runner = Failing(RuntimeError(words))
    with pytest.raises(DeviceLost, match=r"RuntimeError: .*rror"):
        attempt(runner, Shard(0, 0, 0), lambda: None)  # type: ignore[arg-type]
