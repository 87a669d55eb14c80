"""`make bench`: kernels, a render, an export and a film, each beside its rival in one run.

Every figure is the median of several, taken in turn with its rival's, so that a machine whose
speed drifts still gives a fair ratio.
"""

import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

import tilecppn as tc
from benchmarks import film
from tilecppn import machine
from tilecppn.kernels import Field, create
from tilecppn.run.render import render_to
from tilecppn.view import Lattice

ROUNDS = 5
LATTICE = Lattice(0, 0, 256, 1024)
NETS = {"net (32,4)": {"width": 32, "depth": 4}, "net (64,8)": {"width": 64, "depth": 8}}


def main() -> None:
    print(
        f"{platform.machine()}, {machine.cores()} cores, Python {platform.python_version()}, "
        f"torch {torch.__version__}; medians of {ROUNDS}\n"
    )
    for name, net in NETS.items():
        kernels(name, tc.Scene.of(cppn=net, canvas={"width": 16384, "height": 16384}))
    with tempfile.TemporaryDirectory() as folder:
        pipeline(Path(folder))
    film.main()


def kernels(name: str, scene: tc.Scene) -> None:
    """One core, Mpixel/s."""
    field = Field.of(scene)
    points = LATTICE.rows * LATTICE.cols
    ways: dict[str, Callable[[], object]] = {}
    for kernel in ("torch", "reference"):
        ways[f"kernel {kernel}"] = _evaluating(kernel, field)
    for chunk in (1 << 12, 1 << 14, 1 << 16):
        ways[f"torch eager, chunk {chunk}"] = _eager(scene, points, chunk)
    rates = measured(ways, points)
    eager = max(rate for way, rate in rates.items() if "eager" in way)
    print(f"{name}, 3 channels, one core          Mpixel/s   ÷ best eager")
    for way, rate in rates.items():
        print(f"  {way:34} {rate:9.2f} {rate / eager:11.2f}")
    print()


def _evaluating(kernel: str, field: Field) -> Callable[[], object]:
    evaluator = create(kernel, field)
    return lambda: evaluator.evaluate(LATTICE)


def _eager(scene: tc.Scene, points: int, chunk: int) -> Callable[[], object]:
    """The network as one would write it in torch: points × features, a Linear a layer."""
    modules: list[torch.nn.Module] = []
    for i, (weight, bias) in enumerate(scene.cppn.layers):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data = torch.tensor(weight)
        linear.bias.data = torch.tensor(bias)
        last = i == len(scene.cppn.layers) - 1
        modules += [linear, torch.nn.Sigmoid() if last else torch.nn.Tanh()]
    net = torch.nn.Sequential(*modules)
    inputs = torch.randn(points, scene.cppn.layers[0][0].shape[1])

    @torch.inference_mode()
    def run() -> None:
        for part in torch.tensor_split(inputs, tuple(range(chunk, points, chunk))):
            net(part)

    return run


def pipeline(folder: Path) -> None:
    """All cores: render, then Deep Zoom against libvips, which tiles the finished picture."""
    import pyvips

    scene = tc.Scene.of(canvas={"width": 8192, "height": 8192})
    store, outcome = render_to(scene, folder / "a.zarr", executor="local")
    print(f"render 8192² net (32,4) into a store    {outcome.pixels / outcome.seconds / 1e6:9.2f}")
    level = store.plan.levels[0]
    picture = np.moveaxis(store.read(0, level.window), 0, -1)
    image = pyvips.Image.new_from_array(np.ascontiguousarray(picture))
    rounds = iter(range(1000))
    rates = measured(
        {
            "export to .dzi, PNG tiles": lambda: tc.export(store.path, folder / "a.dzi"),
            "libvips dzsave, PNG level 1": lambda: image.dzsave(
                str(folder / f"vips{next(rounds)}"),
                tile_size=512,
                overlap=0,
                suffix=".png[compression=1]",
            ),
        },
        level.width * level.height,
    )
    rival = rates["libvips dzsave, PNG level 1"]
    print(f"8192² to Deep Zoom, {machine.cores()} cores            Mpixel/s   ÷ libvips")
    for way, rate in rates.items():
        print(f"  {way:34} {rate:9.2f} {rate / rival:11.2f}")


def measured(ways: dict[str, Callable[[], object]], points: int) -> dict[str, float]:
    """Mpixel/s of each way; they take turns."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for way in ways:
        ways[way]()
    for _ in range(ROUNDS):
        for way, run in ways.items():
            start = time.perf_counter()
            run()
            times[way].append(time.perf_counter() - start)
    return {way: points / 1e6 / median(t) for way, t in times.items()}


if __name__ == "__main__":
    main()
