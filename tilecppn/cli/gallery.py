"""`tilecppn gallery`: draw a sheet of seeds and other variants."""

from pathlib import Path
from typing import Any

import click

from tilecppn.cli.common import (
    json_option,
    kernel_option,
    load,
    overwrite_option,
    parse_seeds,
    result,
    scene_argument,
)
from tilecppn.cli.image_output import image_option, image_output
from tilecppn.formatting import counted

KINDS = ("seeds", "latents", "mutations", "palettes", "presets")  # of variants


def _names(text: str) -> list[str]:
    from tilecppn.cppn import PRESETS

    return list(PRESETS) if text == "all" else [name.strip() for name in text.split(",")]


def _palettes(text: str) -> list[int]:
    from tilecppn.scene.palettes import names

    if text.removesuffix("_r") in names():
        raise click.BadParameter(
            f"{text!r}: takes seeds, as 0-24; for this palette use --set output.palette={text}"
        )
    return parse_seeds(text)


@click.command()
@scene_argument
@image_option
@click.option(
    "--seeds",
    type=parse_seeds,
    metavar="0-24",
    help="Seeds of the weights [default: 0-24, if no other variants are given].",
)
@click.option("--latents", type=parse_seeds, metavar="0-24", help="Seeds of the latent.")
@click.option("--mutations", type=parse_seeds, metavar="0-24", help="Seeds of mutations.")
@click.option(
    "--amount",
    type=click.FloatRange(0.0, 1.0),
    default=0.1,
    show_default=True,
    help="How much a mutation changes, 0 to 1.",
)
@click.option("--palettes", type=_palettes, metavar="0-24", help="Seeds of palettes.")
@click.option(
    "--presets", type=_names, metavar="jupiter,tide", help='Names of presets; "all" for all.'
)
@click.option(
    "--columns",
    type=click.IntRange(1, 2500),
    help="Pictures per row [default: about as many as rows; with several kinds of variants, all of "
    "the last].",
)
@click.option(
    "--width",
    type=click.IntRange(16, 4096),
    default=256,
    show_default=True,
    help="Pixels of a picture's longer side.",
)
@click.option(
    "--without-dull", is_flag=True, help="Leave out pictures that are nearly of one colour."
)
@kernel_option
@overwrite_option
@json_option
def command(
    scene: Path,
    overrides: tuple[str, ...],
    output: Path,
    overwrite: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Draw variants of SCENE on one sheet; each label is what to type to get that picture.

    \b
    tilecppn gallery poster.toml -o seeds.png --seeds 0-24
    tilecppn gallery poster.toml -o latents.png --latents 0-8 --set cppn.seed=7
    tilecppn gallery poster.toml -o both.png --seeds 3,7,12 --latents 0-4
    tilecppn gallery poster.toml -o children.png --mutations 0-24 --amount 0.2
    tilecppn gallery poster.toml -o colours.png --presets jupiter,tide --palettes 0-9
    tilecppn gallery poster.toml -o lively.png --seeds 0-99 --without-dull
    """
    import math
    import time

    from tilecppn.cli.progress import Meter
    from tilecppn.exporters.gallery import SEEDS, gallery

    start = time.perf_counter()
    write = image_output(output, "a gallery", overwrite=overwrite)
    picture = load(scene, overrides)
    left_out: list[str] = []
    with Meter("gallery") as meter:
        sheet = gallery(picture, **options, left_out=left_out.append, progress=meter.progress)
    write(sheet, picture)
    kinds = [options[name] for name in KINDS if options[name] is not None] or [SEEDS]
    asked = math.prod(map(len, kinds))
    pictures, dull = asked - len(left_out), f"; {len(left_out)} left out" if left_out else ""
    seconds = time.perf_counter() - start
    result(
        f"{output}: {counted(pictures, 'picture')}, {sheet.shape[1]} × {sheet.shape[0]}{dull}",
        {
            "files": [str(output)],
            "pictures": pictures,
            "left_out": left_out,
            "seconds": round(seconds, 3),
        },
        as_json,
    )
