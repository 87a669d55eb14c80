"""Deep zooms into networks with detail: judged by mpmath, and the same bits however drawn."""

import hashlib
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cppn.test_center import EXACT, plain_values
from tests.kernels.contexts import bits, fineness
from tilecppn.codegen import HOST
from tilecppn.cppn import PRESETS
from tilecppn.cppn.detail import DEEP
from tilecppn.cppn.resolved import sorted_units
from tilecppn.kernels import EvaluationContext, create
from tilecppn.kernels.base import AMPLITUDES_REVISION
from tilecppn.kernels.llvm.kernel import NODES_REVISION, REVISION, LLVMKernel
from tilecppn.kernels.llvm.layers import Tiling
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.pixels.colour import coloured
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

DETAILED = [name for name, preset in PRESETS.items() if preset.detail is not None]
PLACE = (0.31, -0.17)
SIDE = 1024


def scene(name: str, scale: float, seed: int = 1, **cppn: Any) -> Scene:
    view: dict[str, Any] = {"center": list(PLACE), "scale": scale, **cppn.pop("view", {})}
    return Scene.of(
        cppn={"preset": name, "seed": seed, **cppn},
        canvas={"width": SIDE, "height": SIDE},
        view=view,
        latent={"seed": 1},
    )


def context_of(name: str, scale: float, **options: Any) -> EvaluationContext:
    return EvaluationContext.of(scene(name, scale, **options))


def judged(context: EvaluationContext, row: int, col: int) -> list[float]:
    """The outputs at a pixel, evaluated plainly with 80 digits."""
    grid, cppn, layers = context.grid, context.cppn, context.network.layers
    place = fineness(context, np.array([[row]]), np.array([[col]])).item()
    with mpmath.workdps(80):
        x = mpmath.mpf((col - grid.middle[0]) * grid.step[0]) + mpmath.mpf(grid.center[0])
        y = mpmath.mpf((row - grid.middle[1]) * grid.step[1]) + mpmath.mpf(grid.center[1])
        sums = [mpmath.mpf(float(b)) for b in cppn.layers[-1][1]]
        for i, values in enumerate(plain_values(cppn, x, y, len(layers))):
            readout = layers[i].readout
            if readout is None:
                continue
            means = cppn._detail_model.expected(i).means
            order = sorted_units(cppn.structure.activation(i), cppn.width)
            fade = layers[i].fade
            kept = 1.0 if fade is None else min(max(fade.start - place, 0.0), 1.0)
            share = mpmath.mpf(kept * kept * (3.0 - 2.0 * kept))
            for o in range(len(sums)):
                for k, unit in enumerate(order):
                    away = values[unit] - mpmath.mpf(means[unit % len(means)])
                    sums[o] += share * mpmath.mpf(float(readout[o, k])) * away
        outputs = [name for name, count in context.network.output for _ in range(count)]
        functions = {
            **EXACT,
            "sigmoid": lambda v: 1 / (1 + mpmath.exp(-v)),
            "half-sine": lambda v: (mpmath.sin(v) + 1) / 2,
        }
        return [float(functions[name](v)) for name, v in zip(outputs, sums, strict=True)]


@pytest.mark.parametrize("inputs", [["x", "y", "z"], ["x", "y", "r", "z"]], ids=["xy", "xyr"])
@pytest.mark.parametrize("scale", [1e-9, 1e-13])
@pytest.mark.parametrize("name", ["jupiter", "agate", "ink"])
def test_the_oracle_is_right_where_plain_float64_is_not(
    name: str, scale: float, inputs: list[str]
) -> None:
    """The network is evaluated as it is written, in 80 digits."""
    picture = context_of(name, scale, width=9, inputs=inputs)
    assert picture.network.differences > 20
    for row, col in ((0, 0), (700, 333)):
        got = ReferenceKernel(picture).evaluate(Lattices.one(row, col, 1, 1))[:, 0, 0, 0]
        assert np.abs(got - judged(picture, row, col)).max() < 1e-10


def stored(kernel: Any, scene: Scene, lattice: Lattices) -> NDArray[np.float64]:
    colours = coloured(kernel, scene.output, scene.cppn.channels).evaluate(lattice)
    return np.asarray(np.rint(255.0 * colours.astype(np.float64)))


