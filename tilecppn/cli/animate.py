from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tilecppn.cli.common import (
    FILE,
    json_option,
    outcome_record,
    outcome_words,
    result,
    run_options,
    set_option,
)


@click.command()
@click.argument("timeline", metavar="TIMELINE|SCENE", type=FILE)
@click.option("-o", "--output", type=FILE, help="The film; its suffix says what kind.")
@click.option("--morph", metavar="SEEDS", help="Of a scene: through the latents of these seeds.")
@click.option("--zoom", type=float, metavar="FACTOR", help="Of a scene: so many times closer.")
@click.option("--orbit", is_flag=True, help="Of a scene: once around its centre.")
@click.option("--loop/--no-loop", default=None, help="The end leads back to the beginning.")
@click.option("--seconds", type=float, help="How long it is (default 10).")
@click.option("--fps", metavar="RATE", help="Frames a second, as in 30 or 30000/1001 (default 30).")
@click.option(
    "--samples", type=int, metavar="N", help="Moments averaged into a frame: motion blur."
)
@set_option
@click.option("--codec", metavar="NAME", help="Of a video; see below.")
@click.option("--crf", type=int, metavar="N", help="Of a video: its quality; smaller is better.")
@click.option(
    "--even", metavar="pad|crop", help="What to do where a codec cannot have the canvas' odd sides."
)
@click.option("--format", "format_", metavar="png|tif", help="Of a folder of frames (default png).")
@click.option(
    "--clip",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="How much one worker encodes in one piece (default 1; 0 is all).",
)
@click.option("--contact", type=FILE, metavar="SHEET.png", help="Lay frames out as one image.")
@click.option("--overwrite", is_flag=True, help="Replace the film of ours that is there.")
@run_options
@click.option(
    "--deadline",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="The longest time for one frame or clip (default: from the others).",
)
@json_option
def command(
    timeline: Path,
    output: Path | None,
    morph: str | None,
    zoom: float | None,
    orbit: bool,
    loop: bool | None,
    seconds: float | None,
    fps: str | None,
    samples: int | None,
    overrides: tuple[str, ...],
    codec: str | None,
    crf: int | None,
    even: str | None,
    format_: str | None,
    clip: float | None,
    contact: Path | None,
    overwrite: bool,
    executor: str,
    address: str | None,
    workers: int | None,
    kernel: str,
    deadline: float | None,
    as_json: bool,
) -> None:
    """Render a film of TIMELINE, or of SCENE with a ready move.

    Stopped or killed, the same command goes on where it was: finished frames lie in OUT.parts
    until the film is whole.

    \b
    .mp4    h264, h265, h265-10 (10 bits), av1
    .mov    prores-hq, prores-4444, h264, h265, h265-10
    .webm   vp9, av1
    .mkv    ffv1 (lossless), and all others
    .gif .webp .png (animated)
    .zarr   a store t, c, y, x
    a name without a suffix: a folder of frames, png or tif

    \b
    tilecppn animate poster.toml -o morph.mp4 --morph 1,2,3 --loop --seconds 12
    tilecppn animate poster.toml -o zoom.webm --zoom 1e3 --fps 60
    tilecppn animate film.toml -o film.mov --codec prores-4444
    tilecppn animate film.toml --contact sheet.png
    """
    from tilecppn.cli.progress import FilmMeter
    from tilecppn.errors import SceneError
    from tilecppn.film.animate import animate_to
    from tilecppn.film.targets import Choices
    from tilecppn.run.options import Run
    from tilecppn.run.policy import Policy
    from tilecppn.run.render import require_complete

    if output is None and contact is None:
        raise click.UsageError("give -o FILE, or --contact SHEET.png")
    said = {"loop": loop, "seconds": seconds, "fps": fps, "samples": samples}
    film = {name: value for name, value in said.items() if value is not None}
    moves = {"morph": _seeds(morph), "zoom": zoom, "orbit": orbit}
    picture = _timeline(timeline, overrides, moves, film)
    record: dict[str, Any] = {}
    lines: list[str] = []
    if contact is not None:
        if contact.suffix != ".png":
            raise SceneError(f"{contact}: a contact sheet is a PNG; give a name that ends in .png")
        _contact(picture, contact, kernel)
        record["contact"] = str(contact)
        lines.append(str(contact))
    if output is not None:
        choices = Choices(codec, crf, even, format_, clip)
        policy = Policy(deadline=deadline)
        with FilmMeter("animate", picture) as meter:
            run = Run(executor, address, workers, kernel, overwrite, policy, [meter])
            outcome = animate_to(picture, output, choices, run)
        require_complete(outcome)
        record |= {
            "film": str(output),
            "frames": picture.frames,
            **outcome_record(outcome),
        }
        canvas = picture.base.canvas
        lines.append(
            f"{output}: {picture.frames} frames of {canvas.width} × {canvas.height}, "
            f"{outcome_words(outcome)}"
        )
    result("\n".join(lines), record, as_json)


def _seeds(text: str | None) -> Sequence[int]:
    from tilecppn.errors import SceneError

    try:
        return [] if text is None else [int(part) for part in text.split(",")]
    except ValueError:
        raise SceneError(f"--morph {text}: must be seeds with commas, as in 1,2,3") from None


def _timeline(
    path: Path, overrides: tuple[str, ...], moves: dict[str, Any], film: dict[str, Any]
) -> Any:
    from tilecppn.errors import SceneError
    from tilecppn.film.moves import moving
    from tilecppn.film.timeline import Timeline, is_timeline, read
    from tilecppn.scene import Scene

    if not is_timeline(read(path)):
        return moving(Scene.load(path, overrides), **moves, **film)
    if any(moves.values()):
        raise SceneError(
            f"{path}: is a timeline, with keyframes of its own; --morph, --zoom and --orbit are "
            "for scenes"
        )
    return Timeline.load(path, overrides, **film)


def _contact(picture: Any, path: Path, kernel: str) -> None:
    from tilecppn.assemble.placing import placed
    from tilecppn.assemble.png import check_png, encode_png
    from tilecppn.film.contact import contact_sheet

    check_png(path)
    image = contact_sheet(picture, kernel)
    with placed(path) as temporary:
        temporary.write_bytes(encode_png(image, picture.to_toml()))
