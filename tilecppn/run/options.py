"""A run's choices: who does the work, with what, and who hears of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tilecppn.errors import Refused
from tilecppn.plan import Shard
from tilecppn.run import events
from tilecppn.run.policy import Policy


@dataclass(frozen=True)
class Run:
    """How a still or a film is rendered; nothing in it changes a pixel but `kernel`.

    executor: "local" threads, "ray" actors, or "auto". address: of a Ray cluster. workers: how
    many; None for one a core, or a GPU, which is given its share of the cores. overwrite: replace
    a store of ours that is there. shuffle: a seed that mixes the order of the shards. discard:
    shards that are deleted first. Raises Refused for fewer workers than one.
    """

    executor: str = "auto"
    address: str | None = None
    workers: int | None = None
    kernel: str = "auto"
    overwrite: bool = False
    policy: Policy | None = None
    listeners: Sequence[events.Listener] = ()
    shuffle: int | None = None
    discard: Collection[Shard] = ()

    @property
    def again(self) -> str:
        """What a person does to go on after a stop."""
        return (
            "run it again without --overwrite" if self.overwrite else "run the same command again"
        )

    def __post_init__(self) -> None:
        check_workers(self.workers)


def check_workers(workers: int | None) -> None:
    """Raise Refused unless it is None, for as many as the machine allows, or 1 or more."""
    if workers is not None and workers < 1:
        raise Refused(f"workers = {workers}: must be 1 or more")
