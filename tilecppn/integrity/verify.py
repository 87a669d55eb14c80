"""Verifies a store or an export by reading all of it, and repairs what is damaged."""

from collections.abc import Sequence
from pathlib import Path

from tilecppn.addresses import AnyPath, as_path
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
from tilecppn.storage.metadata import attributes


def verify(
    path: AnyPath,
    *,
    repair: bool = False,
    scene: Scene | Timeline | str | Path | None = None,
    store: AnyPath | None = None,
    workers: int | None = None,
    progress: Progress = ignored,
    listeners: Sequence[events.Listener] = (),
    stopping: ShouldStop = never,
) -> VerifyReport:
    """Read all of a store or an export, and report what is damaged or missing.

    path: of it, or a Store.
    repair: repair a store by its own scene, an export by its store.
    scene: with repair, for a store whose own is lost: a Scene, a Timeline, or a file of one.
    store: with repair, the store that a damaged export was made from.
    workers: threads; None for one per CPU core.
    progress: called with the stage ("verify", "repair", "verify again"), the amount done, the
        total, and the unit of a million of these ("Mpixel", "MB").
    listeners: called with each event of `tilecppn.run.events` while a store is repaired.
    stopping: called a few times a second; once it returns true, Interrupted is raised.

    Raises InvalidRequestError if there is nothing to verify, or it cannot be repaired with these
    arguments; RenderError if it is still damaged after its repair; Interrupted.
    """
    path = as_path(path)
    check_workers(workers)
    for name, given in (("scene", scene), ("store", store)):
        if given is not None and not repair:
            raise InvalidRequestError(f"--{name} is for --repair; add it, or leave --{name} out")
    if attributes(path) is None and is_export(path):
        if scene is not None:
            raise InvalidRequestError("--scene is for stores; an export is repaired with --store")
        made_from = None if store is None else as_path(store)
        return verify_export(path, repair, made_from, workers, progress, stopping)
    if store is not None:
        raise InvalidRequestError("--store is for exports; a store is repaired with --scene")
    return verify_store(path, repair, scene, workers, progress, listeners, stopping)
