"""`tilecppn plan`: estimate what a render takes."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tilecppn.cli.common import (
    OUTPUT,
    FiniteRange,
    json_option,
    kernel_option,
    load_resized,
    load_timeline,
    result,
    set_option,
    workers_option,
)
from tilecppn.formatting import counted, format_bytes, format_duration, format_rate

if TYPE_CHECKING:
    from tilecppn.film.timeline.timeline import Timeline
    from tilecppn.plan import Plan
    from tilecppn.scene.scene import Scene
    from tilecppn.storage.objects import FreeSpace

MANY = 10_000  # tiles of which a line says what they take as files


class Estimate(NamedTuple):
    """The estimated cost of drawing a picture on this machine."""

    memory: int  # bytes per worker
    workers: int
    threads: int  # per worker
    speed: float  # pixels per second, from samples
    pixel_bytes: float  # compressed bytes per pixel in a store, from samples
    price: float | None  # of a worker per hour

    def cost(self, seconds: float) -> float | None:
        """Return the price of all workers for so many seconds; None if no price was given."""
        return None if self.price is None else self.price * self.workers * seconds / 3600.0


Estimated = Callable[["Scene", "Plan"], Estimate]


@click.command()
@click.argument("scene", metavar="SCENE|TIMELINE", type=OUTPUT)
@set_option
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    default=Path(),
    help="Where the store would be written, to check the disk there [default: this folder].",
)
@workers_option
@kernel_option
@click.option(
    "--price",
    type=FiniteRange(0.0),
    help="Price of a worker for an hour: also estimate the cost on a cluster, with workers as fast "
    "as this machine's.",
)
@json_option
def command(
    scene: Path,
    overrides: tuple[str, ...],
    output: Path,
    workers: int | None,
    kernel: str,
    price: float | None,
    as_json: bool,
) -> None:
    """Estimate what rendering SCENE, or a film of TIMELINE, takes: shards, bytes, memory, time.

    Exits 2 if it does not fit into this machine's memory or on the disk. With --price the workers
    are on other machines: their memory is not checked.

    \b
    tilecppn plan poster.toml --set canvas.width=100000 --set canvas.height=100000
    tilecppn plan poster.toml -o /mnt/large/poster.zarr --json
    tilecppn plan poster.toml --workers 64 --price 0.05
    """
    estimated = partial(_estimate, workers=workers, kernel=kernel, price=price)
    timeline = load_timeline(scene, overrides)
    if timeline is not None:
        _plan_film(timeline, output, estimated, as_json)
    else:
        picture, shape = load_resized(scene, overrides)
        _plan_still(picture, shape, output, estimated, as_json)


def _plan_still(
    scene: "Scene", shape: str | None, output: Path, estimated: Estimated, as_json: bool
) -> None:
    from tilecppn.errors import PlanError
    from tilecppn.plan import Plan
    from tilecppn.run.estimates import check_disk, free_disk

    plan = Plan.of(scene.canvas, scene.output, scene.channels)
    check_disk(plan, output)
    estimate = estimated(scene, plan)
    space = free_disk(output)
    stored = space.taken(plan.shards, estimate.pixel_bytes * plan.pixels)
    seconds = plan.pixels / estimate.speed
    dpi = scene.canvas.resolution
    paper = [side / dpi for side in (plan.width, plan.height)]
    record = {
        "width": plan.width,
        "height": plan.height,
        "dpi": dpi,
        "print_in": [round(inches, 3) for inches in paper],
        "levels": len(plan.levels),
        "shards": plan.shards,
        "tiles": plan.tiles,
        "bytes": plan.bytes,
        "stored": round(stored),
        "free": _bytes_free(space),
        "tiles_on_disk": round(space.taken(plan.tiles, 0)),
        **_record(estimate, seconds),
    }
    lines = [
        f"canvas   {plan.width} × {plan.height}, {counted(plan.channels, 'channel')} of "
        f"{scene.output.dtype}: {plan.pixels / 1e6:,.1f} Mpixel",
        f"print    {' × '.join(_length(2.54 * inches) for inches in paper)} cm "
        f"({' × '.join(_length(inches) for inches in paper)} in) at {dpi:g} dpi",
        f"levels   {len(plan.levels)}, in {counted(plan.shards, 'shard')} of {plan.shard}² and "
        f"{counted(plan.tiles, 'tile')} of {plan.tile}²",
        f"bytes    {format_bytes(plan.bytes)}; about {format_bytes(stored)} after compression "
        f"(estimated), {space}",
        *_tiles_words(plan, space),
        *_lines(estimate, seconds),
    ]
    if shape is not None:
        lines.insert(2, f"shape    {shape}")
    result("\n".join(lines), record, as_json)
    if stored > space.bytes:
        raise PlanError(
            f"does not fit on the disk: about {format_bytes(stored)} needed, {space}; use a "
            "smaller canvas, or -o on a larger disk"
        )


def _plan_film(timeline: "Timeline", output: Path, estimated: Estimated, as_json: bool) -> None:
    from tilecppn.film.store import film_plan
    from tilecppn.run.estimates import LEVELS_BYTES, free_disk

    film, plan = timeline.film, film_plan(timeline, None)
    estimate = estimated(timeline.scene(0), plan.still)
    space = free_disk(output)
    pixel_bytes = estimate.pixel_bytes / LEVELS_BYTES  # frames have no smaller levels
    stored = space.taken(plan.tasks, pixel_bytes * plan.pixels)
    seconds = plan.pixels * film.samples / estimate.speed
    record = {
        "width": plan.still.width,
        "height": plan.still.height,
        "frames": plan.frames,
        "shards": plan.tasks,
        "stored": round(stored),
        "free": _bytes_free(space),
        **_record(estimate, seconds),
    }
    lines = [
        f"film     {counted(plan.frames, 'frame')} of {plan.still.width} × {plan.still.height} at "
        f"{film.fps} a second, in {counted(plan.tasks, 'shard')}",
        f"bytes    about {format_bytes(stored)} for all frames in a store (estimated); a video is "
        f"smaller; {space}",
        *_lines(estimate, seconds),
        "encoding comes on top",
    ]
    result("\n".join(lines), record, as_json)


def _length(length: float) -> str:
    return f"{length:,.0f}" if length >= 1000 else f"{length:.4g}"


def _tiles_words(plan: "Plan", space: "FreeSpace") -> list[str]:
    """Return a line on what tiles that are files take on a disk, however small they are."""
    if plan.tiles < MANY or space.block == 1:
        return []
    least = space.taken(plan.tiles, 0)
    fits = space.shortage(plan.tiles, least) is None
    return [
        f"tiles    {format_bytes(least)} at the least as files of their own (.dzi), in blocks of "
        f"{space.block:,} bytes" + ("" if fits else "; that does not fit: export an .szi instead")
    ]


def _bytes_free(space: "FreeSpace") -> int | None:
    return None if math.isinf(space.bytes) else int(space.bytes)


def _estimate(
    scene: "Scene", plan: "Plan", *, workers: int | None, kernel: str, price: float | None
) -> Estimate:
    """Measure a picture's speed and size. Raises PlanError if the memory is too small."""
    from tilecppn import machine
    from tilecppn.kernels import EvaluationContext, create
    from tilecppn.run.estimates import check_fits, measure, worker_memory
    from tilecppn.run.executors import choose
    from tilecppn.run.executors.base import local_worker_layout

    count, threads, gpus = local_worker_layout(choose("auto", None), workers, kernel)
    # More threads than shards on level 0, or than cores, are not faster.
    first = plan.levels[0]
    busy = min(count * threads, first.rows * first.cols)
    if price is None:
        check_fits(plan, count, threads=threads)
        busy = min(busy, machine.cores())
    speed, stored = measure(create(kernel, EvaluationContext.of(scene)), scene, busy, gpus)
    return Estimate(worker_memory(plan, threads), count, threads, speed, stored, price)


def _record(estimate: Estimate, seconds: float) -> dict[str, Any]:
    cost = estimate.cost(seconds)
    return {
        "worker_memory": estimate.memory,
        "workers": estimate.workers,
        "threads": estimate.threads,
        "pixels_per_second": round(estimate.speed),
        "seconds": round(seconds, 1),
        **({} if cost is None else {"cost": round(cost, 2)}),
    }


def _lines(estimate: Estimate, seconds: float) -> list[str]:
    threads = f" of {estimate.threads} threads" if estimate.threads > 1 else ""
    cost = estimate.cost(seconds)
    lines = [
        f"memory   {format_bytes(estimate.memory)} a worker, "
        f"{counted(estimate.workers, 'worker')}{threads}",
        f"time     about {format_duration(seconds)} at {format_rate(estimate.speed)}",
    ]
    if cost is not None:
        lines.append(f"cost     about {cost:,.2f} for {counted(estimate.workers, 'worker')}")
    return lines
