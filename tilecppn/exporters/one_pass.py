"""Render and export in one pass: a pyramid's tiles are made from each shard before it is stored.

A shard's tiles are written first and the shard itself last, so a shard stored by this run has all
its tiles. Shards that were stored earlier, and levels smaller than a tile, are tiled from the store
at the end; the page and the descriptor follow.
"""

import contextlib
from dataclasses import replace
from pathlib import Path

from tilecppn import machine
from tilecppn.errors import Interrupted
from tilecppn.exporters import tiles
from tilecppn.exporters.export import EXPORTERS, Exporter, choose_exporter, write
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output.atomic import claimed, naming_destination, read_provenance
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.exporters.parallel import Progress, Threads
from tilecppn.exporters.pyramids import dzi
from tilecppn.exporters.source import Source, sizes
from tilecppn.exporters.tile_estimate import check_tiles_fit
from tilecppn.plan import Plan, Shard
from tilecppn.run import events
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render_to, require_complete
from tilecppn.run.task_queue import RunResult
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def render_and_export(
    scene: Scene,
    path: Path,
    dest: Path,
    run: RunOptions,
    progress: Progress = lambda done, total: None,
    options: ExportOptions | None = None,
) -> tuple[Store, RunResult, list[Path]]:
    """Do what `render_to` does, and export to `dest`, in the format of its suffix.

    A .dzi with the store's tiles is made in one pass, any other export after the render. An
    existing export of the same scene and options is kept. `run.overwrite` applies to both. Also
    returns the outputs. Raises as `render` and `export` do.
    """
    exporter = choose_exporter(path, dest)
    plan = Plan.of(scene.canvas, scene.output, scene.channels)
    options = replace(options or ExportOptions(), overwrite=run.overwrite)
    options = options.resolved(dest, scene)
    made = set() if options.overwrite else _made(exporter, dest, scene, options)
    outputs = exporter.outputs(dest)
    is_dzi = exporter is EXPORTERS[".dzi"]
    tiled = is_dzi and dzi.files_of(dest) in made
    if not tiled and made != set(outputs):
        exporter.check(dest, overwrite=options.overwrite)
        if is_dzi:
            check_tiles_fit(sizes(scene.canvas.width, scene.canvas.height), dest, options)
    threads = Threads(run.workers or machine.cores(), progress, run.stopping)
    one_pass = is_dzi and options.tile == plan.tile and not options.overlap
    one_pass = one_pass and options.bits is None and options.max_size is None
    if made or not one_pass:
        store, outcome = render_to(scene, path, run)
        require_complete(outcome)
        if made == set(outputs):
            return store, outcome, list(outputs)
        if tiled:  # only the page and the descriptor are missing, after a kill
            with naming_destination(dest), claimed(*outputs):
                return store, outcome, dzi.write_page(Source.of(store, options), dest, options)
        return store, outcome, write(exporter, Source.of(store, options), dest, options, threads)
    return _one_pass(scene, path, dest, run, options, threads)


def _made(exporter: Exporter, dest: Path, scene: Scene, options: ExportOptions) -> set[Path]:
    """Return the outputs that already exist, as they would be made."""
    return {
        path
        for path, kind in exporter.outputs(dest).items()
        if (found := read_provenance(path)) is not None
        and found.is_copy_of(Provenance(kind, "", scene.fingerprint, options.encoding))
    }


def _one_pass(
    scene: Scene,
    path: Path,
    dest: Path,
    run: RunOptions,
    options: ExportOptions,
    threads: Threads,
) -> tuple[Store, RunResult, list[Path]]:
    plan = Plan.of(scene.canvas, scene.output, scene.channels)
    levels = sizes(scene.canvas.width, scene.canvas.height)
    skipped: list[Shard] = []  # shards stored by an earlier run

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.TaskSkipped) and isinstance(event.task, Shard):
            skipped.append(event.task)

    with contextlib.ExitStack() as stack:
        with naming_destination(dest):
            stack.enter_context(claimed(*dzi.outputs_of(dest)))
            export = stack.enter_context(contextlib.ExitStack())
            folder = export.enter_context(dzi.tile_folder(levels, dest, options))
        heard = replace(run, listeners=[*run.listeners, on_event])
        store, outcome = render_to(scene, path, heard, folder)
        require_complete(outcome)
        source = Source(store)
        try:
            with naming_destination(dest):
                tiles.write_tiles(source, folder, _rest(source, plan, skipped), threads)
                folder.complete(source)
                export.close()  # puts the folder in its place
                return store, outcome, dzi.write_page(source, dest, options)
        except KeyboardInterrupt:
            raise Interrupted(
                f"stopped; {path} is finished, and nothing of the export is kept: "
                f"{run.resume_hint} to go on"
            ) from None


def _rest(source: Source, plan: Plan, shards: list[Shard]) -> list[tiles.Region]:
    """Return what is tiled from the store: the skipped shards, and levels smaller than its last."""
    stored = [
        region
        for shard in shards
        for region in tiles.strips(shard.level, plan.window(shard), plan.tile)
    ]
    small = range(len(plan.levels), len(source.sizes))
    return stored + tiles.regions(source, plan.tile, small)
