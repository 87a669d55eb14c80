"""`tilecppn animate`: render a film."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilecppn.cli.common import (
    FILE,
    OUTPUT,
    blaming_options,
    hdr_options,
    json_option,
    load,
    outcome_record,
    parse_seeds,
    result,
    set_option,
    time_and_speed,
)
from tilecppn.cli.image_output import image_output, is_made
from tilecppn.cli.run_options import Choices, opened_run, run_options
from tilecppn.cli.terminal import write_line
from tilecppn.formatting import counted

if TYPE_CHECKING:
    from tilecppn.film.encoding.base import FilmOptions
    from tilecppn.film.timeline.timeline import Timeline
    from tilecppn.run.task_queue import RunResult

SHEET = "a contact sheet"


class AnimateCommand(click.Command):
    """A command whose help ends with tables of suffixes and codecs."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the tables of suffixes and codecs."""
        from tilecppn.film.encoding.codecs import ANIMATIONS, CODECS, CONTAINERS, STILLS

        with formatter.section("Suffixes of OUT, with the codecs of videos, the default first"):
            formatter.write_dl(
                [
                    *((suffix, ", ".join(row.codecs)) for suffix, row in CONTAINERS.items()),
                    *((suffix, row.description) for suffix, row in ANIMATIONS.items()),
                    (".zarr", "a store with axes t, c, y, x"),
                    ("none", f"a folder of frames, {' or '.join(STILLS)}"),
                ]
            )
        with formatter.section("Codecs"):
            formatter.write_dl([(name, codec.description) for name, codec in CODECS.items()])


@click.command(cls=AnimateCommand)
@click.argument("timeline", metavar="TIMELINE|SCENE", type=OUTPUT)
@click.option(
    "-o", "--output", type=OUTPUT, metavar="OUT", help="The film; its suffix decides the format."
)
@click.option(
    "--morph",
    type=parse_seeds,
    metavar="1,2,3",
    help="Move through the latents of these seeds (scenes only); 1-3 is the same.",
)
@click.option("--zoom", type=float, metavar="FACTOR", help="Zoom in by this factor (scenes only).")
@click.option("--orbit", is_flag=True, help="Circle once around the centre (scenes only).")
@click.option("--loop/--no-loop", default=None, help="End where it began.")
@click.option(
    "--seconds", type=float, help="Length of the film; keyframes move with it [default: 10]."
)
@click.option(
    "--fps", metavar="RATE", help="Frames per second, as in 30 or 30000/1001 [default: 30]."
)
@click.option(
    "--samples", type=int, metavar="N", help="Motion blur: moments averaged into each frame."
)
@set_option
@click.option("--codec", metavar="NAME", help="Codec of a video; listed below.")
@click.option("--crf", type=int, metavar="N", help="Quality of a video; smaller is better.")
@click.option(
    "--even",
    metavar="pad|crop",
    help="Pad or crop an odd width or height, for codecs that need even ones.",
)
@click.option("--format", metavar="png|tif", help="Format of a folder of frames [default: png].")
@click.option(
    "--clip",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Length of the pieces of a video that are encoded on their own; 0 for the whole film "
    "[default: 1].",
)
@click.option(
    "--plays",
    type=int,
    metavar="N",
    help="How many times a GIF, WebP or PNG plays; 0 for endless [default: 0].",
)
@click.option(
    "--audio",
    type=FILE,
    help="Sound of a video. A film of a scene is as long as it, unless --seconds says otherwise; "
    "a longer sound is cut at the film's end.",
)
@hdr_options
@click.option(
    "--from", "start", metavar="TIME", help="Begin here: seconds, or a frame number as in 60f."
)
@click.option(
    "--to", "stop", metavar="TIME", help="End before this time: seconds, or a frame number."
)
@click.option("--frame", type=int, metavar="K", help="Draw only this frame.")
@click.option(
    "--scale",
    type=float,
    metavar="FACTOR",
    help="Multiply the canvas size, as in 0.5 for a quick draft.",
)
@click.option(
    "--contact", type=FILE, metavar="SHEET.png", help="Draw a contact sheet of the frames."
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace an existing tilecppn film and contact sheet.",
)
@run_options
@json_option
def command(
    timeline: Path,
    output: Path | None,
    morph: list[int] | None,
    zoom: float | None,
    orbit: bool,
    loop: bool | None,
    seconds: float | None,
    fps: str | None,
    samples: int | None,
    overrides: tuple[str, ...],
    start: str | None,
    stop: str | None,
    frame: int | None,
    scale: float | None,
    contact: Path | None,
    overwrite: bool,
    choices: Choices,
    as_json: bool,
    **film_options: Any,
) -> None:
    """Render a film of TIMELINE, or of SCENE with a ready-made move.

    Both may also be a tilecppn film, picture or store. Run the same command again to resume after
    an interruption: finished frames are kept in OUT.parts until the film is complete.

    \b
    tilecppn animate poster.toml -o morph.mp4 --morph 1,2,3 --loop --seconds 12
    tilecppn animate poster.toml -o zoom.webm --zoom 20 --fps 60
    tilecppn animate film.toml -o film.mov --codec prores-4444
    tilecppn animate film.toml -o film.mp4 --codec h265-10 --transfer pq --set output.dtype=uint16
    tilecppn animate poster.toml -o song.mp4 --orbit --audio song.mp3
    tilecppn animate film.toml --contact sheet.png
    """
    from tilecppn.film.encoding.base import FilmOptions
    from tilecppn.film.timeline.excerpt import excerpt, scaled

    options = FilmOptions(**film_options)
    if options.audio is not None and output is None:
        raise click.UsageError("--audio needs -o FILE, a video")
    if output is None and contact is None:
        raise click.UsageError("give -o FILE, or --contact SHEET.png")
    said = {"loop": loop, "seconds": seconds, "fps": fps, "samples": samples}
    film = {name: value for name, value in said.items() if value is not None}
    moves = {"morph": morph or [], "zoom": zoom, "orbit": orbit}
    with blaming_options("film", film):
        whole = _timeline(timeline, overrides, moves, film, options.audio)
        picture = excerpt(whole, start, stop, frame)
    if scale is not None:
        picture = scaled(picture, scale)
    if picture.steps:
        write_line(
            f"{', '.join(picture.steps)}: jumps at keyframes, since names, switches and whole "
            "numbers have nothing in between",
        )
    record: dict[str, Any] = {}
    lines: list[str] = []
    if contact is not None:
        # It may have been made by the same command before it was stopped.
        if output is None or not is_made(contact, SHEET, picture):
            _draw_sheet(picture, contact, choices["kernel"], overwrite)
        record["contact"] = str(contact)
        lines.append(str(contact))
    if output is not None:
        outcome = _render(timeline, picture, output, options, choices, overwrite)
        record |= {"film": str(output), "frames": picture.frames, **outcome_record(outcome)}
        lines.append(f"{output}: {_summary(picture, outcome)}")
    result("\n".join(lines), record, as_json)


