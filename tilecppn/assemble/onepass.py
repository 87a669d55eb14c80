"""Render and export in one pass: a pyramid's tiles are made from the shard in hand.

A shard's tiles are written first and the shard itself last, so that a shard in the store has had
its tiles written by this run or by none. Shards that were stored before, and the levels that are
smaller than a tile, are tiled from the store at the end; then come the page and the descriptor.
"""

import contextlib
from dataclasses import replace
from pathlib import Path

from tilecppn import machine
from tilecppn.assemble import dzi, tiles
from tilecppn.assemble.choices import Choices
from tilecppn.assemble.export import check_destination, write
from tilecppn.assemble.options import Progress
from tilecppn.assemble.placing import placed, writing
from tilecppn.assemble.source import Source, sizes
from tilecppn.errors import Stopped
from tilecppn.plan import Plan, Shard
from tilecppn.run import events
from tilecppn.run.agenda import Outcome
from tilecppn.run.options import Run
from tilecppn.run.render import render_to, require_complete
from tilecppn.run.stopping import stop_on_signals
from tilecppn.scene import Scene
from tilecppn.store import Store


class Skipped:
    """A listener that remembers the shards that were there already."""

    def __init__(self) -> None:
        self.shards: list[Shard] = []

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.ShardSkipped):
            self.shards.append(event.shard)


def render_and_export(
    scene: Scene,
    path: Path,
    dest: Path,
    run: Run,
    progress: Progress = lambda done, total: None,
    choices: Choices | None = None,
) -> tuple[Store, Outcome, list[Path]]:
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
    )
    if dest.suffix != ".dzi" or options.tile != plan.tile or options.overlap:
        store, outcome = render_to(scene, path, run)
        require_complete(outcome)
        return store, outcome, write(exporter, Source(store), dest, options)
    levels = tuple(sizes(scene.canvas.width, scene.canvas.height))
    skipped = Skipped()
    with stop_on_signals() as wish, contextlib.ExitStack() as export:
        options = replace(options, stopping=wish)
        with writing(dest):
            temporary = export.enter_context(placed(dzi.files_of(dest), folder=True))
        folder = tiles.making(temporary, dzi.DeepZoom(levels, plan.tile), options)
        heard = replace(run, listeners=[*run.listeners, skipped])
        store, outcome = render_to(scene, path, heard, folder)
        require_complete(outcome)
        source = Source(store)
        try:
            with writing(dest):
                tiles.fill(source, folder, _rest(source, plan, skipped.shards), options)
                folder.layout.describe(source, folder, options)
                export.close()  # the folder takes its place
                return store, outcome, dzi.write_page(source, dest, options)
        except Stopped:
            raise Stopped(
                f"stopped; {path} is finished, and nothing of the export is kept: {run.again} to "
                "go on"
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
