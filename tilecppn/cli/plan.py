from pathlib import Path

import click

from tilecppn.cli.common import (
    json_option,
    kernel_option,
    load,
    result,
    scene_argument,
    workers_option,
)


@click.command()
@scene_argument
@workers_option
@kernel_option
@json_option
def command(
    scene: Path,
    overrides: tuple[str, ...],
    workers: int | None,
    kernel: str,
    as_json: bool,
) -> None:
    """Say what rendering SCENE on this machine takes: shards, bytes, memory a worker, time.

    Refuses, with the number that would fit, what cannot.

    \b
    tilecppn plan poster.toml --set canvas.width=1000000 --set canvas.height=1000000
    """
    from tilecppn import machine
    from tilecppn.kernels import EvaluationContext, create
    from tilecppn.plan import Plan
    from tilecppn.run.estimates import (
        check_fits,
        format_bytes,
        format_duration,
        free_disk,
        measure,
        worker_memory,
    )
    from tilecppn.run.executors import choose, local_worker_layout

    picture = load(scene, overrides)
    plan = Plan.of(picture.canvas, picture.output, picture.channels)
    count, threads, gpus = local_worker_layout(choose("auto", None), workers)
    check_fits(plan, count, threads=threads)
    memory = worker_memory(plan, threads)
    # More threads than cores, or than there are shards at first, draw no faster.
    first = plan.levels[0]
    busy = min(count * threads, machine.cores(), first.rows * first.cols)
    speed, stored = measure(create(kernel, EvaluationContext.of(picture)), picture, busy, gpus)
    stored *= plan.width * plan.height
    _, free = free_disk(Path())
    seconds = plan.pixels / speed
    record = {
        "width": plan.width,
        "height": plan.height,
        "levels": len(plan.levels),
        "shards": plan.shards,
        "tiles": plan.tiles,
        "bytes": plan.bytes,
        "stored": round(stored),
        "free": free,
        "worker_memory": memory,
        "workers": count,
        "threads": threads,
        "pixels_per_second": round(speed),
        "seconds": round(seconds, 1),
    }
    enough = "" if stored <= free else ", which is too little"
    of_threads = f" of {threads} threads" if threads > 1 else ""
    lines = [
        f"canvas   {plan.width} × {plan.height}, {plan.channels} channels of "
        f"{picture.output.dtype}: {plan.pixels / 1e6:,.1f} Mpixel",
        f"levels   {len(plan.levels)}, in {plan.shards:,} shards of {plan.shard}² and "
        f"{record['tiles']:,} tiles of {plan.tile}²",
        f"bytes    {format_bytes(plan.bytes)}, stored in about {format_bytes(stored)} by samples; "
        f"{format_bytes(free)} free in this folder{enough}",
        f"memory   {format_bytes(memory)} a worker, {count} workers{of_threads}",
        f"time     about {format_duration(seconds)} at {speed / 1e6:.1f} Mpixel/s",
    ]
    result("\n".join(lines), record, as_json)
