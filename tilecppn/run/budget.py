"""Whether a plan fits, and how long it may take."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tilecppn import machine
from tilecppn.errors import PlanError
from tilecppn.kernels import Kernel
from tilecppn.plan import Plan
from tilecppn.scene import Scene
from tilecppn.sections import MAX_SIDE
from tilecppn.view import Lattice

# Measured peaks over the process' base, in units of the largest shard before compression.
COPIES = 3.0
SCRATCH = 64 * 2**20  # bytes: a strip of colours, the kernel's buffers
BASE = 350 * 2**20  # bytes: Python, NumPy, torch, zarr
LEAST_TILE = 33  # bytes of a stored tile of one colour: index, frame, checksum
SAMPLE = 1 << 17  # points evaluated to measure the kernel's rate


def worker_memory(plan: Plan) -> int:
    """Bytes that one worker needs at most, beside the process it runs in."""
    return int(COPIES * plan.shard_bytes) + SCRATCH


def check_fits(plan: Plan, workers: int, available: int | None = None) -> None:
    """Raise PlanError, with a shard that would fit, if the workers need more memory than is free.

    `available` is in bytes; None asks the machine.
    """
    free = machine.free_memory() if available is None else available
    if free is None:
        return
    room = (free - BASE) // workers
    if worker_memory(plan) <= room:
        return
    fitting = plan.shard
    while fitting > plan.tile and worker_memory(replace(plan, shard=fitting)) > room:
        fitting //= 2
    if worker_memory(replace(plan, shard=fitting)) <= room:
        advice = f"set output.shard to {fitting}"
    else:
        advice = "use fewer workers or a machine with more memory"
    raise PlanError(
        f"needs {size(worker_memory(plan))} a worker, {size(max(0, room))} available "
        f"for each of {workers}: {advice}"
    )


def check_disk(plan: Plan, path: Path) -> None:
    """Raise PlanError if a store at `path` cannot fit on its disk, however well it compresses."""
    folder = next(p for p in (path.absolute(), *path.absolute().parents) if p.is_dir())
    free = shutil.disk_usage(folder).free
    needed = LEAST_TILE * plan.tiles
    if needed <= free:
        return
    side = int((free / LEAST_TILE * 3 / 4) ** 0.5) * plan.tile  # levels above add a third
    raise PlanError(
        f"needs {size(needed)} at the very least, {size(free)} free at {folder}: use a canvas of "
        f"{side} × {side} pixels at most, or a larger disk"
    )


def rate(kernel: Kernel, scene: Scene) -> float:
    """Pixels a second of a kernel, measured on points spread over the scene's canvas."""
    side = int(SAMPLE**0.5)
    stride = max(1, min(scene.canvas.width, scene.canvas.height, MAX_SIDE) // side)
    lattice = Lattice(0, 0, side, side, stride)
    kernel.evaluate(lattice)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        kernel.evaluate(lattice)
        times.append(time.perf_counter() - start)
    return float(side * side / np.median(times))


def size(count: float) -> str:
    """Bytes as a person reads them: 1.5 GB."""
    if count < 999.5:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 999.95:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} PB"


def duration(seconds: float) -> str:
    """Seconds as a person reads them: 3 min 20 s."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
