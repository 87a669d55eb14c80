from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tilecppn.cli.common import (
    FILE,
    json_option,
    kernel_option,
    load,
    result,
    scene_argument,
    workers_option,
)


@click.command()
@scene_argument
@click.option("-o", "--output", type=FILE, required=True, help="The store: a folder OUT.zarr.")
@click.option("--overwrite", is_flag=True, help="Replace the store of ours that is there.")
@click.option(
    "--executor",
    type=click.Choice(["auto", "local", "ray"]),
    default="auto",
    show_default=True,
    help="Threads of this machine, or Ray actors.",
)
@click.option("--address", help="Of a Ray cluster (default: RAY_ADDRESS).")
@workers_option
@kernel_option
@click.option(
    "--deadline",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="The longest time for one shard; then another worker gets it (default: from the others).",
)
@click.option("--export", "export_to", type=FILE, metavar="DEST", help="Export there, too.")
@json_option
def command(
    scene: Path,
    overrides: tuple[str, ...],
    output: Path,
    overwrite: bool,
    executor: str,
    address: str | None,
    workers: int | None,
    kernel: str,
    deadline: float | None,
    export_to: Path | None,
    as_json: bool,
) -> None:
    """Render SCENE into the Zarr store OUT and build all its levels.

    Stopped or killed, the same command goes on where it was: shards that are in the store are
    never rendered again.

    \b
    tilecppn render poster.toml -o poster.zarr
    tilecppn render poster.toml -o big.zarr --set canvas.width=65536 --set canvas.height=65536
    """
    from tilecppn.cli.progress import RenderMeter
    from tilecppn.run.budget import duration
    from tilecppn.run.policy import Policy
    from tilecppn.run.render import render_to, require_complete

    picture = load(scene, overrides)
    files: list[Path] = []
    with RenderMeter("render") as meter:
        options: dict[str, Any] = {
            "executor": executor,
            "address": address,
            "workers": workers,
            "kernel": kernel,
            "overwrite": overwrite,
            "policy": replace(Policy(), deadline=deadline),
            "listeners": (meter,),
        }
        if export_to is None:
            _, outcome = render_to(picture, output, **options)
        else:
            from tilecppn.assemble.onepass import render_and_export

            _, outcome, files = render_and_export(picture, output, export_to, **options)
    require_complete(outcome)
    record: dict[str, object] = {
        "store": str(output),
        "shards": outcome.shards,
        "rendered": outcome.rendered,
        "skipped": outcome.skipped,
        "seconds": round(outcome.seconds, 3),
        "pixels": outcome.pixels,
    }
    rate = outcome.pixels / 1e6 / max(outcome.seconds, 1e-9)
    speed = f", {rate:.1f} Mpixel/s" if outcome.pixels else ""
    text = (
        f"{output}: {picture.canvas.width} × {picture.canvas.height}, {outcome.rendered} shards "
        f"rendered, {outcome.skipped} already there, in {duration(outcome.seconds)}{speed}"
    )
    if files:
        record["export"] = [str(path) for path in files]
        text += "\n" + "\n".join(str(path) for path in files)
    result(text, record, as_json)
