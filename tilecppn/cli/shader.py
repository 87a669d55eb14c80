"""`tilecppn shader`: write a scene as a page that draws it on the GPU, or as a function."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilecppn.cli.common import (
    FILE,
    OUTPUT,
    json_option,
    load,
    overwrite_option,
    parse_seeds,
    result,
    set_option,
)

if TYPE_CHECKING:
    from tilecppn.film.timeline.timeline import Timeline

LEG = 5.0  # seconds from one latent of --morph to the next


@click.command()
@click.argument("scene", metavar="SCENE|TIMELINE", type=OUTPUT)
@set_option
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="The page to write, NAME.html; or the function alone, NAME.glsl or NAME.wgsl.",
)
@click.option(
    "--morph",
    type=parse_seeds,
    metavar="1,2,3",
    help="Play a morph through the latents of these seeds, five seconds each (scenes only).",
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
    morph: list[int] | None,
    title: str | None,
    show_scene: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write SCENE as a page that draws it on its viewer's GPU, or TIMELINE as one that plays it.

    The page is one file that opens by double-click and needs no network. NAME.glsl or NAME.wgsl is
    the function alone, for shaders of your own.

    \b
    tilecppn shader poster.toml -o poster.html
    tilecppn shader poster.toml -o morph.html --morph 1,2,3
    tilecppn shader film.toml -o film.html
    tilecppn shader poster.toml -o poster.glsl
    """
    from tilecppn.exporters.kinds import suffix_of
    from tilecppn.film.motion import motion_of
    from tilecppn.formatting import format_bytes
    from tilecppn.shaders import shader

    timeline = _timeline(scene, overrides, morph) if suffix_of(output) == ".html" or morph else None
    picture, motion = (load(scene, overrides), None) if timeline is None else motion_of(timeline)
    written = shader(
        picture,
        output,
        title=title,
        show_scene=show_scene,
        motion=motion,
        overwrite=overwrite,
    )
    size = written.stat().st_size
    record = {"files": [str(output)], "bytes": size}
    result(f"{output}: {format_bytes(size)}", record, as_json)


def _timeline(path: Path, overrides: tuple[str, ...], morph: list[int] | None) -> "Timeline | None":
    from tilecppn.errors import SceneError
    from tilecppn.film.timeline.moves import moving
    from tilecppn.film.timeline.timeline import load_timeline

    found = load_timeline(path, overrides)
    if morph is None:
        return found
    if found is not None:
        raise SceneError(f"{path}: is a timeline, with keyframes of its own; --morph is for scenes")
    return moving(load(path, overrides), morph=morph, loop=True, seconds=LEG * len(morph))
