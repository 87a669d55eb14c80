"""Checks the Triton kernel on new random networks, views and tilings each time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tilecppn.cppn import ACTIVATIONS, CPPN
from tilecppn.kernels import RAW_COLOURS, EvaluationContext
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.kernels.triton.kernel import TritonKernel, supports
from tilecppn.kernels.triton.program import CONFIGURATIONS
from tilecppn.pixels.output_encoder import OutputEncoder, encode_into
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

CLOSE = 2e-5  # of colours whose network keeps its sums near 1
LOOSE = 8.0  # times the CPU kernel's error in float32, where sums are large
POISON = 7.25


class Check(NamedTuple):
    what: str
    passed: bool
    figures: str


def checks(
    rng: np.random.Generator, networks: int, side: int, widest: int = max(CONFIGURATIONS)
) -> Iterator[Check]:
    """Check `networks` random networks on windows of `side` pixels, and the default network."""
    for _ in range(networks):
        context = _random_field(rng, widest)
        name = repr(context.cppn)
        yield _against_oracle(name, context, rng, side)
        yield _tilings(name, context, rng, side)
        yield _poisoned(name, context, side)
        yield _stored(name, context, rng, side)
    for precision in ("exact", "fast"):
        yield _eight_bits(precision, rng, side)


def _random_field(rng: np.random.Generator, widest: int) -> EvaluationContext:
    """Return a random structure with weights that keep its sums near 1, on a large canvas."""
    while True:
        depth = int(rng.integers(1, 7))
        cppn = CPPN.from_preset(
            "hardmaru",
            seed=int(rng.integers(2**32)),
            width=int(rng.integers(1, widest + 1)),
            activations=[str(a) for a in rng.choice(sorted(ACTIVATIONS), depth)],
            residual=bool(rng.integers(2)),
            channels=int(rng.choice([1, 3])),
        )
        layers = [(w / np.sqrt(w.shape[1]), 0.3 * b) for w, b in cppn.layers]
        scene = Scene.of(
            canvas={"width": 1 << 16, "height": 1 << 16},
            view={
                "scale": float(rng.uniform(1.0, 3.0)),
                "rotation": float(rng.choice([0.0, rng.uniform(0.0, 360.0)])),
                "mirror": str(rng.choice(["x", "xy"])) if rng.integers(2) else None,
            },
        )
        context = EvaluationContext.of(scene.replace(cppn=CPPN(cppn.structure, layers)))
        if supports(context):
            return context


def _lattice(rng: np.random.Generator, side: int) -> Lattices:
    row, col = (int(v) for v in rng.integers(0, 1 << 16, 2))
    return Lattices.one(row, col, side, side + 1, int(rng.integers(1, 9)))


def _against_oracle(
    name: str, context: EvaluationContext, rng: np.random.Generator, side: int
) -> Check:
    lattice = _lattice(rng, side)
    kernel, oracle = TritonKernel(context), ReferenceKernel(context)
    expected, sums = (values[:, 0] for values in oracle.trace(lattice))
    colours, own = (v[:, 0].copy() for v in kernel.trace(lattice))
    worst = max(_error(colours, expected), _error(own, sums))
    colours32, sums32 = LLVMKernel(context, dtype="float32").trace(lattice)
    float32 = max(_error(colours32[:, 0], expected), _error(sums32[:, 0], sums))
    same = np.array_equal(_bits(colours), _bits(kernel.evaluate(lattice)[:, 0]))
    return Check(
        f"{name}: colours and sums are float64's",
        worst < max(CLOSE, LOOSE * float32) and same,
        f"worst {worst:.1e}, float32's on the CPU {float32:.1e}"
        + ("" if same else ", other bits where it is traced"),
    )


def _tilings(name: str, context: EvaluationContext, rng: np.random.Generator, side: int) -> Check:
    kernel = TritonKernel(context)
    origins, rows, cols, stride = whole = _lattice(rng, side)
    ((row, col),) = origins.tolist()
    picture = _bits(kernel.evaluate(whole)[:, 0].copy())
    wrong = 0
    sizes = [(1, 1), (1, cols), (rows, 1), (16, 16), *rng.integers(1, side + 1, (6, 2)).tolist()]
    for height, width in sizes:
        height, width = min(height, rows), min(width, cols)
        top, left = int(rng.integers(rows - height + 1)), int(rng.integers(cols - width + 1))
        part = Lattices.one(row + top * stride, col + left * stride, height, width, stride)
        expected = picture[:, top : top + height, left : left + width]
        wrong += not np.array_equal(_bits(kernel.evaluate(part)[:, 0]), expected)
    return Check(f"{name}: tilings agree bit for bit", not wrong, f"{wrong} of {len(sizes)} differ")


def _poisoned(name: str, context: EvaluationContext, side: int) -> Check:
    """Check that every point is written, and nothing else."""
    kernel = TritonKernel(context)
    lattices = Lattices.one(0, 0, side - 1, side - 3)
    units, channels = sum(len(w) for w, _ in context.cppn.layers), context.cppn.channels
    shape = (channels + units + 3, 1, side - 1, side - 3)
    memory = torch.full(shape, POISON, device=kernel.device)
    out, sums = memory[1 : channels + 1], memory[channels + 2 : -1]
    kernel.program.launch(lattices, RAW_COLOURS, out, sums)
    margins = memory[[0, channels + 1, -1]]
    intact = bool((margins == POISON).all())
    missed = int((out == POISON).sum() + (sums == POISON).sum())
    return Check(
        f"{name}: writes all of its own memory and no other",
        intact and not missed,
        f"{missed} points missed, margins {'intact' if intact else 'overwritten'}",
    )


def _stored(name: str, context: EvaluationContext, rng: np.random.Generator, side: int) -> Check:
    kernel = TritonKernel(context)
    lattices = _lattice(rng, side)._replace(stride=1)
    ((row, col),) = lattices.origins.tolist()
    wrong = []
    for dtype in ("uint8", "uint16", "float32"):
        encoder = OutputEncoder(dtype, invert=bool(rng.integers(2)), dither=bool(rng.integers(2)))
        stored = kernel.encode(lattices, encoder)[:, 0].copy()
        expected = np.empty_like(stored)
        encode_into(encoder, kernel.evaluate(lattices), row, col, expected)
        if not np.array_equal(stored, expected):
            wrong.append(dtype)
    return Check(
        f"{name}: pixels are stored as the CPU stores its colours",
        not wrong,
        ", ".join(wrong) or "equal",
    )


def _eight_bits(precision: str, rng: np.random.Generator, side: int) -> Check:
    """Compare the default network, whose weights are N(0, 1), with float64."""
    scene = Scene.of(
        cppn={"seed": int(rng.integers(2**32))},
        canvas={"width": 1 << 14, "height": 1 << 14},
        output={"precision": precision, "tolerance": 0.0},
    )
    exact = scene.replace(output={"precision": "exact"})
    kernel, oracle = (
        TritonKernel(EvaluationContext.of(scene)),
        ReferenceKernel(EvaluationContext.of(exact)),
    )
    worst, equal, windows = 0, 0.0, 8
    for _ in range(windows):
        top, left = (int(v) for v in rng.integers(0, (1 << 14) - side, 2))
        window = Window(top, left, top + side, left + side)
        a = render_window(kernel, scene, window).astype(int)
        b = render_window(oracle, exact, window).astype(int)
        worst = max(worst, int(np.abs(a - b).max()))
        equal += float(np.mean(a == b)) / windows
    promised = precision == "fast" or (worst <= 1 and equal >= 0.999)
    return Check(
        f"net (32,4), {precision}: 8 bits against float64"
        + (" (nothing promised)" if precision == "fast" else ""),
        promised,
        f"{equal:.3%} equal, at most {worst} off",
    )


def _error(values: NDArray[np.floating], expected: NDArray[np.floating]) -> float:
    return float(np.max(np.abs(values - expected) / np.maximum(1.0, np.abs(expected))))


def _bits(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(values).view(np.uint32)
