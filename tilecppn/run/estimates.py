"""Estimates the memory, disk space and time of a render, and refuses what cannot fit."""

import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tilecppn import machine
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import PlanError
from tilecppn.formatting import counted, format_bytes
from tilecppn.kernels import Kernel
from tilecppn.pixels.downsample import mean2x2
from tilecppn.pixels.renderer import Renderer
from tilecppn.plan import BLOCK, Level, Plan, Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Canvas
from tilecppn.storage.objects import FreeSpace
from tilecppn.storage.places import storage_of
from tilecppn.storage.shard_file import encode_shard

COPIES = 3.0  # measured peak of a thread, in uncompressed shards
SCRATCH = 64 * 2**20  # bytes: a strip of colours and the kernel's buffers
BASE = 350 * 2**20  # bytes: Python, NumPy, torch, zarr
LEAST_TILE = 33  # bytes of a stored tile of one colour: index, frame, checksum
SAMPLES, SAMPLE = 8, 512  # windows drawn to measure, and their side in pixels
LEVELS = 4.0 / 3.0  # pixels of all levels per pixel of level 0
LEVELS_BYTES = 1.5  # compressed: smaller levels are less smooth; 1.3 to 2 for the examples
GOLDEN = 0.6180339887498949  # golden ratio: spreads the windows evenly over the columns


def worker_memory(plan: Plan, threads: int = 1) -> int:
    """Return the peak memory of one worker in bytes, on top of BASE for its process."""
    return threads * (int(COPIES * plan.shard_bytes) + SCRATCH)


def check_fits(plan: Plan, workers: int, available: int | None = None, *, threads: int = 1) -> None:
    """Raise PlanError, suggesting a shard that would fit, if the workers need too much memory.

    available: free bytes; None asks the machine. threads: per worker.
    """
    free = machine.free_memory() if available is None else available
    if free is None:
        return
    room = (free - BASE) // workers
    needed = worker_memory(plan, threads)
    if needed <= room:
        return
    fitting = plan
    while fitting.shard > plan.tile and worker_memory(fitting, threads) > room:
        fitting = replace(fitting, shard=fitting.shard // 2)
    if worker_memory(fitting, threads) <= room:
        advice = f"set output.shard to {fitting.shard}"
    else:
        advice = "use fewer workers or a machine with more memory"
    raise PlanError(
        f"needs {format_bytes(needed)} a worker, {format_bytes(max(0, room))} available "
        f"for each of {workers}: {advice}"
    )


def check_disk(plan: Plan, path: Path) -> None:
    """Raise PlanError if a store at `path` cannot fit on its disk, however well it compresses."""
    space = free_disk(path)
    needed = max(LEAST_TILE * plan.tiles, space.block * plan.shards)
    free = space.shortage(plan.shards, needed)
    if free is None:
        return
    per_pixel = max(LEAST_TILE / plan.tile**2, space.block / plan.shard**2)
    fitting = min(space.bytes / per_pixel, space.files * plan.shard**2)
    side = int((fitting / LEVELS) ** 0.5) // plan.tile * plan.tile
    smaller = f"a canvas of at most {side} × {side} pixels, or a larger" if side else "another"
    raise PlanError(
        f"needs {format_bytes(needed)} in {counted(plan.shards, 'file')} at the very least, "
        f"{free}: use {smaller} disk"
    )


def free_disk(path: Path) -> FreeSpace:
    """Return what is free where `path` is, or would be."""
    return storage_of(path).free_space()


def sample_windows(canvas: Canvas) -> list[Window]:
    """Return windows spread over a canvas, of at most SAMPLE pixels a side."""
    windows = []
    for k in range(SAMPLES):
        top = int((k + 0.5) / SAMPLES * canvas.height) // BLOCK * BLOCK
        left = int((k * GOLDEN % 1.0) * canvas.width) // BLOCK * BLOCK
        bottom, right = min(top + SAMPLE, canvas.height), min(left + SAMPLE, canvas.width)
        windows.append(Window(top, left, bottom, right))
    return windows


class Measure(NamedTuple):
    """Speed and size extrapolated from samples, all levels included.

    rate: pixels of level 0 per second. bytes: of the store, per pixel of level 0.
    """

    rate: float
    bytes: float


def measure(
    kernel: Kernel,
    scene: Scene,
    threads: int = 1,
    gpus: int = 1,
    check_cancelled: CheckCancelled = lambda: None,
) -> Measure:
    """Estimate the rate of so many threads from one thread on windows spread over the canvas.

    More threads do not make a GPU faster; they only let it draw while others store. Raises what
    `check_cancelled` raises, which is called between pieces of the work.
    """
    windows = sample_windows(scene.canvas)
    renderer = Renderer(kernel, scene)
    whole = Level(0, SAMPLE, SAMPLE, SAMPLE, SAMPLE)

    def draw(window: Window) -> tuple[float, float, int]:
        """Return seconds to draw, seconds to store and make the next level, and bytes stored."""
        start = time.perf_counter()
        pixels = renderer.render(window, check_cancelled)
        drawn = time.perf_counter()
        mean2x2(pixels, profile=scene.output.shrink_profile)
        written = len(encode_shard(pixels, whole))
        return drawn - start, time.perf_counter() - drawn, written

    draw(windows[0])  # compiles what is needed
    drawn, stored, written = map(sum, zip(*map(draw, windows), strict=True))
    pixels = sum(window.pixels for window in windows)
    together = threads * pixels / (drawn + LEVELS * stored)
    if kernel.arithmetic.device != "cpu":
        together = min(together, gpus * pixels / drawn)
    return Measure(together, LEVELS_BYTES * written / pixels)
