"""`tilecppn train`: train a CPPN on small images."""

from pathlib import Path
from typing import Any

import click

from tilecppn.cli.common import FILE, FiniteRange, blaming_options, json_option, result
from tilecppn.cli.options import device_options, given_settings, settings_options
from tilecppn.cli.signals import stop_request
from tilecppn.formatting import counted

# Setting → help of its option; the options' types follow from the settings.
HELP = {
    "model": "What to train: gan, vae, or gan-vae for both together.",
    "seed": "Seed of the initial weights, the order of the images and all noise.",
    "size": "Side of the squares cut from the images (default: 2 less than the images).",
    "batch": "Images per batch (default: 500; 16 for fewer than 10,000 images).",
    "epochs": "Number of passes over all images.",
    "z_dim": "Length of the latent.",
    "width": "Units of each hidden layer of the generator.",
    "activations": "Activations of the generator's hidden layers, separated by commas.",
    "residual": "Use residual hidden layers in the generator.",
    "deviation": "Standard deviation of the generator's initial weights and biases.",
    "scale": "Scale of the plane, and of the latent.",
    "encoder_width": "Units of the encoder's two layers.",
    "discriminator_width": "Features of the discriminator's first convolution.",
    "keep_prob": "Share of units that dropout keeps in the encoder.",
    "reconstruction": "Reconstruction loss: bce, or l2 for colour.",
    "kl_warmup": "Updates until the KL divergence has its full weight (default: 0; 35000 for fewer "
    "than 10,000 images).",
    "flip": "Mirror half of the images left to right.",
    "learning_rate": "Learning rate of generator and encoder against the discriminator (default: "
    "0.005; 0.0005 for fewer than 10,000 images).",
    "learning_rate_vae": "Learning rate of generator and encoder for the reconstruction (default: "
    "0.001; 0.002 for fewer than 10,000 images).",
    "learning_rate_d": "Learning rate of the discriminator.",
    "beta1": "Adam's beta1, for all three.",
    "vae_updates": "Updates for the reconstruction per batch (default: 4; 1 for vae).",
    "g_updates": "Most updates against the discriminator per batch (default: 4; 8 for gan; 1 for "
    "gan-vae with fewer than 10,000 images).",
    "d_updates": "Updates of the discriminator per batch: 0 or 1.",
    "g_enough": "Stop the generator's updates below this loss (default: 0.6; 0.8 for gan).",
    "d_above": "Train the discriminator only above this loss (default: 0.6; 0.45 for gan) …",
    "g_below": "… and only if the generator's loss is below this (default: 0.75; 0.8 for gan).",
    "curriculum": "Learn small images first: 2 × 2, 4 × 4, 8 × 8 … pixels.",
    "curriculum_epochs": "Epochs at each of the small sizes.",
}


@click.command()
@click.argument("data")
@click.option(
    "-o", "--output", type=FILE, required=True, help="The weights file to write, MODEL.safetensors."
)
@click.option(
    "--save-dir",
    type=FILE,
    help="Folder for checkpoints, curves and sheets (default: MODEL.training).",
)
@click.option(
    "--max-minutes", type=FiniteRange(0, min_open=True), help="Stop after this many minutes."
)
@click.option(
    "--from", "start", type=FILE, metavar="CHECKPOINT", help="Resume from this checkpoint."
)
@click.option(
    "--keep",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Number of checkpoints to keep.",
)
@click.option("--overwrite", is_flag=True, help="Start again, and delete all in the save dir.")
@click.option(
    "--resize", type=click.IntRange(4, 1024), help="Resize the images of a folder to N × N."
)
@device_options("mixed: products in bfloat16; auto: if the device supports it.")
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

    If it is interrupted or killed, run the same command again to resume from the last checkpoint.
    A scene draws the model with [cppn] weights = "MODEL.safetensors".

    \b
    tilecppn train digits -o digits.safetensors --max-minutes 10
    tilecppn train mnist -o mnist.safetensors --epochs 20 --save-dir run1
    tilecppn train photos/ -o photos.safetensors --resize 32 --flip --reconstruction l2
    """
    from tilecppn.cli.training_meter import TrainingMeter
    from tilecppn.train.checks import check_fit, check_paths, default_save_dir
    from tilecppn.train.data.sources import read_data
    from tilecppn.train.settings import Settings

    given = given_settings(options)
    with blaming_options("settings", given), TrainingMeter(max_minutes) as meter:
        settings = Settings(**given)
        check_paths(output, save_dir or default_save_dir(output), start, overwrite)
        images = read_data(data, resize)
        check_fit(settings.with_defaults(len(images), images.shortest_side), images)
        from tilecppn.train.training import train_model  # torch takes seconds to load

        outcome = train_model(
            images,
            output,
            given,
            save_dir=save_dir,
            start=start,
            overwrite=overwrite,
            max_minutes=max_minutes,
            keep=keep,
            device=device,
            precision=precision,
            listeners=[meter],
            stopping=stop_request(patience=1.0),
        )
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
        f"{outcome.model}: {counted(outcome.batches, 'batch', 'batches')}, "
        f"{outcome.epochs:.1f} epochs, in {outcome.seconds / 60:.1f} min\n"
        f"sheets, curves and checkpoints: {outcome.checkpoint.parent.parent}"
    )
    result(text, record, as_json)
