"""A film from scene to H.264, beside the script that one would write with torch and imageio.

`python -m benchmarks.film 2` runs it alone, with 2 seconds instead of 10.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import imageio.v2 as iio
import numpy as np
import torch

import tilecppn as tc
from benchmarks.measuring import Table
from tilecppn import machine
from tilecppn.film.animate import animate
from tilecppn.film.timeline.moves import moving

FPS = 30
PLAIN_FRAMES = 12  # of the same film: the script's speed does not change with the time
CHUNK = 1 << 14  # points; the fastest of those that `python -m benchmarks` tries


def tables(seconds: float = 10.0, rounds: int = 3) -> list[Table]:
    """The medians of rounds in which both take turns."""
    scene = tc.Scene.of(canvas={"width": 1920, "height": 1080})
    timeline = moving(scene, morph=[1, 2, 3], loop=True, seconds=seconds, fps=FPS)
    pixels = scene.canvas.width * scene.canvas.height / 1e6
    ours, theirs = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            animate(timeline, Path(folder, "film.mp4"), executor="local")
            ours.append(timeline.frames * pixels / (time.perf_counter() - start))
            start = time.perf_counter()
            plain(timeline, PLAIN_FRAMES, Path(folder, "plain.mp4"))
            theirs.append(PLAIN_FRAMES * pixels / (time.perf_counter() - start))
    rival = f"torch and imageio, {PLAIN_FRAMES} frames"
    rates = {f"tilecppn animate, {timeline.frames} frames": median(ours), rival: median(theirs)}
    ratios = ", ".join(f"{a / b:.2f}" for a, b in zip(ours, theirs, strict=True))
    title = f"1080p morph to H.264, {machine.cores()} cores"
    table = Table(title, rates, rival, (f"each round: {ratios} x",))
    print(table)
    return [table]


@torch.inference_mode()
def plain(timeline: tc.Timeline, frames: int, path: Path) -> None:
    """The same pictures, all cores on one frame after another, encoded as they come."""
    cppn = timeline.base.cppn
    modules: list[torch.nn.Module] = []
    for weight, bias in cppn.layers:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data, linear.bias.data = torch.tensor(weight), torch.tensor(bias)
        modules += [linear, torch.nn.Tanh()]
    modules[-1] = torch.nn.Sigmoid()
    net = torch.nn.Sequential(*modules)
    width, height = timeline.base.canvas.width, timeline.base.canvas.height
    scale = timeline.base.view.scale
    y, x = torch.meshgrid(
        torch.linspace(-scale, scale, height),
        torch.linspace(-scale * width / height, scale * width / height, width),
        indexing="ij",
    )
    points = torch.stack([x, y, torch.hypot(x, y)], -1).reshape(-1, 3)
    threads = torch.get_num_threads()
    torch.set_num_threads(machine.cores())
    with iio.get_writer(path, fps=FPS, codec="libx264", macro_block_size=1) as file:
        writer: Any = file
        for k in range(frames):
            z = torch.tensor(timeline.scene(k).z * cppn.structure.latent_scale).float()
            parts = [
                net(torch.cat([part, z.expand(len(part), -1)], 1))
                for part in torch.split(points, CHUNK)
            ]
            image = (torch.cat(parts) * 255).round().to(torch.uint8)
            writer.append_data(np.asarray(image.reshape(height, width, 3)))
    torch.set_num_threads(threads)


if __name__ == "__main__":
    tables(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
