"""Compares films from scene to H.264 with a script using torch and imageio.

`python -m benchmarks.film 2` runs it alone, with 2 seconds instead of 10.
"""

import math
import os
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
from tilecppn.film.encoding.base import FilmOptions
from tilecppn.film.encoding.video import VideoTarget
from tilecppn.film.timeline.moves import moving
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window

FPS = 30
PLAIN_FRAMES = 12  # of the same film: the script's speed does not change with the time
WINDOW = Window(0, 0, 1080, 1920)
CHUNK = 1 << 14  # points; the fastest of those that `python -m benchmarks` tries


MOVES: dict[str, dict[str, Any]] = {
    "morph": {"morph": [1, 2, 3], "loop": True},
    "zoom": {"zoom": 100.0},
    "orbit": {"orbit": True, "loop": True},
}


def tables(seconds: float = 10.0, rounds: int = 3) -> list[Table]:
    """Return for each move the medians of rounds in which both take turns."""
    return [_table(move, seconds, rounds) for move in MOVES]


def _table(move: str, seconds: float, rounds: int) -> Table:
    scene = tc.Scene.of(canvas={"width": 1920, "height": 1080})
    timeline = moving(scene, seconds=seconds, fps=FPS, **MOVES[move])
    pixels = scene.canvas.width * scene.canvas.height / 1e6
    ours, theirs, cpu = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            start, before = time.perf_counter(), sum(os.times()[:4])
            animate(timeline, Path(folder, "film.mp4"), executor="local")
            ours.append(timeline.frames * pixels / (time.perf_counter() - start))
            cpu.append((sum(os.times()[:4]) - before) * 1e3 / (timeline.frames * pixels))
            start = time.perf_counter()
            plain(timeline, PLAIN_FRAMES, Path(folder, "plain.mp4"))
            theirs.append(PLAIN_FRAMES * pixels / (time.perf_counter() - start))
    rival = f"torch and imageio, {PLAIN_FRAMES} frames"
    rates = {f"tilecppn animate, {timeline.frames} frames": median(ours), rival: median(theirs)}
    ratios = ", ".join(f"{a / b:.2f}" for a, b in zip(ours, theirs, strict=True))
    notes = (
        f"each round: {ratios} x",
        f"{median(cpu):.1f} ns of CPU a pixel, encoder and all",
        f"{psnr(timeline):.1f} dB from exact frames, before encoding",
    )
    table = Table(f"1080p {move} to H.264, {machine.cores()} cores", rates, rival, notes)
    print(table)
    return table


def psnr(timeline: tc.Timeline, frames: int = 5) -> float:
    """Return the lowest PSNR of some frames against fully evaluated ones, in dB."""
    worst = math.inf
    timeline = VideoTarget.of(Path("film.mp4"), timeline, FilmOptions()).for_encoding(timeline)
    for k in range(0, timeline.frames, max(1, timeline.frames // frames)):
        scene = timeline.scene(k)
        drawn, exact = (
            render_window(create("auto", EvaluationContext.of(s)), s, WINDOW).astype(float)
            for s in (scene, scene.replace(output={"tolerance": 0.0}))
        )
        error = float(((drawn - exact) ** 2).mean())
        worst = min(worst, 10.0 * math.log10(255.0**2 / max(error, 1e-9)))
    return worst


@torch.inference_mode()
def plain(timeline: tc.Timeline, frames: int, path: Path) -> None:
    """Draw the same pictures by a plain script, frame by frame on all cores, and encode them."""
    cppn = timeline.base.cppn
    modules: list[torch.nn.Module] = []
    for weight, bias in cppn.layers:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data, linear.bias.data = torch.tensor(weight), torch.tensor(bias)
        modules += [linear, torch.nn.Tanh()]
    modules[-1] = torch.nn.Sigmoid()
    net = torch.nn.Sequential(*modules)
    width, height = timeline.base.canvas.width, timeline.base.canvas.height
    y, x = torch.meshgrid(
        torch.linspace(-1.0, 1.0, height),
        torch.linspace(-width / height, width / height, width),
        indexing="ij",
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(machine.cores())
    with iio.get_writer(path, fps=FPS, codec="libx264", macro_block_size=1) as file:
        writer: Any = file
        for k in range(frames):
            view = timeline.scene(k).view
            right, down = view.center[0] + x * view.scale, view.center[1] + y * view.scale
            points = torch.stack([right, down, torch.hypot(right, down)], -1).reshape(-1, 3)
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
