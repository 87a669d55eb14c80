"""A run's choices: who does the work, with what, and who hears of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tilecppn.errors import InvalidRequestError
from tilecppn.plan import Shard
from tilecppn.run import events
from tilecppn.run.retry_policy import RetryPolicy

SAME = "run the same command again"


@dataclass(frozen=True)
class RunOptions:
    """How a still or a film is rendered; nothing in it changes a pixel but `kernel`.

    executor: "local" threads, "ray" actors, or "auto". address: of a Ray cluster. workers: how
    many; None for one a core, or a GPU, which is given its share of the cores. overwrite: replace
    a store of ours that is there. shuffle: a seed that mixes the order of the shards. discard:
    shards that are deleted first. Raises InvalidRequestError for fewer workers than one.
    """

    executor: str = "auto"
    address: str | None = None
    workers: int | None = None
    kernel: str = "auto"
    overwrite: bool = False
    policy: RetryPolicy | None = None
    listeners: Sequence[events.Listener] = ()
    shuffle: int | None = None
    discard: Collection[Shard] = ()

    @property
    def again(self) -> str:
        """What a person does to go on after a stop."""
        return "run it again without --overwrite" if self.overwrite else SAME

    def __post_init__(self) -> None:
        check_workers(self.workers)


def check_workers(workers: int | None) -> None:
    """Raise InvalidRequestError unless `workers` is None (one per core or GPU) or 1 or more."""
    if workers is not None and workers < 1:
        raise InvalidRequestError(f"workers = {workers}: must be 1 or more")
