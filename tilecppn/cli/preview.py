from pathlib import Path

import click

from tilecppn.cli.common import FILE, kernel_option, load, scene_argument


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
    from tilecppn.assemble.placing import placed
    from tilecppn.assemble.png import check_png, encode_png
    from tilecppn.errors import ExportError
    from tilecppn.pixels.window import preview

    if output.suffix != ".png":
        raise ExportError(f"{output}: a preview is a PNG; give a name that ends in .png")
    picture = load(scene, overrides)
    check_png(output)
    image = preview(picture, width, kernel)
    with placed(output) as temporary:
        temporary.write_bytes(encode_png(image, picture.to_toml()))
    click.echo(f"{output}: {image.shape[1]} × {image.shape[0]}")
