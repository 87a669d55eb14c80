"""Compares the llvm kernel on one core with torch, torch.compile, NumPy and the core's peak."""

import time
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks import outside
from benchmarks.bound import activation, multiply_adds
from benchmarks.measuring import Table, seconds
from benchmarks.rivals import DetailNet, Net, Run, compiled, in_numpy, in_torch, inputs
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

LATTICE = Lattices.one(0, 0, 128, 1024)
POINTS = LATTICE.rows * LATTICE.cols
CHUNKS = (1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 16)
NUMPY_CHUNK = 1 << 12
NETS: dict[str, dict[str, Any]] = {
    "net (32,4)": {"width": 32, "depth": 4},
    "net (64,8)": {"width": 64, "depth": 8},
    "residual": {"preset": "hardmaru-residual"},
    "flux": {"preset": "flux"},
}
DETAILED = ("jupiter", "ink")
OURS, ADDS = "ours", ("multiply-adds", "at the peak")
Costs = dict[tuple[str, str], float]  # seconds a value, by activation and library


def tables() -> list[Table]:
    """Return a table per network, in float32, and in the precision that the kernel chooses."""
    torch.set_num_threads(1)
    found = []
    # NumPy's other threads would wait busily, and all CPU time counts, beside whoever it is.
    with threadpool_limits(1):
        for name, net in NETS.items():
            scene = Scene.of(cppn=net, canvas={"width": 16384, "height": 16384})
            chosen = "float64" if EvaluationContext.of(scene).needs_float64 else "float32"
            for dtype in dict.fromkeys(["float32", chosen]):
                found.append(_table(f"{name}, {scene.channels} channels, {dtype}", scene, dtype))
                print(found[-1])
        for preset in DETAILED:
            found.append(_detailed(preset))
            print(found[-1])
    return found


def _detailed(preset: str) -> Table:
    """Measure a preset with detail at a gigapixel, in the kernel's own precision of each layer."""
    scene = Scene.of(cppn={"preset": preset}, canvas={"width": 32768, "height": 32768})
    context = EvaluationContext.of(scene)
    kernel = LLVMKernel(context)
    ways: dict[str, Run] = {"kernel llvm": lambda: kernel.evaluate(LATTICE)}
    for dtype in ("float32", "float64"):
        x = torch.tensor(np.stack(context.inputs(LATTICE), -1).reshape(POINTS, 3).astype(dtype))
        net = DetailNet(context.network, dtype).eval()
        for chunk in CHUNKS:
            ways[f"torch eager, {dtype}, chunk {chunk}"] = in_torch(net, x, chunk)
    parts = {dtype: multiply_adds(dtype) for dtype in ("float32", "float64")}
    taken = seconds(ways | {name: part.run for name, part in parts.items()}, time.process_time)
    rates = {way: POINTS / 1e6 / taken[way] for way in ways}
    layers, first = context.network.layers, context.single_from
    adds = {"float64": 0, "float32": 0}
    for i, layer in enumerate(layers):
        readout = 0 if layer.readout is None else layer.readout.size
        adds["float64" if i < first else "float32"] += layer.weight.size + readout
    peak = sum(adds[d] * taken[d] / parts[d].operations for d in adds)
    notes = [
        f"{len(layers)} layers, {first} of them in float64",
        f"{rates['kernel llvm'] * 1e6 * peak:.0%} of the multiply-adds' peak",
    ]
    rival = max((way for way in rates if "float32" in way), key=lambda way: rates[way])
    return Table(f"{preset}, with detail, at 32,768²", rates, rival, tuple(notes))


def _table(title: str, scene: Scene, dtype: str) -> Table:
    kernel = LLVMKernel(EvaluationContext.of(scene), dtype=dtype)
    x = inputs(scene.cppn, POINTS, dtype)
    ways: dict[str, Run] = {"kernel llvm": lambda: kernel.evaluate(LATTICE)}
    net = Net(scene.cppn, dtype).eval()
    for chunk in CHUNKS:
        ways[f"torch eager, chunk {chunk}"] = in_torch(net, torch.tensor(x), chunk)
    notes = []
    try:
        ways["torch.compile"] = compiled(scene.cppn, torch.tensor(x), 1 << 14)
    except Exception as error:  # without a C++ compiler, for one
        notes.append(f"torch.compile cannot run here: {str(error).strip().splitlines()[0]}")
    ways["NumPy"] = in_numpy(scene.cppn, x, NUMPY_CHUNK)
    network = kernel.context.network
    every = [*(layer.groups for layer in network.layers), network.output]
    units = [group for groups in every for group in groups]
    names = sorted({name for name, _ in units})
    parts = {(name, OURS): activation(name, dtype) for name in names}
    for name in names:
        parts |= {(name, library): way for library, way in outside.ways(name, dtype).items()}
    parts[ADDS] = multiply_adds(dtype)
    runs = {" ".join(key): part.run for key, part in parts.items()}
    taken = seconds(ways | runs, time.process_time)
    rates = {way: POINTS / 1e6 / taken[way] for way in ways}
    each = {key: taken[" ".join(key)] / part.operations for key, part in parts.items()}
    adds = network.multiply_adds * each[ADDS]  # seconds a pixel
    rate = rates["kernel llvm"]
    notes.append(
        f"{rate * 1e6 * adds:.0%} of the peak of {1e-9 / each[ADDS]:.1f} G multiply-adds/s"
    )
    for label, chosen in (("ours", _ours), ("the fastest elsewhere", _elsewhere)):
        whole = adds + sum(count * chosen(each, name) for name, count in units)
        notes.append(
            f"{rate * 1e6 * whole:.0%} of {1e-6 / whole:.2f} Mpixel/s, the multiply-adds' peak and "
            f"activations alone, {label}"
        )
    for name in names:
        costs = ", ".join(f"{k[1]} {cost * 1e9:.2f}" for k, cost in each.items() if k[0] == name)
        notes.append(f"{name}, ns a value: {costs}")
    rival = max((way for way in rates if "eager" in way), key=lambda way: rates[way])
    return Table(title, rates, rival, tuple(notes))


def _ours(each: Costs, name: str) -> float:
    return each[name, OURS]


def _elsewhere(each: Costs, name: str) -> float:
    """Return an activation's cost in the fastest other library, or ours if none has it."""
    return min(
        (s for key, s in each.items() if key[0] == name and key[1] != OURS),
        default=each[name, OURS],
    )
