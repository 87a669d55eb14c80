"""`tilecppn shader`: write a scene as a page that draws itself, or as a function."""

from pathlib import Path

import click

from tilecppn.cli.common import FILE, json_option, load, overwrite_option, result, set_option


@click.command()
@click.argument("scene", type=FILE)
@set_option
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="The page to write, NAME.html; or the function alone, NAME.glsl or NAME.wgsl.",
)
@click.option("--title", help="Title [default: the scene's, or the file's name].")
@click.option(
    "--scene/--no-scene", "show_scene", default=True, help="Whether the page shows the scene."
)
@overwrite_option
@json_option
def command(
    scene: Path,
    overrides: tuple[str, ...],
    output: Path,
    title: str | None,
    show_scene: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write SCENE as a page that draws it on its viewer's GPU.

    The page is one file that opens by double-click and needs no network. NAME.glsl or NAME.wgsl is
    the function alone, for shaders of your own.

    \b
    tilecppn shader poster.toml -o poster.html
    tilecppn shader poster.toml -o poster.glsl
    """
    from tilecppn.formatting import format_bytes
    from tilecppn.shaders import shader

    written = shader(
        load(scene, overrides),
        output,
        title=title,
        show_scene=show_scene,
        overwrite=overwrite,
    )
    size = written.stat().st_size
    record = {"files": [str(output)], "bytes": size}
    result(f"{output}: {format_bytes(size)}", record, as_json)
