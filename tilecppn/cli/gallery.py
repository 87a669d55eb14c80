"""`tilecppn gallery`: draw a sheet of seeds."""

import math
from pathlib import Path

import click

from tilecppn.cli.common import (
    FILE,
    json_option,
    kernel_option,
    load,
    parse_seeds,
    png_output,
    result,
    scene_argument,
)
from tilecppn.formatting import counted

MOST = 2500  # pictures of one sheet
LARGEST = 32768  # pixels of a sheet's side


def _variants(seeds: list[int] | None, latents: list[int] | None) -> list[dict[str, int]]:
    """Section → seed, for each picture: every seed with every latent."""
    rows = [{}] if seeds is None else [{"cppn": seed} for seed in seeds]
    columns = [{}] if latents is None else [{"latent": seed} for seed in latents]
    return [{**row, **column} for row in rows for column in columns]


@click.command()
@scene_argument
@click.option("-o", "--output", type=FILE, required=True, help="The PNG to write.")
@click.option(
    "--seeds", type=parse_seeds, metavar="0-24", help="Seeds of the weights [default: 0-24]."
)
@click.option("--latents", type=parse_seeds, metavar="0-24", help="Seeds of the latent instead.")
@click.option(
    "--columns",
    type=click.IntRange(1, MOST),
    help="Pictures in a row (default: as many as rows; with both, one for each latent).",
)
@click.option(
    "--width",
    type=click.IntRange(16, 4096),
    default=256,
    show_default=True,
    help="Pixels of a picture's longer side.",
)
@kernel_option
@json_option
def command(
    scene: Path,
    overrides: tuple[str, ...],
    output: Path,
    seeds: list[int] | None,
    latents: list[int] | None,
    columns: int | None,
    width: int,
    kernel: str,
    as_json: bool,
) -> None:
    """Draw SCENE with many seeds on one sheet; each label is what to type to get that picture.

    \b
    tilecppn gallery poster.toml -o seeds.png --seeds 0-24
    tilecppn gallery poster.toml -o latents.png --latents 0-8 --set cppn.seed=7
    tilecppn gallery poster.toml -o both.png --seeds 3,7,12 --latents 0-4
    """
    import time

    from tilecppn.cli.progress import Meter
    from tilecppn.errors import InvalidRequestError
    from tilecppn.exporters.contact_sheet import Entry, contact_sheet, sheet_size
    from tilecppn.pixels.window import preview

    start = time.perf_counter()
    write = png_output(output, "a gallery")
    picture = load(scene, overrides)
    if seeds is None and latents is None:
        seeds = list(range(25))
    if seeds is not None and picture.source.weights is not None:
        raise InvalidRequestError(
            "--seeds: the scene's network comes from a weights file; use --latents"
        )
    if latents is not None and picture.latent.z is not None:
        raise InvalidRequestError(
            "--latents: the scene gives latent.z, which no seed changes; take it out"
        )
    variants = _variants(seeds, latents)
    if columns is None:
        square = math.ceil(math.sqrt(len(variants)))
        columns = len(latents) if seeds is not None and latents is not None else square
    canvas = picture.canvas
    longer = max(canvas.width, canvas.height)
    across = max(1, round(width * canvas.width / longer))
    cell = (across, max(1, round(canvas.height * across / canvas.width)))
    size = sheet_size(len(variants), columns, cell, len(variants[0]))
    if len(variants) > MOST or max(size) > LARGEST:
        raise InvalidRequestError(
            f"a sheet of {len(variants)} pictures, {size[0]} × {size[1]} pixels: at most {MOST} "
            f"and {LARGEST} a side; use fewer seeds or a smaller --width"
        )
    entries = []
    with Meter("gallery") as meter:
        meter.begin(len(variants) * cell[0] * cell[1])
        for variant in variants:
            changed = picture.replace(**{name: {"seed": seed} for name, seed in variant.items()})
            label = [f"--set {name}.seed={seed}" for name, seed in variant.items()]
            entries.append(Entry(preview(changed, cell[0], kernel), label))
            meter.add(cell[0] * cell[1])
    sheet = contact_sheet(entries, columns, cell)
    write(sheet, picture.to_toml())
    seconds = time.perf_counter() - start
    result(
        f"{output}: {counted(len(entries), 'picture')}, {sheet.shape[1]} × {sheet.shape[0]}",
        {"files": [str(output)], "pictures": len(entries), "seconds": round(seconds, 3)},
        as_json,
    )
