from pathlib import Path

import click

from tilecppn.cli.common import FILE, kernel_option, load, png_output, scene_argument


@click.command()
@scene_argument
@click.option("-o", "--output", type=FILE, required=True, help="The PNG to write.")
@click.option(
    "--width",
    type=click.IntRange(1, 32768),
    default=1024,
    show_default=True,
    help="Pixels; the height follows from the canvas.",
)
@kernel_option
def command(scene: Path, overrides: tuple[str, ...], output: Path, width: int, kernel: str) -> None:
    """Draw SCENE as one small image, at once.

    \b
    tilecppn preview poster.toml -o poster.png --width 1024
    tilecppn preview poster.toml -o other.png --set cppn.seed=7
    """
    from tilecppn.pixels.window import preview

    write = png_output(output, "a preview")
    picture = load(scene, overrides)
    image = preview(picture, width, kernel)
    write(image, picture.to_toml())
    click.echo(f"{output}: {image.shape[1]} × {image.shape[0]}")
