"""`tilecppn gallery`: draw a sheet of seeds."""

from pathlib import Path

import click

from tilecppn.cli.common import (
    FILE,
    json_option,
    kernel_option,
    load,
    overwrite_option,
    parse_seeds,
    result,
    scene_argument,
)
from tilecppn.cli.image_output import image_output
from tilecppn.formatting import counted


@click.command()
@scene_argument
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="The image to write: .png, .jpg, .webp or .tif.",
)
@click.option(
    "--seeds", type=parse_seeds, metavar="0-24", help="Seeds of the weights [default: 0-24]."
)
@click.option("--latents", type=parse_seeds, metavar="0-24", help="Seeds of the latent instead.")
@click.option(
    "--columns",
    type=click.IntRange(1, 2500),
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
@overwrite_option
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
    overwrite: bool,
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
    from tilecppn.exporters.gallery import SEEDS, gallery

    start = time.perf_counter()
    write = image_output(output, "a gallery", overwrite=overwrite)
    picture = load(scene, overrides)
    if seeds is None and latents is None:
        seeds = list(SEEDS)
    with Meter("gallery") as meter:
        sheet = gallery(
            picture,
            seeds=seeds,
            latents=latents,
            columns=columns,
            width=width,
            kernel=kernel,
            progress=meter.progress,
        )
    write(sheet, picture.to_toml(), picture.fingerprint)
    pictures = len(seeds or [0]) * len(latents or [0])
    seconds = time.perf_counter() - start
    result(
        f"{output}: {counted(pictures, 'picture')}, {sheet.shape[1]} × {sheet.shape[0]}",
        {"files": [str(output)], "pictures": pictures, "seconds": round(seconds, 3)},
        as_json,
    )
