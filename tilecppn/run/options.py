"""The options of a run: executor, workers, kernel, retry policy, listeners."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import InvalidRequestError
from tilecppn.plan import Task
from tilecppn.run import events
from tilecppn.run.retry_policy import RetryPolicy

SAME_COMMAND = "run the same command again"


@dataclass(frozen=True)
class RunOptions:
    """Options of rendering a still or a film; only `kernel` can change a pixel.

    executor, address, workers, kernel, gpus_per_worker, overwrite, policy: as in `render.render`.
    listeners: called with each event, in the thread that renders.
    shuffle: a seed to shuffle the order of the tasks.
    discard: tasks that are deleted from the store first.
    stopping: called a few times a second; once it returns true, the run ends with Interrupted.

    Raises InvalidRequestError unless workers ≥ 1 and 0 < gpus_per_worker ≤ 1.
    """

    executor: str = "auto"
    address: str | None = None
    workers: int | None = None
    kernel: str = "auto"
    overwrite: bool = False
    policy: RetryPolicy | None = None
    listeners: Sequence[events.Listener] = ()
    gpus_per_worker: float = 1.0
    shuffle: int | None = None
    discard: Collection[Task] = ()
    stopping: ShouldStop = never

    @property
    def resume_hint(self) -> str:
        """The instruction to resume the run, for messages."""
        return "run it again without --overwrite" if self.overwrite else SAME_COMMAND

    def __post_init__(self) -> None:
        check_workers(self.workers)
        if not 0.0 < self.gpus_per_worker <= 1.0:
            raise InvalidRequestError(
                f"gpus_per_worker = {self.gpus_per_worker:g}: must be above 0 and at most 1"
            )


def check_workers(workers: int | None) -> None:
    """Raise InvalidRequestError unless `workers` is None (one per core or GPU) or 1 or more."""
    if workers is not None and workers < 1:
        raise InvalidRequestError(f"workers = {workers}: must be 1 or more")
