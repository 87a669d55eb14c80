"""Whether a plan fits, and how long it may take."""

import time

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
    while fitting > plan.tile and COPIES * fitting**2 * plan.channels * plan.itemsize > (
        room - SCRATCH
    ):
        fitting //= 2
    if fitting < plan.shard and fitting**2 * plan.channels * plan.itemsize * COPIES <= room:
        advice = f"set output.shard to {fitting}"
    else:
        advice = "use fewer workers or a machine with more memory"
    raise PlanError(
        f"needs {size(worker_memory(plan))} a worker, {size(max(0, room))} available "
        f"for each of {workers}: {advice}"
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
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if count < 1000 or unit == "PB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


def duration(seconds: float) -> str:
    """Seconds as a person reads them: 3 min 20 s."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for unit, length, smaller, part in (
        ("min", 60, "s", 1),
        ("h", 3600, "min", 60),
        ("d", 86400, "h", 3600),
    ):
        if seconds < 60 * length or unit == "d":
            if unit == "h" and seconds >= 86400:
                continue
            whole, rest = divmod(int(seconds), length)
            return f"{whole} {unit} {rest // part} {smaller}"
    raise AssertionError