def _draw_sheet(picture: "Timeline", contact: Path, kernel: str, overwrite: bool) -> None:
    from tilecppn.cli.progress import Meter
    from tilecppn.film.contact_sheet import contact_sheet

    write = image_output(contact, SHEET, overwrite=overwrite)
    with Meter("contact") as meter:
        sheet = contact_sheet(picture, kernel, meter.progress)
    write(sheet, picture)


def _render(
    path: Path,
    picture: "Timeline",
    output: Path,
    options: "FilmOptions",
    choices: Choices,
    overwrite: bool,
) -> "RunResult":
    """Render a film of what is at `path`, whose frames are taken if it has any."""
    from tilecppn.cli.run_meter import FilmMeter
    from tilecppn.exporters.kinds import suffix_of
    from tilecppn.film.animate import animate_to
    from tilecppn.film.embedded_timeline import has_frames
    from tilecppn.film.encoding.targets import choose_target
    from tilecppn.run.render import require_complete
    from tilecppn.storage.names import parts_of

    target = choose_target(output, picture, options)
    with (
        FilmMeter(picture, target.encoding if target else None) as meter,
        opened_run(choices, meter, overwrite=overwrite) as run,
    ):
        outcome = animate_to(picture, output, options, run, path if has_frames(path) else None)
        parts = parts_of(output)
        if not outcome.failed and suffix_of(output) != ".zarr" and parts.exists():
            meter.note(
                f"{parts}: holds another unfinished film, or one encoded with other options; "
                "its own command with --overwrite goes on with it, or delete that folder"
            )
    require_complete(outcome)
    return outcome


def _summary(picture: "Timeline", outcome: "RunResult") -> str:
    """Describe a film and the run that made it."""
    canvas = picture.base.canvas
    words = f"{counted(picture.frames, 'frame')} of {canvas.width} × {canvas.height}"
    if outcome.skipped == outcome.tasks:
        return f"{words}, complete before"
    taken = "" if outcome.pixels else ", none of them drawn,"
    done = f"{outcome.skipped:,} of {outcome.tasks:,} shards and clips"
    resumed = f"; {done} were there before" if outcome.skipped else ""
    return f"{words}{taken} in {time_and_speed(outcome)}{resumed}"


def _timeline(
    path: Path,
    overrides: tuple[str, ...],
    moves: dict[str, Any],
    film: dict[str, Any],
    audio: Path | None,
) -> Any:
    from tilecppn.errors import SceneError
    from tilecppn.exporters.embedded_scene import may_embed_scene
    from tilecppn.film.embedded_timeline import embedded_timeline
    from tilecppn.film.encoding.audio import sound_seconds
    from tilecppn.film.timeline.moves import moving
    from tilecppn.film.timeline.overrides import override_film, split_overrides
    from tilecppn.film.timeline.timeline import Timeline
    from tilecppn.scene.parsing import is_timeline, read_text

    found = embedded_timeline(path, overrides, **film)
    if found is None and (may_embed_scene(path) or not is_timeline(read_text(path, "a timeline"))):
        of_scene, of_film = split_overrides(overrides)
        said = {**override_film({}, of_film), **film}
        if audio is not None and "seconds" not in said:
            said["seconds"] = round(sound_seconds(audio), 3)
        return moving(load(path, tuple(of_scene)), **moves, **said)
    if any(moves.values()):
        raise SceneError(
            f"{path}: is a timeline, with keyframes of its own; --morph, --zoom and --orbit are "
            "for scenes"
        )
    return found or Timeline.load(path, overrides, **film)
