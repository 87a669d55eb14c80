"""`tilecppn fit`: fit a CPPN to an image."""

from pathlib import Path
from typing import Any

import click

from tilecppn.cli.common import FILE, FiniteRange, blaming_options, json_option, result
from tilecppn.cli.image_output import image_output
from tilecppn.cli.options import device_options, given_settings, settings_options
from tilecppn.cli.signals import stop_request

HELP = {
    "seed": "Seed of the initial weights and the order of the pixels.",
    "width": "Units of each hidden layer.",
    "activations": "Activations of the hidden layers, separated by commas; sin first gives Fourier "
    "features.",
    "frequency": "Highest frequency of the first layer's sines, in radians per pixel.",
    "batch": "Pixels per step.",
    "learning_rate": "Adam's learning rate at the start.",
}


@click.command()
@click.argument("image", type=FILE)
@click.option(
    "-o", "--output", type=FILE, required=True, help="The weights file to write, MODEL.safetensors."
)
@click.option(
    "--max-minutes",
    type=FiniteRange(0, min_open=True),
    default=5.0,
    show_default=True,
    help="Time limit; the learning rate falls towards its end.",
)
@click.option("--max-steps", type=click.IntRange(1), help="Limit of steps.")
@click.option("--psnr", type=FiniteRange(0), help="Stop at this PSNR, in dB.")
@click.option(
    "--resize",
    type=click.IntRange(8, 8192),  # a square then has the most pixels that can be fitted
    help="Scale the longer side to this many pixels first.",
)
@click.option("--grey", is_flag=True, help="Convert the image to grey first.")
@click.option(
    "--preview", type=FILE, metavar="FILE.png", help="Update this image with the progress."
)
@click.option("--overwrite", is_flag=True, help="Replace an existing model and preview.")
@device_options("mixed: products in bfloat16; auto: if the processor supports it.")
@settings_options("FitSettings", HELP)
@json_option
def command(
    image: Path,
    output: Path,
    max_minutes: float,
    max_steps: int | None,
    psnr: float | None,
    resize: int | None,
    grey: bool,
    preview: Path | None,
    overwrite: bool,
    device: str,
    precision: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Fit a CPPN to IMAGE, so that it draws this image at any size.

    Reports the peak signal-to-noise ratio (PSNR, in dB) as it goes. A scene with
    [cppn] weights = "MODEL.safetensors" and the picture's size draws its pixels; a larger canvas
    draws between them.

    \b
    tilecppn fit flower.jpg -o flower.safetensors --max-minutes 5
    tilecppn fit flower.jpg -o flower.safetensors --psnr 30 --resize 512 --preview flower-fit.png
    """
    import tomli_w

    from tilecppn.cli.progress import Meter
    from tilecppn.exporters.output.atomic import claimed
    from tilecppn.formatting import counted, format_duration
    from tilecppn.pictures import read_picture
    from tilecppn.train.checks import check_output, check_picture
    from tilecppn.train.settings import FitSettings

    check_output(output, overwrite=overwrite)
    write = None if preview is None else image_output(preview, "a preview", overwrite=overwrite)
    given = given_settings(options)
    with blaming_options("fitsettings", given):
        settings = FitSettings(**given)
    picture = read_picture(image, longer=resize)
    if grey:
        picture = picture.convert("L")
    check_picture(picture)

    from tilecppn.train.device import has_bfloat16, pick_device  # torch takes seconds to load
    from tilecppn.train.fit import Progress, fit_image

    chosen = pick_device(device)
    mixed = precision == "mixed" or (precision == "auto" and has_bfloat16(chosen))

    size = {"width": picture.width, "height": picture.height}
    scene = tomli_w.dumps({"cppn": {"weights": str(output)}, "canvas": size})

    with Meter("fit") as meter, claimed(output):
        check_output(output, overwrite=overwrite)  # again: another command may have just ended
        meter.note(
            f"{image}: {picture.width} × {picture.height}, on {chosen.type}, "
            f"{'mixed precision' if mixed else 'float32'}"
        )

        def show(progress: Progress) -> None:
            left = progress.seconds / progress.share * (1 - progress.share) if progress.share else 0
            eta = f"  ETA {format_duration(left)}" if left else ""
            meter.note(
                f"fit {100 * progress.share:.0f} %  step {progress.steps:,}  "
                f"{progress.psnr:.2f} dB{eta}"
            )
            if write is not None:
                write(progress.drawn, scene)

        fit = fit_image(
            picture,
            output,
            settings,
            max_minutes=max_minutes,
            max_steps=max_steps,
            psnr=psnr,
            device=chosen,
            mixed=mixed,
            listeners=[show],
            stopping=stop_request(patience=1.0),
        )
    record = {
        "model": str(output),
        "psnr": round(fit.psnr, 3),
        "steps": fit.steps,
        "seconds": round(fit.seconds, 3),
        **size,
    }
    text = (
        f"{output}: {fit.psnr:.2f} dB after {counted(fit.steps, 'step')} in "
        f"{format_duration(fit.seconds)}; its own size is {picture.width} × {picture.height}"
    )
    result(text, record, as_json)
