"""Reads all of a store or an export, and repairs what is damaged."""

from collections.abc import Sequence
from pathlib import Path

from tilecppn.addresses import as_path
from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import InvalidRequestError
from tilecppn.exporters.verify import is_export
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.integrity.exports import verify_export
from tilecppn.integrity.report import Progress, VerifyReport, ignored
from tilecppn.integrity.stores import verify_store
from tilecppn.run import events
from tilecppn.run.options import check_workers
from tilecppn.scene.scene import Scene
from tilecppn.storage.identity import attributes


def verify(
    path: str | Path,
    *,
    repair: bool = False,
    scene: Scene | Timeline | str | Path | None = None,
    store: str | Path | None = None,
    workers: int | None = None,
    progress: Progress = ignored,
    listeners: Sequence[events.Listener] = (),
    stopping: ShouldStop = never,
) -> VerifyReport:
    """Read all of the store or export at `path`, and return what is damaged or missing.

    repair: make that again; a store from its own scene, an export from its store.
    scene: with repair, of a store whose own is lost: a Scene, a Timeline, or a file of one.
    store: with repair, the store that an export was made from.
    workers: threads; None for one per CPU core.
    progress: is called with what is done ("verify", "repair", "verify again"), how much of it, of
    how much, and the unit of a million of that ("Mpixel", "MB").
    listeners: are called with each event of `tilecppn.run.events` while a store is repaired.
    stopping: is called a few times a second; once it returns true, all ends with Interrupted.

    Raises InvalidRequestError if there is nothing to verify, or it cannot be repaired so;
    RenderError if it is still damaged after its repair; Interrupted.
    """
    path = as_path(path)
    check_workers(workers)
    for name, given in (("scene", scene), ("store", store)):
        if given is not None and not repair:
            raise InvalidRequestError(f"--{name} is for --repair; add it, or leave --{name} out")
    if attributes(path) is None and is_export(path):
        if scene is not None:
            raise InvalidRequestError("--scene is for stores; an export is repaired with --store")
        if repair and store is None:
            raise InvalidRequestError(f"{path}: an export; give its store, too: --store STORE")
        made_from = None if store is None else as_path(store)
        return verify_export(path, made_from, workers, progress, stopping)
    if store is not None:
        raise InvalidRequestError("--store is for exports; a store is repaired with --scene")
    return verify_store(path, repair, scene, workers, progress, listeners, stopping)
