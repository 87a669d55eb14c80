"""Finding damage in a store, and mending it from the store's own scene."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from tilecppn import machine
from tilecppn.errors import Stopped
from tilecppn.plan import Shard, Work
from tilecppn.run import events
from tilecppn.run.agenda import Outcome
from tilecppn.run.options import Run, check_workers
from tilecppn.run.render import render_to, require_complete
from tilecppn.run.stopping import stop_on_signals
from tilecppn.store import Store
from tilecppn.store_folder import StoreFolder
from tilecppn.zarr_files import use_threads


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

    Raises Refused or Stopped.
    """
    check_workers(workers)
    use_threads(workers or machine.cores())
    if meter is not None:
        meter.begin(sum(store.plan.window(shard).pixels for shard in store.plan.order()))
    found = {}
    with stop_on_signals() as wish:
        for shard in store.plan.order():
            if wish():
                raise Stopped("stopped")
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
) -> Outcome:
    """Delete the shards of `damage` and render what is then missing; ancestors follow.

    Raises StoreError if the store is being rendered or was begun with another arithmetic.
    """
    run = repairing(store, damage, workers, listeners)
    _, outcome = render_to(store.scene, store.path, run)
    require_complete(outcome)
    return outcome


def repairing(
    store: StoreFolder,
    damage: Mapping[Shard, str],
    workers: int | None,
    listeners: Sequence[events.Listener],
) -> Run:
    """The run that draws damaged shards of a store again, here and with its own kernel."""
    return Run(
        executor="local",
        workers=workers,
        kernel=store.arithmetic.kernel,
        listeners=listeners,
        discard=damage,
    )
