"""`tilecppn preview`: draw a small image."""

from pathlib import Path

import click

from tilecppn.cli.common import (
    FILE,
    json_option,
    kernel_option,
    load,
    load_timeline,
    overwrite_option,
    result,
    set_option,
)
from tilecppn.cli.image_output import image_option, image_output


@click.command()
@click.argument("scene", metavar="SCENE|TIMELINE", type=FILE)
@set_option
@image_option
@click.option(
    "--width",
    type=click.IntRange(1, 32768),
    default=1024,
    show_default=True,
    help="Pixels; the height follows from the canvas.",
)
@click.option("--time", type=float, help="Seconds into a film (timelines only) [default: 0].")
@kernel_option
@overwrite_option
@json_option
def command(
    scene: Path,
    overrides: tuple[str, ...],
    output: Path,
    width: int,
    time: float | None,
    kernel: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw SCENE, or a frame of TIMELINE, as one small image.

    \b
    tilecppn preview poster.toml -o poster.png --width 1024
    tilecppn preview poster.toml -o other.png --set cppn.seed=7
    tilecppn preview film.toml -o frame.png --time 7
    """
    from time import perf_counter

    from tilecppn.cli.progress import Meter
    from tilecppn.errors import InvalidRequestError
    from tilecppn.exporters.files.image_file import check_image_size
    from tilecppn.pixels.preview import preview, preview_size

    start = perf_counter()
    write = image_output(output, "a preview", overwrite=overwrite)
    timeline = load_timeline(scene, overrides)
    if timeline is not None:
        seconds = time or 0.0
        if not 0.0 <= seconds < timeline.film.seconds:
            raise InvalidRequestError(
                f"--time {seconds:g}: must be from 0 to below {timeline.film.seconds:g}, the "
                "film's length in seconds"
            )
        picture = timeline.scene(min(round(seconds * timeline.film.fps), timeline.frames - 1))
    elif time is not None:
        raise InvalidRequestError(f"{scene}: is a scene; --time applies only to timelines")
    else:
        picture = load(scene, overrides)
    check_image_size(output, preview_size(picture, width))
    with Meter("preview") as meter:
        image = preview(picture, width, kernel, meter.progress)
    write(image, picture)
    height, width = image.shape[:2]
    record = {
        "files": [str(output)],
        "width": width,
        "height": height,
        "seconds": round(perf_counter() - start, 3),
    }
    result(f"{output}: {width} × {height}", record, as_json)
