"""Arguments, options and output that commands share."""

import contextlib
import json
import math
import re
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tilecppn.cli.terminal import visible
from tilecppn.formatting import counted, format_duration, format_rate, option_name

if TYPE_CHECKING:
    from tilecppn.film.timeline.timeline import Timeline
    from tilecppn.run.task_queue import RunResult
    from tilecppn.scene.scene import Scene

F = TypeVar("F", bound=Callable[..., Any])


class FileType(click.Path):
    """A path on a disk, in which a leading ~ is the home folder even if the shell left it.

    addresses: accept s3://bucket/key, gs://… and az://…, too.
    """

    def __init__(self, *, addresses: bool = False) -> None:
        super().__init__(path_type=Path)
        self.addresses = addresses

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path. Fail for an address if only a path on a disk is allowed."""
        from tilecppn.addresses import NO_ADDRESSES, as_path, is_address
        from tilecppn.errors import AddressError

        if is_address(value):
            if not self.addresses:
                self.fail(f"{value}: {NO_ADDRESSES}; give a path on a disk", param, ctx)
            try:
                return as_path(value)
            except AddressError as error:
                self.fail(str(error), param, ctx)
        path: Any = super().convert(value, param, ctx)
        try:
            return Path(path).expanduser()
        except RuntimeError:  # no such user, or no home
            return path


FILE = FileType()
OUTPUT = FileType(addresses=True)  # a store or an export, on a disk or in a bucket


class ByteCount(click.ParamType[int]):
    """A number of bytes: 20000000, 20MB, 1.5 GB."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Fail for any other text, and for less than 1."""
        found = _BYTES.fullmatch(str(value).strip())
        count = int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
        if count < 1:
            self.fail(f"{value!r}: write a size as 20MB, 800kB or 1.5GB", param, ctx)
        return count


class FiniteRange(click.FloatRange):
    """A range of numbers without NaN and infinity, which click accepts in any range."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number. Fail for NaN, infinity, and a number outside the range."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class Length(click.ParamType[int | str]):
    """A number of pixels, or a length on paper."""

    name = "length"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Return an integer for digits, otherwise the text."""
        text = str(value).strip()
        return int(text) if re.fullmatch(r"-?\d{1,9}", text) else text


LENGTH = Length()
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
BYTES = ByteCount()
MOST_SEEDS = 2500  # in one option

set_option = click.option(
    "--set",
    "overrides",
    metavar="SECTION.KEY=VALUE",
    multiple=True,
    help="Override one value of the scene (repeatable); KEY=none removes a key.",
)


def scene_argument(function: F) -> F:
    """Add SCENE and --set, passed to the command as `scene` (a path) and `overrides`."""
    return click.argument("scene", type=OUTPUT)(set_option(function))


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of text."
)
overwrite_option = click.option(
    "--overwrite",
    is_flag=True,
    help="Replace an existing output of the same kind that tilecppn made and nobody changed.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 4096),
    help="Number of workers [default: one per CPU core or GPU].",
)
kernel_option = click.option(
    "--kernel",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Kernel that evaluates the network: auto, reference, llvm, torch, triton or wgpu.",
)


