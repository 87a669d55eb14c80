"""Checks and times the Triton kernel on this machine's GPU.

`python -m benchmarks.gpu` checks it against float64 on fresh random networks and tilings, times it
beside torch eager and torch.compile by CUDA events, measures the peak of the card, and renders a
picture into a store. It exits with 1 if a check fails, and with 2 if there is no GPU for Triton.
"""

import argparse
import platform
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.rivals import Net, inputs
from tilecppn import machine
from tilecppn.kernels import EvaluationContext
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

ROUNDS = 9
LAUNCHES = 10  # of a round
SIDE = 4096  # pixels of a launch, squared
WARM = 2048  # of the render before the one that is timed
CHUNKS = (1 << 16, 1 << 18, 1 << 20, 1 << 22)  # points of torch eager
NETS: dict[str, dict[str, Any]] = {
    "net (32,4)": {},
    "net (64,8)": {"width": 64, "depth": 8},
    "hardmaru-residual": {"preset": "hardmaru-residual"},
}


def seconds(run: Callable[[], object]) -> float:
    """Return the time of a run by the device's clock: the median of ROUNDS, after two warm-ups."""
    times: list[float] = []
    for _ in range(ROUNDS + 2):
        start, end = (_event() for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return median(times[2:])


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


def matrix_peak() -> float:
    """Return the multiply-adds per second of float16 products with float32 sums."""
    side = 8192
    a, b = (torch.randn(side, side, device="cuda", dtype=torch.float16) for _ in range(2))
    return side**3 / seconds(lambda: a @ b)


def special_peak() -> float:
    """Return the results per second of the special-function units."""
    from benchmarks.gpu_peak import BLOCK, TURNS, special

    programs = 1 << 14
    out = torch.empty(programs, device="cuda")

    def launches() -> None:
        for _ in range(LAUNCHES):
            special[(programs,)](out, num_warps=4)

    return LAUNCHES * programs * BLOCK * TURNS / seconds(launches)


def bound(context: EvaluationContext, matrix: float, special: float) -> float:
    """Return the card's limit in pixels per second; a tanh takes one special function, or two."""
    layers = context.cppn.layers
    products = 3 * sum(w.size for w, _ in layers[1:-1])  # of halves
    functions = sum(len(w) for w, _ in layers) * (1 if context.precision == "fast" else 2)
    return min(matrix / products, special / functions)


def kernel_rate(context: EvaluationContext) -> float:
    """Return the pixels per second, stored as 8 bits on the device, of consecutive launches."""
    from tilecppn.kernels.triton.kernel import TritonKernel
    from tilecppn.kernels.triton.network import network
    from tilecppn.pixels.output_encoder import OutputEncoder

    kernel = TritonKernel(context)
    lattices = Lattices.one(0, 0, SIDE, SIDE)
    shape = (context.cppn.channels, 1, SIDE, SIDE)
    out = torch.empty(shape, dtype=torch.uint8, device="cuda")
    sums = torch.empty((0, 1, SIDE, SIDE), device="cuda")
    encoder = OutputEncoder("uint8", invert=False, dither=False)
    call = kernel.program.call(lattices, encoder, out, sums)

    def launches() -> None:  # several, so that the host's share is hidden, as in a render
        for _ in range(LAUNCHES):
            network[call.grid](*call.arguments, **call.options)

    return LAUNCHES * SIDE**2 / seconds(launches)


def torch_rates(context: EvaluationContext) -> dict[str, float]:
    """Return the pixels per second of the network alone, with given inputs, in float32."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch._dynamo.reset()  # else it gives up after 8 shapes
    net = Net(context.cppn, "float32").eval().cuda()
    compiled = torch.compile(net, mode="max-autotune-no-cudagraphs", dynamic=False)
    rates = {}
    for chunk in CHUNKS:
        x = torch.tensor(inputs(context.cppn, chunk, "float32"), device="cuda")
        rates[f"torch eager, {chunk} points"] = chunk / seconds(_inference(net, x))
    try:
        rates[f"torch.compile, {chunk} points"] = chunk / seconds(_inference(compiled, x))
    except Exception as error:  # without a C++ compiler, for one
        print(f"  torch.compile cannot run here: {str(error).strip().splitlines()[0]}")
    return rates


def _inference(net: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> Callable[[], None]:
    @torch.inference_mode()
    def run() -> None:
        net(x)

    return run


def end_to_end(store: Path, scene: Scene, threads: int, reconstructed: bool) -> float:
    """Return the pixels per second from scene to store with all levels; threads share the GPU."""
    from tilecppn.kernels import gpu

    with patch.object(gpu, "QUICK", 0 if reconstructed else gpu.QUICK):
        small = scene.replace(canvas={"width": WARM, "height": WARM})  # compiles all that it needs
        shutil.rmtree(render(small, store, kernel="triton", executor="local", workers=1).path)
        start = time.perf_counter()
        render(scene, store, kernel="triton", executor="local", workers=threads)
        taken = time.perf_counter() - start
    shutil.rmtree(store)
    return scene.canvas.width * scene.canvas.height / taken


def time_renders(side: int) -> None:
    print(f"\nScene to store, {side}², kernel triton, whose every pixel is evaluated or few are")
    cores = machine.cores()
    counts = sorted({1 << k for k in range(cores.bit_length())} | {cores})  # 1, 2, 4, … cores
    runs = [("net (32,4)", "exact", threads, False) for threads in counts]
    runs += [("net (32,4)", "fast", cores, False)]
    runs += [(net, "exact", cores, few) for net in NETS for few in (False, True)]
    with tempfile.TemporaryDirectory() as folder:
        for i, (net, precision, threads, few) in enumerate(runs):
            scene = Scene.of(
                cppn=NETS[net],
                canvas={"width": side, "height": side},
                output={"precision": precision},
            )
            rate = end_to_end(Path(folder) / f"{i}.zarr", scene, threads, few)
            what = f"{net}, {precision}, {threads} threads, {'few' if few else 'every pixel'}"
            print(f"  {what}: {rate / 1e9:.2f} Gpixel/s", flush=True)


def check(seed: int, networks: int, side: int = 257) -> bool:
    from benchmarks.gpu_checks import checks

    passed = True
    print(f"Checks, seed {seed}")
    for one in checks(np.random.default_rng(seed), networks, side):
        print(f"  {'ok  ' if one.passed else 'FAIL'} {one.what}: {one.figures}", flush=True)
        passed &= one.passed
    return passed


def time_kernels() -> None:
    matrix, special = matrix_peak(), special_peak()
    print(
        f"\nThis card: {matrix / 1e12:.0f} T multiply-adds/s in float16 products, "
        f"{special / 1e12:.2f} T special functions/s\n\n{'':34}Gpixel/s   of the roofline"
    )
    for name, network in NETS.items():
        canvas = {"width": 1 << 16, "height": 1 << 16}
        for precision in ("exact", "fast"):
            scene = Scene.of(cppn=network, canvas=canvas, output={"precision": precision})
            context = EvaluationContext.of(scene)
            rate, limit = kernel_rate(context), bound(context, matrix, special)
            title = f"{name}, kernel triton, {precision}"
            print(f"{title:34}{rate / 1e9:8.2f}   {rate / limit:.0%} of {limit / 1e9:.1f}")
        for way, rate in torch_rates(context).items():
            print(f"{name + ', ' + way:34}{rate / 1e9:8.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--networks", type=int, default=20, help="random ones to check")
    parser.add_argument("--seed", type=int, help="of the checks (default: a new one)")
    parser.add_argument("--side", type=int, default=32768, help="of the picture into a store")
    options = parser.parse_args()
    if not machine.has_cuda() or machine.triton_fault() is not None:
        print(
            "python -m benchmarks.gpu: there is no CUDA device of compute capability 8.0 or newer "
            "here, or Triton is not installed; nothing was measured",
            file=sys.stderr,
        )
        sys.exit(2)
    import triton

    print(
        f"{torch.cuda.get_device_name()}, {time.strftime('%Y-%m-%d')}, "
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"Triton {triton.__version__}, {machine.cores()} cores\n"
    )
    seed = secrets.randbits(32) if options.seed is None else options.seed
    passed = check(seed, options.networks)
    time_kernels()
    time_renders(options.side)
    if not passed:
        print("\nNot all checks passed: the figures are of no use.")
        sys.exit(1)


if __name__ == "__main__":
    main()
