"""`tilecppn render`: render a scene into a store."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilecppn.cli.batch import render_batch
from tilecppn.cli.common import (
    FILE,
    OUTPUT,
    export_options,
    json_option,
    load_resized,
    outcome_record,
    outcome_words,
    result,
    set_option,
)
from tilecppn.cli.run_options import Choices, opened_run, run_options
from tilecppn.cli.signals import stop_request
from tilecppn.cli.terminal import write_line
from tilecppn.formatting import format_duration

if TYPE_CHECKING:
    from tilecppn.cli.run_meter import RenderMeter
    from tilecppn.exporters.options import ExportOptions
    from tilecppn.run.events import Event
    from tilecppn.run.options import RunOptions
    from tilecppn.run.task_queue import RunResult
    from tilecppn.scene.scene import Scene

# Suffixes of pictures, which are refused as names of stores.
PICTURES = {
    *(".png", ".jpg", ".jpeg", ".webp", ".avif", ".jxl", ".tif", ".tiff", ".exr"),
    *(".gif", ".mp4", ".dzi", ".szi"),
}


@click.command()
@click.argument("scenes", metavar="SCENE…", type=OUTPUT, nargs=-1)
@set_option
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    required=True,
    help="The store to write, a folder OUT.zarr; of several scenes, the folder for their stores.",
)
@click.option(
    "--jobs",
    type=FILE,
    metavar="FILE",
    help="Render the scenes of a TOML file: [[job]] with scene, and if wanted name and set.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing tilecppn store and export.")
@run_options
@click.option(
    "--export",
    "export_to",
    type=OUTPUT,
    metavar="DEST",
    help="Also export to DEST (as tilecppn export) while rendering.",
)
@export_options
@click.option(
    "--view", is_flag=True, help="Show the picture in your browser while it is rendered, and after."
)
@json_option
def command(
    scenes: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: Path,
    jobs: Path | None,
    overwrite: bool,
    choices: Choices,
    export_to: Path | None,
    view: bool,
    as_json: bool,
    **export_choices: Any,
) -> None:
    """Render SCENE into the Zarr store OUT, with all its levels.

    If it is interrupted or killed, run the same command again to resume: shards that are in the
    store are not rendered again.

    \b
    tilecppn render poster.toml -o poster.zarr
    tilecppn render poster.toml -o big.zarr --set canvas.width=65536 --set canvas.height=65536
    tilecppn render poster.toml -o poster.zarr --export poster.dzi --format jpg --quality 85
    tilecppn render poster.toml -o poster.zarr --export poster.dzi --live
    tilecppn render poster.toml -o poster.zarr --view
    tilecppn render a.toml b.toml c.toml -o stores/

    Several scenes are one run on one set of workers, each into a store of its own, as
    stores/a.zarr. One that fails is named, and the others go on.

    With --export, the options from --format to --overlap are those of tilecppn export.
    """
    from tilecppn.cli.live_view import LiveView
    from tilecppn.cli.run_meter import RenderMeter
    from tilecppn.errors import InvalidRequestError
    from tilecppn.exporters.options import ExportOptions
    from tilecppn.run.events import RunStarted
    from tilecppn.run.render import require_complete

    if output.suffix.lower() in PICTURES:
        raise InvalidRequestError(
            f"{output}: render writes a store, a folder OUT.zarr; to get an image as well: "
            f"-o {output.with_suffix('.zarr')} --export {output}"
        )
    options = ExportOptions(**export_choices)
    if len(scenes) > 1 or jobs is not None:
        if view or export_to is not None:
            raise InvalidRequestError("--view and --export are for one scene; export each store")
        render_batch(scenes, jobs, overrides, output, choices, overwrite=overwrite, as_json=as_json)
        return
    if not scenes:
        raise click.UsageError("missing SCENE, a scene file; or --jobs FILE")
    if export_to is None and options != ExportOptions():
        raise InvalidRequestError(
            "options of an export, such as --format, --quality and --bits, need --export DEST"
        )
    picture, shape = load_resized(scenes[0], overrides)
    meter = RenderMeter("render", picture, output)

    def note_shape(event: "Event") -> None:
        if isinstance(event, RunStarted) and shape is not None:
            meter.note(f"{output}: has {shape}; --set canvas.width and canvas.height keep it")

    with LiveView(output, meter.note) as viewer:
        listeners = [viewer] if view else []
        with (
            meter,
            opened_run(choices, meter, note_shape, *listeners, overwrite=overwrite) as run,
        ):
            outcome, files = _rendered(picture, output, export_to, run, meter, options)
        require_complete(outcome)
        size = f"{picture.canvas.width} × {picture.canvas.height}"
        lines = [f"{output}: {size}, {outcome_words(outcome)}", *map(str, files)]
        export = {"export": [str(path) for path in files]} if files else {}
        record = {"store": str(output), **outcome_record(outcome), **export}
        if (seconds := meter.estimated_seconds(outcome.pixels)) is not None:
            took, estimated = format_duration(outcome.seconds), format_duration(seconds)
            write_line(f"took {took}, estimated {estimated} from samples at the start")
            record["estimated_seconds"] = round(seconds, 3)
        result("\n".join(lines), record, as_json)
        if view:
            viewer.wait(stop_request())


def _rendered(
    scene: "Scene",
    output: Path,
    export_to: Path | None,
    run: "RunOptions",
    meter: "RenderMeter",
    options: "ExportOptions",
) -> "tuple[RunResult, list[Path]]":
    """Render, and export as well if asked; return the outcome and the exported files."""
    from tilecppn.run.render import render_to

    if export_to is None:
        return render_to(scene, output, run)[1], []
    from tilecppn.exporters.one_pass import render_and_export
    from tilecppn.shaders.export import live_writer

    write_live = live_writer(scene, export_to, options, overwrite=run.overwrite, resumes=True)
    progress = partial(meter.stage, "export")
    _, outcome, files = render_and_export(scene, output, export_to, run, progress, options)
    return outcome, [*files, *write_live()]