def with_options(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return a decorator that adds several options; the help shows the last one first."""

    def decorated(function: F) -> F:
        for option in options:
            function = option(function)
        return function

    return decorated


# Options of an export, passed to the command under the names of `ExportOptions`' fields.
export_options = with_options(
    click.option(
        "--overlap",
        type=LENGTH,
        metavar="N",
        default=0,
        show_default=True,
        help="Pixels that Deep Zoom tiles share on each side, or that panels share.",
    ),
    click.option(
        "--tile",
        type=int,
        help="Side of a tile in pixels [default: the store's; XYZ, PMTiles and Zoomify: 256].",
    ),
    click.option(
        "--effort",
        type=int,
        default=1,
        show_default=True,
        help="How hard to compress: 1 (fast) to 9 (small files).",
    ),
    click.option(
        "--quality",
        type=int,
        help="JPEG, WebP, AVIF or JPEG XL quality, 1–100 [default: 90, AVIF 80, JPEG XL lossless].",
    ),
    click.option(
        "--format",
        metavar="png|jpg|webp|avif|jxl",
        help="Format of a pyramid's tiles [default: png; Zoomify: jpg]. Of browsers, only Safari "
        "and few others show jxl.",
    ),
    click.option(
        "--max-size",
        type=int,
        help="Scale down to at most this many pixels on the longer side.",
    ),
    click.option(
        "--bits",
        type=int,
        metavar="8|10|12|16|32",
        help="Bits per value, if the store has more: 8 (dithered) or 16; for a .avif also 10 "
        "or 12; for a .exr 16 or 32.",
    ),
    click.option(
        "--skip-blanks",
        metavar="COLOUR",
        help="Leave out tiles of only this colour (#000000), which pages fill in.",
    ),
    click.option(
        "--live",
        is_flag=True,
        help="Write NAME.live.html beside a .dzi, too: it draws the picture on its viewer's GPU.",
    ),
    click.option("--title", help="Title of the picture [default: about.title of its scene]."),
    click.option(
        "--scene/--no-scene",
        "show_scene",
        default=True,
        help="Whether files and pages carry the scene, with which anybody can draw the "
        "picture again.",
    ),
)

hdr_options = with_options(
    click.option(
        "--peak",
        type=float,
        metavar="N",
        help="Luminance of white in HDR, in cd/m² [default: 1000; SDR has 203].",
    ),
    click.option(
        "--transfer",
        metavar="pq|hlg",
        help="Convert pixels of 16 bits to HDR with this curve: a still .avif, .jxl or .png, "
        "or a video with 10 bits.",
    ),
)


def outcome_record(outcome: "RunResult") -> dict[str, Any]:
    """Return a run's outcome as part of a JSON object."""
    return {
        "shards": outcome.tasks,
        "rendered": outcome.rendered,
        "skipped": outcome.skipped,
        "seconds": round(outcome.seconds, 3),
        "pixels": outcome.pixels,
        "workers_joined": outcome.workers_joined,
        "workers_lost": outcome.workers_lost,
        "attempts": outcome.attempts,
    }


def outcome_words(outcome: "RunResult") -> str:
    """Describe a run's outcome, with its speed."""
    return (
        f"{counted(outcome.rendered, 'shard')} rendered, {outcome.skipped:,} already there, in "
        f"{time_and_speed(outcome)}"
    )


def time_and_speed(outcome: "RunResult") -> str:
    """Describe how long a run took, and its speed if it drew pixels: `20 s, 8.1 Mpixel/s`."""
    rate = outcome.pixels / max(outcome.seconds, 1e-9)
    return format_duration(outcome.seconds) + (f", {format_rate(rate)}" if outcome.pixels else "")


def result(text: str, record: dict[str, Any], as_json: bool) -> None:
    """Print a command's result to stdout: text, or one JSON object."""
    from tilecppn.filesystem import naming_file

    with naming_file("standard output"):
        click.echo(json.dumps(record) if as_json else visible(text))


@contextlib.contextmanager
def blaming_options(section: str, names: Container[str]) -> Iterator[None]:
    """Make errors in the block name options, for the keys of `section` that are in `names`.

    `film.seconds = -1: must be …` becomes `--seconds = -1: must be …`.
    """
    from tilecppn.errors import InvalidRequestError, SceneError
    from tilecppn.scene.validation import format_value

    try:
        yield
    except SceneError as error:
        place, _, name = (error.key or "").rpartition(".")
        if place != section or name not in names or error.allowed is None:
            raise
        raise InvalidRequestError(
            f"{option_name(name)} = {format_value(error.value)}: must be {error.allowed}"
        ) from None


def load(path: Path, overrides: tuple[str, ...]) -> "Scene":
    """Read the scene of a scene file, a store, an export or an image, with the values of --set."""
    from tilecppn.scene.scene import Scene

    return Scene.load(path, overrides)


def load_timeline(path: Path, overrides: tuple[str, ...]) -> "Timeline | None":
    """Read a timeline from its file, a film or a film's store; None for a still."""
    from tilecppn.scene.parsing import is_timeline, read_text

    if path.suffix == ".toml" and not is_timeline(read_text(path, "a scene")):
        return None  # without importing what reads timelines, a tenth of a preview's time
    from tilecppn.film.timeline.timeline import load_timeline

    return load_timeline(path, overrides)


def load_resized(path: Path, overrides: tuple[str, ...]) -> "tuple[Scene, str | None]":
    """Read a scene like `load`; also return a note if --set gives its canvas other proportions."""
    from tilecppn.errors import InvalidRequestError
    from tilecppn.scene.parsing import parse_override

    sizes = tuple(text for text in overrides if text.startswith("canvas."))
    try:
        given = load(path, tuple(text for text in overrides if text not in sizes))
        scene = given.replace(canvas=dict(parse_override(text)[1:] for text in sizes))
    except InvalidRequestError:  # only `load` names the option
        return load(path, overrides), None
    own, canvas = given.canvas, scene.canvas
    if math.isclose(own.width * canvas.height, canvas.width * own.height, rel_tol=0.01):
        return scene, None
    is_stretched = scene.view.aspect == "stretch"
    what = "the picture is stretched" if is_stretched else "two sides show more or less"
    return scene, f"other proportions than the scene's own {own.width} × {own.height}: {what}"


def parse_seeds(text: str) -> list[int]:
    """Parse seeds, the type of an option: `0-24`, `7` or `1,5,9-12`, as a list of integers."""
    from tilecppn.cppn.seeding import MAX_SEED

    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low, high = int(first), int(last if dash else first)
        except ValueError:
            raise click.BadParameter(f"{text!r}: write seeds as 0-24 or 1,5,9-12") from None
        if not 0 <= low <= high <= MAX_SEED:
            raise click.BadParameter(f"{text!r}: seeds are from 0 to {MAX_SEED}, the smaller first")
        if len(seeds) + high - low >= MOST_SEEDS:
            raise click.BadParameter(f"{text!r}: at most {MOST_SEEDS} seeds")
        seeds += range(low, high + 1)
    return seeds
