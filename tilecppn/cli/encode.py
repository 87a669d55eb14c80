"""`tilecppn encode`: find the latent of an image."""

from pathlib import Path

import click

from tilecppn.cli.common import FILE, json_option, result


@click.command()
@click.argument("model", type=FILE)
@click.argument("image", type=FILE)
@click.option(
    "--invert",
    is_flag=True,
    help="Invert the image first: dark on light, for a model of light on dark.",
)
@json_option
def command(model: Path, image: Path, invert: bool, as_json: bool) -> None:
    """Find the latent of IMAGE with the encoder of MODEL, and print the scene that draws it.

    MODEL is a weights file of `tilecppn train`. The middle square of the image is used, scaled
    down to the size that the model learned from.

    \b
    tilecppn encode digits.safetensors seven.png > seven.toml
    tilecppn render seven.toml -o seven.zarr --set canvas.width=16384 --set canvas.height=16384
    """
    import tomli_w
    from PIL import ImageOps

    from tilecppn.notebook.trained_model import TrainedModel
    from tilecppn.pictures import read_picture

    trained = TrainedModel(model)
    picture = read_picture(image, enough=trained.encoder.side)
    z = trained.encode(ImageOps.invert(picture) if invert else picture).tolist()
    scene = {"cppn": {"weights": str(model)}, "latent": {"z": z}}
    result(tomli_w.dumps(scene).rstrip(), {"model": str(model), "z": z}, as_json)
