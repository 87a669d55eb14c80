"""Finding damage in a store, and mending it from the store's own scene."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from tilecppn import machine
from tilecppn.errors import Interrupted
from tilecppn.plan import Shard, Work
from tilecppn.run import events
from tilecppn.run.options import RunOptions, check_workers
from tilecppn.run.render import render_to, require_complete
from tilecppn.run.stop_request import stop_on_signals
from tilecppn.run.task_queue import RunResult
from tilecppn.storage.directory import StoreDirectory
from tilecppn.storage.store import Store
from tilecppn.storage.zarr_format import use_threads


class Meter(Protocol):
    def begin(self, total: int) -> None: ...

    def add(self, pixels: int) -> None: ...


class Checked(Protocol):
    """A store, of a still or a film."""

    @property
    def plan(self) -> Work: ...

    def damage(self, shard: Shard) -> str | None: ...


def find_damage(
    store: Checked,
    *,
    unread: Collection[str] = (),
    workers: int | None = None,
    meter: Meter | None = None,
) -> dict[Shard, str]:
    """Every shard that is "damaged" or "missing", but those of the arrays `unread`.

    Raises InvalidRequestError or Interrupted.
    """
    check_workers(workers)
    use_threads(workers or machine.cores())
    if meter is not None:
        meter.begin(sum(store.plan.window(shard).pixels for shard in store.plan.order()))
    found = {}
    with stop_on_signals() as stop_request:
        for shard in store.plan.order():
            if stop_request():
                raise Interrupted("stopped")
            damage = None if str(shard.level) in unread else store.damage(shard)
            if damage is not None:
                found[shard] = damage
            if meter is not None:
                meter.add(store.plan.window(shard).pixels)
    return found


def repair_store(
    store: Store,
    damage: Mapping[Shard, str],
    *,
    workers: int | None = None,
    listeners: Sequence[events.Listener] = (),
) -> RunResult:
    """Delete the shards of `damage` and render what is then missing; ancestors follow.

    Raises StoreError if the store is being rendered or was begun with another arithmetic.
    """
    run = repairing(store, damage, workers, listeners)
    _, outcome = render_to(store.scene, store.path, run)
    require_complete(outcome)
    return outcome


def repairing(
    store: StoreDirectory,
    damage: Mapping[Shard, str],
    workers: int | None,
    listeners: Sequence[events.Listener],
) -> RunOptions:
    """The run that draws damaged shards of a store again, here and with its own kernel."""
    return RunOptions(
        executor="local",
        workers=workers,
        kernel=store.arithmetic.kernel,
        listeners=listeners,
        discard=damage,
    )
