"""`tilecppn verify`: find and repair what is damaged in a store or an export."""

from pathlib import Path

import click

from tilecppn.cli.common import OUTPUT, json_option, result, workers_option
from tilecppn.cli.signals import stop_request


@click.command()
@click.argument("path", type=OUTPUT)
@click.option("--repair", is_flag=True, help="Make damaged or missing files again.")
@click.option(
    "--scene",
    type=OUTPUT,
    help="With --repair: the scene or timeline of a store whose own is lost.",
)
@click.option("--store", type=OUTPUT, help="With --repair: the store that an export was made from.")
@workers_option
@json_option
def command(
    path: Path,
    repair: bool,
    scene: Path | None,
    store: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Read all of PATH, a store or an export, and list every damaged or missing file.

    Exits 1 if there are any, unless --repair has repaired them. A store's scene and weights are
    kept twice; if both copies are lost, give the scene that it was begun with. An export is
    repaired from its store; a film is not repaired, but made again.

    \b
    tilecppn verify poster.zarr
    tilecppn verify film.zarr --repair
    tilecppn verify poster.zarr --repair --scene poster.toml
    tilecppn verify poster.dzi --repair --store poster.zarr
    """
    from tilecppn.cli.run_meter import RenderMeter
    from tilecppn.integrity.verify import verify

    with RenderMeter("verify") as meter:
        report = verify(
            path,
            repair=repair,
            scene=scene,
            store=store,
            workers=workers,
            progress=meter.stage,
            listeners=[meter],
            stopping=stop_request(),
        )
    result("\n".join(report.lines()), report.record, as_json)
    if not (report.sound or report.repaired):
        raise SystemExit(1)