@pytest.mark.parametrize(
    ("kernel", "name", "scale"),
    [
        ("torch", "jupiter", 1e-12),
        ("llvm", "jupiter", 1e-9),
        *[
            pytest.param("llvm", name, scale, marks=pytest.mark.slow)
            for name in DETAILED
            for scale in (1e-7, 1e-9, 1e-11, 1e-13)
        ],
    ],
)
def test_8_bits_are_at_most_1_off_and_999_in_1000_equal(
    kernel: str, name: str, scale: float
) -> None:
    picture = scene(name, scale, seed=2)
    lattice = Lattices.one(3, 7, 64, 64, 14)
    context = EvaluationContext.of(picture)
    fast, exact = create(kernel, context), ReferenceKernel(context)
    got, expected = (stored(k, picture, lattice) for k in (fast, exact))
    assert np.abs(got - expected).max() <= 1
    assert (got == expected).mean() >= 0.999
    assert np.unique(expected).size > 50  # neither flat nor in steps


@pytest.mark.parametrize("name", ["jupiter", pytest.param("ink", marks=pytest.mark.slow)])
def test_bits_do_not_depend_on_lattices_tilings_or_vectors(name: str) -> None:
    picture = context_of(name, 1e-12)
    whole = LLVMKernel(picture).evaluate(Lattices.one(0, 0, 40, 70))[:, 0].copy()
    part = LLVMKernel(picture).evaluate(Lattices.one(10, 20, 3, 50))[:, 0]
    assert np.array_equal(bits(part), bits(whole[:, 10:13, 20:70]))
    kernels = [LLVMKernel(picture, tiling=tiling) for tiling in (Tiling(2, 5),)]
    kernels += [
        LLVMKernel(picture, target=replace(HOST, vector_bits=32 * lanes)) for lanes in (4, 8, 16)
    ]
    for kernel in kernels:
        other = kernel.evaluate(Lattices.one(0, 0, 40, 70))[:, 0]
        assert np.array_equal(bits(other), bits(whole))


def test_traces_are_sums_and_not_differences() -> None:
    picture, lattice = context_of("ink", 1e-10), Lattices.one(0, 0, 5, 6, 3)
    expected = ReferenceKernel(picture).trace(lattice)
    totals: list[NDArray[np.float64]] = []
    with mpmath.workdps(80):
        x, y = (mpmath.mpf(v) for v in PLACE)
        at_center = plain_values(picture.cppn, x, y, 1)[0]
    picture.network.colour(0.0, 0.0, 0.0, totals)
    order = sorted_units(picture.cppn.structure.activation(0), picture.cppn.width)
    groups = picture.network.layers[0].groups
    names = [name for name, count in groups for _ in range(count)]
    for k, unit in enumerate(order):
        assert float(at_center[unit]) == pytest.approx(float(EXACT[names[k]](totals[0][k])))
    for name in ("llvm", "torch"):
        for got, wanted in zip(create(name, picture).trace(lattice), expected, strict=True):
            assert got.shape == wanted.shape
            assert np.abs(got - wanted).max() < 2e-3


@pytest.mark.parametrize("name", ["jupiter", pytest.param("petal", marks=pytest.mark.slow)])
def test_where_differences_begin_nothing_jumps(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lattice, pictures = Lattices.one(3, 7, 64, 64, 14), []
    scale = 1.2 * 2.0**-DEEP * SIDE / 2
    for begins in (DEEP - 0.1, DEEP + 0.1):
        monkeypatch.setattr("tilecppn.cppn.network.DEEP", begins)
        picture = scene(name, scale)
        kernel = LLVMKernel(EvaluationContext.of(picture))
        pictures.append((kernel, stored(kernel, picture, lattice)))
    (deep, one), (plain, other) = pictures
    assert deep.context.network.differences > 0 == plain.context.network.differences
    assert deep.arithmetic.revision == plain.arithmetic.revision + 1
    assert np.abs(one - other).max() <= 1
    assert (one == other).mean() >= 0.999


def test_other_pictures_are_drawn_as_before() -> None:
    """A shallow zoom, a folded plane, and a network without detail."""
    folded = {"view": {"mirror": "x"}}
    for picture in (
        context_of("jupiter", 1e-7),
        context_of("jupiter", 1e-9, **folded),
        context_of("flux", 1e-9),
    ):
        assert picture.network.differences == 0
    values = LLVMKernel(context_of("jupiter", 1e-7)).evaluate(Lattices.one(37, 41, 40, 50, 19))
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    assert hashlib.sha256(little.tobytes()).hexdigest() == ZOOM_OF_1E7
    # One of them is raised when this hash changes.
    assert (REVISION, NODES_REVISION, AMPLITUDES_REVISION) == (3, 2, 3)


ZOOM_OF_1E7 = "643a98c254a4a6d672a035604b5941f90b614df36adef202ec8c2267800fa284"
