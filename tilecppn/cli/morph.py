"""`tilecppn morph`: morph between pictures of a model."""

from pathlib import Path

import click

from tilecppn.cli.common import FILE, FiniteRange, json_option, result


@click.command()
@click.argument("model", type=FILE)
@click.argument("waypoints", metavar="WAYPOINT…", nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, required=True, help="The GIF to write.")
@click.option(
    "--frames",
    type=click.IntRange(2, 1000),
    default=24,
    show_default=True,
    help="Frames from one waypoint to the next, both included.",
)
@click.option(
    "--size", type=click.IntRange(2, 4096), default=256, show_default=True, help="Width and height."
)
@click.option("--loop", is_flag=True, help="Go back to the first waypoint at the end.")
@click.option(
    "--duration",
    type=FiniteRange(0.01, 60),
    default=0.1,
    show_default=True,
    help="Seconds per frame.",
)
@click.option("--sinusoid", is_flag=True, help="Slow down at each waypoint.")
@click.option("--overwrite", is_flag=True, help="Replace an existing GIF that tilecppn made.")
@json_option
def command(
    model: Path,
    waypoints: tuple[str, ...],
    output: Path,
    frames: int,
    size: int,
    loop: bool,
    duration: float,
    sinusoid: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Morph between pictures of MODEL, as an endless GIF.

    A WAYPOINT is an image, whose latent the model's encoder finds, or the seed of a latent.

    \b
    tilecppn morph digits.safetensors seven.png nine.png -o morph.gif --sinusoid
    tilecppn morph digits.safetensors 1 2 3 -o tour.gif --loop
    """
    from tempfile import TemporaryDirectory

    from tilecppn.cli.progress import Meter
    from tilecppn.errors import InvalidRequestError
    from tilecppn.exporters.output import provenance
    from tilecppn.exporters.output.atomic import atomic_output, check_output
    from tilecppn.exporters.output.provenance import FILM, Provenance
    from tilecppn.film.encoding import metadata
    from tilecppn.notebook.animation import save_gif
    from tilecppn.notebook.sampler import Sampler
    from tilecppn.pictures import read_picture

    if output.suffix != ".gif":
        raise InvalidRequestError(f"{output}: a morph is a GIF; give a name that ends in .gif")
    check_output(output, FILM, overwrite=overwrite)
    if len(waypoints) < 2:
        raise InvalidRequestError(
            "a morph needs two waypoints at least: images, or seeds of latents"
        )
    sampler = Sampler.load(model)
    latents = [
        sampler.cppn.seeded_latent(int(point))
        if point.isdecimal()
        else sampler.encode(read_picture(Path(point), enough=sampler.trained_model.encoder.side))
        for point in waypoints
    ]
    ways = list(zip(latents, [*latents[1:], latents[0]], strict=True))
    ways = ways if loop else ways[:-1]
    images = []
    with Meter("morph") as meter:
        meter.begin(len(ways) * frames * size * size)
        for start, end in ways:
            for image in sampler.morph(start, end, frames, size, size, sinusoid=sinusoid):
                images.append(sampler.to_image(image))
                meter.add(size * size)
    scene = sampler.scene(latents[0], size, size)
    made = Provenance(FILM, scene.to_toml(), scene.fingerprint, "morph")
    with atomic_output(output) as temporary, TemporaryDirectory() as folder:
        plain = Path(folder, "plain.gif")
        save_gif(images, plain, [duration] * len(images))
        metadata.copy_with_metadata(plain, temporary, ".gif", made.text())
        provenance.seal(temporary)
    record = {"file": str(output), "frames": len(images), "seconds": len(images) * duration}
    result(f"{output}: {len(images)} frames of {size} × {size}", record, as_json)
