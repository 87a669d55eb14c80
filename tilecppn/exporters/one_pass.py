"""Render and export in one pass: a pyramid's tiles are made from the shard in hand.

A shard's tiles are written first and the shard itself last, so that a shard in the store has had
its tiles written by this run or by none. Shards that were stored before, and the levels that are
smaller than a tile, are tiled from the store at the end; then come the page and the descriptor.
"""

import contextlib
from dataclasses import replace
from pathlib import Path

from tilecppn import machine
from tilecppn.errors import Interrupted
from tilecppn.exporters import dzi, tiles
from tilecppn.exporters.choices import Choices
from tilecppn.exporters.export import check_destination, write
from tilecppn.exporters.options import Progress
from tilecppn.exporters.output import atomic_output, naming_destination
from tilecppn.exporters.source import Source, sizes
from tilecppn.plan import Plan, Shard
from tilecppn.run import events
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render_to, require_complete
from tilecppn.run.task_queue import RunResult
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


class Skipped:
    """A listener that remembers the shards that were there already."""

    def __init__(self) -> None:
        self.shards: list[Shard] = []

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.TaskSkipped) and isinstance(event.task, Shard):
            self.shards.append(event.task)


def render_and_export(
    scene: Scene,
    path: Path,
    dest: Path,
    run: RunOptions,
    progress: Progress = lambda done, total: None,
    choices: Choices | None = None,
) -> tuple[Store, RunResult, list[Path]]:
    """`render_to`, and the export to `dest`, by its suffix.

    A .dzi whose tiles are the store's is made in one pass, anything else after the render.
    Returns what was written, too. Raises as `render` and `export` do.
    """
    exporter = check_destination(path, dest)
    plan = Plan.of(scene.canvas, scene.output, scene.channels)
    options = replace(
        (choices or Choices()).options(dest, None, plan.tile),
        workers=run.workers or machine.cores(),
        progress=progress,
        stopping=run.stopping,
    )
    if dest.suffix != ".dzi" or options.tile != plan.tile or options.overlap:
        store, outcome = render_to(scene, path, run)
        require_complete(outcome)
        return store, outcome, write(exporter, Source(store), dest, options)
    levels = tuple(sizes(scene.canvas.width, scene.canvas.height))
    skipped = Skipped()
    with contextlib.ExitStack() as export:
        with naming_destination(dest):
            temporary = export.enter_context(atomic_output(dzi.files_of(dest), folder=True))
        folder = tiles.making(temporary, dzi.DeepZoom(levels, plan.tile), options)
        heard = replace(run, listeners=[*run.listeners, skipped])
        store, outcome = render_to(scene, path, heard, folder)
        require_complete(outcome)
        source = Source(store)
        try:
            with naming_destination(dest):
                tiles.fill(source, folder, _rest(source, plan, skipped.shards), options)
                folder.layout.describe(source, folder, options)
                export.close()  # the folder takes its place
                return store, outcome, dzi.write_page(source, dest, options)
        except KeyboardInterrupt:
            raise Interrupted(
                f"stopped; {path} is finished, and nothing of the export is kept: "
                f"{run.resume_hint} to go on"
            ) from None


def _rest(source: Source, plan: Plan, shards: list[Shard]) -> list[tiles.Region]:
    """What is tiled from the store: shards that were there, and the levels after its last."""
    stored = [
        region
        for shard in shards
        for region in tiles.strips(shard.level, plan.window(shard), plan.tile)
    ]
    small = range(len(plan.levels), len(source.sizes))
    return stored + tiles.regions(source, plan.tile, small)
