from pathlib import Path
from typing import Any

import click

from tilecppn.cli.common import FILE, json_option, result, workers_option


@click.command()
@click.argument("store", type=FILE)
@click.argument("dest", type=FILE)
@click.option(
    "--format",
    "format_",
    metavar="png|jpg|webp|avif",
    default="png",
    show_default=True,
    help="Of a pyramid's tiles.",
)
@click.option("--quality", type=int, help="Of lossy tiles, 1 to 100 (default 90, AVIF 80).")
@click.option(
    "--effort", type=int, default=1, show_default=True, help="From 1, fast, to 9, small files."
)
@click.option("--tile", type=int, help="Side of a tile in pixels (default: the store's).")
@click.option("--overlap", type=int, default=0, show_default=True, help="Pixels on each side.")
@click.option("--level", type=int, default=0, show_default=True, help="Start from this level.")
@click.option(
    "--partial", is_flag=True, help="Allow an unfinished store; what is missing is black."
)
@workers_option
@json_option
def command(
    store: Path,
    dest: Path,
    format_: str,
    quality: int | None,
    effort: int,
    tile: int | None,
    overlap: int,
    level: int,
    partial: bool,
    workers: int | None,
    as_json: bool,
) -> None:
    """Export the store STORE to DEST, whose suffix says as what.

    \b
    .dzi   a Deep Zoom pyramid NAME.dzi and NAME_files/, with NAME.html to open by double-click
    .png   one PNG, 8 or 16 bits, of any size

    \b
    tilecppn export poster.zarr poster.dzi
    tilecppn export poster.zarr poster.dzi --format jpg --quality 85
    tilecppn export poster.zarr half.png --level 1
    """
    import time

    from tilecppn.run.budget import duration

    start = time.perf_counter()
    files = run_export(
        store,
        dest,
        format=format_,
        quality=quality,
        effort=effort,
        tile=tile,
        overlap=overlap,
        level=level,
        partial=partial,
        workers=workers,
    )
    seconds = time.perf_counter() - start
    text = "\n".join([*(str(path) for path in files), f"in {duration(seconds)}"])
    result(text, {"files": [str(p) for p in files], "seconds": round(seconds, 3)}, as_json)


def run_export(store: Path, dest: Path, **options: Any) -> list[Path]:
    """An export with progress on stderr."""
    from tilecppn.assemble.export import export
    from tilecppn.cli.progress import Meter

    with Meter("export") as meter:

        def progress(done: int, total: int) -> None:
            meter.total = total
            meter.add(done - meter.done)

        return export(store, dest, progress=progress, **options)
