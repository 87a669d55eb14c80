"""`tilecppn train`: train a CPPN on small images."""

import math
from pathlib import Path
from typing import Any

import click

from tilecppn.cli.common import FILE, json_option, result
from tilecppn.cli.options import as_option, device_options, given_settings, settings_options
from tilecppn.cli.signals import stop_request

# Setting → what its option says; the options' types follow from the settings.
HELP = {
    "model": "gan, vae, or gan-vae: both together.",
    "seed": "Of the initial weights, the order of the images and all noise.",
    "size": "Side of the squares that are cut out (default: the images' less 2).",
    "batch": "Images at a time (default: 500; 16 for fewer than 10,000 images).",
    "epochs": "Passes over all images.",
    "z_dim": "Length of the latent.",
    "width": "Of the generator's layers.",
    "activations": "Of the generator's hidden layers: names with commas.",
    "residual": "Hidden layers of the generator add to their input.",
    "deviation": "Of the generator's initial weights and biases.",
    "scale": "Of the plane that is learned on, and of the latent.",
    "encoder_width": "Of the encoder's two layers.",
    "discriminator_width": "Features of the discriminator's first convolution.",
    "keep_prob": "Dropout in the encoder: the share that is kept.",
    "reconstruction": "Loss of the reconstruction: bce, or l2 for colour.",
    "kl_warmup": "Updates in which the latents' divergence from N(0, 1) comes to count in full "
    "(default: 0; 35000 for fewer than 10,000 images).",
    "flip": "Mirror half of the images left to right.",
    "learning_rate": "Of generator and encoder against the discriminator (default: 0.005; 0.0005 "
    "for fewer than 10,000 images).",
    "learning_rate_vae": "Of generator and encoder for the reconstruction (default: 0.001; 0.002 "
    "for fewer than 10,000 images).",
    "learning_rate_d": "Of the discriminator.",
    "beta1": "Adam's, for all three.",
    "vae_updates": "For the reconstruction, a batch (default: 4; 1 for vae).",
    "g_updates": "Against the discriminator, at most, a batch (default: 4; 8 for gan; 1 for "
    "gan-vae and fewer than 10,000 images).",
    "d_updates": "Of the discriminator, a batch: 0 or 1.",
    "g_enough": "A generator's loss below it ends its updates (default: 0.6; 0.8 for gan).",
    "d_above": "The discriminator learns above this loss (default: 0.6; 0.45 for gan) …",
    "g_below": "… and only if the generator's is below this (default: 0.75; 0.8 for gan).",
    "curriculum": "Learn small first: 2 × 2, 4 × 4, 8 × 8 … pixels.",
    "curriculum_epochs": "Epochs at each of the small sizes.",
}


@click.command()
@click.argument("data")
@click.option(
    "-o", "--output", type=FILE, required=True, help="The model to write: MODEL.safetensors."
)
@click.option(
    "--save-dir",
    type=FILE,
    help="Checkpoints, curves, sheets (default: MODEL.training beside the model).",
)
@click.option("--max-minutes", type=click.FloatRange(0, min_open=True), help="Stop after so long.")
@click.option("--from", "start", type=FILE, metavar="CHECKPOINT", help="Go on from this one.")
@click.option(
    "--keep", type=click.IntRange(1), default=5, show_default=True, help="Checkpoints that stay."
)
@click.option("--overwrite", is_flag=True, help="Train anew; what the save dir has goes.")
@click.option("--resize", type=click.IntRange(4, 1024), help="Make a folder's images N × N.")
@device_options("mixed: products in bfloat16; auto: where the device does that itself.")
@settings_options("Settings", HELP)
@json_option
def command(
    data: str,
    output: Path,
    save_dir: Path | None,
    max_minutes: float | None,
    start: Path | None,
    keep: int,
    overwrite: bool,
    resize: int | None,
    device: str,
    precision: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a CPPN on small images, with a GAN, a VAE or both; write it to MODEL.safetensors.

    DATA is a folder with MNIST's four files (or Fashion-MNIST's), a folder of images (its
    sub-folders are labels), or a word: digits (scikit-learn's 1,797, no network needed) or mnist
    (downloaded).

    Stopped or killed, the same command goes on from the last checkpoint. The model is a weights
    file: a scene draws it with [cppn] weights = "MODEL.safetensors".

    \b
    tilecppn train digits -o digits.safetensors --max-minutes 10
    tilecppn train mnist -o mnist.safetensors --epochs 20 --save-dir run1
    tilecppn train photos/ -o photos.safetensors --resize 32 --flip --reconstruction l2
    """
    from tilecppn.cli.training_meter import TrainingMeter
    from tilecppn.errors import InvalidRequestError, SceneError
    from tilecppn.train.data.sources import read_data
    from tilecppn.train.training import train_model

    try:
        with TrainingMeter(max_minutes) as meter:
            outcome = train_model(
                read_data(data, resize),
                output,
                given_settings(options),
                save_dir=save_dir,
                start=start,
                overwrite=overwrite,
                max_minutes=max_minutes,
                keep=keep,
                device=device,
                precision=precision,
                listeners=[meter],
                stopping=stop_request(patience=math.inf),
            )
    except SceneError as error:  # settings.learning_rate = -1: … → --learning-rate = -1: …
        raise InvalidRequestError(as_option(str(error))) from None
    record: dict[str, Any] = {
        "model": str(outcome.model),
        "checkpoint": str(outcome.checkpoint),
        "batches": outcome.batches,
        "epochs": round(outcome.epochs, 3),
        "seconds": round(outcome.seconds, 3),
    }
    if outcome.point is not None:
        losses = outcome.point.losses
        record |= {name: getattr(losses, name) for name in ("vae", "g", "d")}
    text = (
        f"{outcome.model}: {outcome.batches:,} batches, {outcome.epochs:.1f} epochs, in "
        f"{outcome.seconds / 60:.1f} min\n"
        f"sheets, curves and checkpoints: {outcome.checkpoint.parent.parent}"
    )
    result(text, record, as_json)
