"""Measures one way of making a Deep Zoom pyramid in its own process: seconds, peak memory.

python -m benchmarks.endtoend WAY SIDE WORKERS FOLDER
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tilecppn as tc
from benchmarks.measuring import peak_bytes

TILE = 512
Measured = dict[str, Any]


def timed(call: Callable[..., object], *arguments: Any, **options: Any) -> Measured:
    """Time a call, in seconds and CPU seconds of all threads, which vary less on a busy machine."""
    start, cpu = time.perf_counter(), time.process_time()
    call(*arguments, **options)
    return {
        "seconds": time.perf_counter() - start,
        "CPU seconds": time.process_time() - cpu,
    }


def scene_of(side: int, **output: Any) -> tc.Scene:
    """Return the default network in colour."""
    return tc.Scene.of(canvas={"width": side, "height": side}, output=output)


def ours(side: int, workers: int, folder: Path) -> Measured:
    """Render and store all levels and export the pyramid, in one pass."""
    from tilecppn.exporters.one_pass import render_and_export
    from tilecppn.run.options import RunOptions

    return timed(
        render_and_export,
        scene_of(side),
        folder / "a.zarr",
        folder / "a.dzi",
        RunOptions("local", workers=workers),
    )


def shares(side: int, workers: int, folder: Path) -> Measured:
    """Run `ours` with timers inside, which take a twentieth of the time."""
    from benchmarks.stages import measured

    with measured() as stages:
        taken = ours(side, workers, folder)
    return {**taken, "shares": stages.shares, "evaluations a pixel": stages.points / side**2}


def export(side: int, workers: int, folder: Path) -> Measured:
    """Export the pyramid from the store that `ours` left."""
    return timed(tc.export, folder / "a.zarr", folder / "b.dzi", workers=workers)


def dzsave(side: int, workers: int, folder: Path) -> Measured:
    """Export the pyramid by libvips, from the finished picture in memory; the store is `ours`'s."""
    import numpy as np
    import pyvips

    from tilecppn.plan import Window
    from tilecppn.storage.store import Store

    store = Store(folder / "a.zarr")
    picture = np.empty((side, side, 3), np.uint8)
    for piece in Window(0, 0, side, side).split(1024, side):
        picture[piece.top : piece.bottom] = np.moveaxis(store.read(0, piece), 0, -1)
    image = pyvips.Image.new_from_array(picture)
    name = str(folder / "vips")
    return timed(image.dzsave, name, tile_size=TILE, overlap=0, suffix=".png[compression=1]")


def script(side: int, workers: int, folder: Path) -> Measured:
    """Run the plain script, which stores no array."""
    from benchmarks import plain

    return timed(
        lambda: plain.save(plain.draw(scene_of(side), workers), folder / "plain", TILE, workers)
    )


WAYS: dict[str, Callable[[int, int, Path], Measured]] = {
    way.__name__: way for way in (ours, shares, export, dzsave, script)
}


def run(way: str, side: int, workers: int, folder: Path) -> Measured:
    """Measure a way in a fresh process with as many threads as `workers`."""
    import os

    command = [sys.executable, "-m", "benchmarks.endtoend", way, str(side), str(workers)]
    done = subprocess.run(
        [*command, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "VIPS_CONCURRENCY": str(workers)},
    )
    result: Measured = json.loads(done.stdout)
    return result


def main() -> None:
    way, side, workers, folder = sys.argv[1:]
    measured = WAYS[way](int(side), int(workers), Path(folder))
    print(json.dumps({**measured, "peak bytes": peak_bytes()}))


if __name__ == "__main__":
    main()
