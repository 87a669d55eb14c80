"""The CPU kernel's error, measured by that of NumPy on the same network in float32."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.kernels.contexts import bits, indices
from tilecppn.codegen import HOST
from tilecppn.cppn import ACTIVATIONS, CPPN, PRESETS
from tilecppn.cppn.resolved import Groups
from tilecppn.cppn.structure import INPUTS
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.pixels.quantise import quantise
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Output
from tilecppn.scene.view import Grid, Lattices

Values = NDArray[np.floating]

UNIT = 2.0**-24  # half a unit in the last place of float32's 1
LARGEST = 1e37  # sums of float32 beyond it may overflow, by their order


def summed(
    h: Values, weight: Values, start: Values, order: int, rng: np.random.Generator
) -> Values:
    """start + weight · h, in the precision of h."""
    mixed = rng.permutation(h.shape[-1]) if order else slice(None)
    sums = np.asarray(h[..., mixed] @ weight[:, mixed].T.astype(h.dtype) + start)
    if order:
        aside = rng.choice([-np.inf, np.inf], sums.shape).astype(h.dtype)
        sums = np.where(rng.random(sums.shape) < 0.5, np.nextafter(sums, aside), sums)
    return sums


def activated(sums: Values, groups: Groups, finite: NDArray[np.bool_]) -> Values:
    finite &= np.abs(sums).max(axis=-1) < LARGEST
    ends = np.cumsum([count for _, count in groups])[:-1]
    values = []
    for (name, _), part in zip(groups, np.split(sums, ends, axis=-1), strict=True):
        values.append(ACTIVATIONS[name].function(np.asarray(part)))
    return np.concatenate(values, axis=-1)


def in_numpy(
    context: EvaluationContext, lattice: Lattices, dtype: str, order: int = 0
) -> tuple[Values, NDArray[np.bool_]]:
    """Colours (channels, rows, cols) in one precision, and where all values stay finite.

    Orders but 0 sum neurons and inputs in another order and leave the last place of each sum to
    chance, as another rounding would (J. Vignes' CESTAC method).
    """
    rng = np.random.default_rng(order)
    points = np.broadcast_arrays(*context.points(*indices(lattice)))
    h = np.stack(points, axis=-1).astype(dtype)  # (rows, cols, 3)
    finite = np.abs(h).max(axis=-1) < LARGEST
    network = context.network
    layers = network.layers
    colour = network.bias.astype(dtype)
    for i, (weight, bias, groups, readout, *_) in enumerate(layers):
        h_next = activated(summed(h, weight, bias.astype(dtype), order, rng), groups, finite)
        h = h + h_next if network.residual and i > 0 else h_next
        finite &= np.abs(h).max(axis=-1) < LARGEST
        if readout is not None:
            colour = summed(h, readout, colour, order, rng)
    h = activated(colour, network.output, finite)
    finite &= np.abs(h).max(axis=-1) < LARGEST
    assert h.dtype == dtype
    return np.moveaxis(h, -1, 0), finite


class Errors(NamedTuple):
    """Differences from float64 at all finite values: the kernel's, and NumPy's in its orders."""

    single: NDArray[np.float64]  # (values,), the kernel in float32
    chosen: NDArray[np.float64]  # in the precision that it chooses
    numpy: NDArray[np.float64]  # (orders, values)
    size: float  # the largest value


def errors(context: EvaluationContext, lattice: Lattices, orders: int = 1) -> Errors:
    with np.errstate(all="ignore"):
        exact, _ = in_numpy(context, lattice, "float64")
        numpy32 = [in_numpy(context, lattice, "float32", order) for order in range(orders)]
        kernels = [LLVMKernel(context, dtype=dtype) for dtype in ("float32", None)]
        got = [kernel.evaluate(lattice)[:, 0] for kernel in kernels]
        finite = np.logical_and.reduce([where for _, where in numpy32])
        here = np.broadcast_to(finite, exact.shape)
        others = np.stack([np.abs(values - exact)[here] for values, _ in numpy32])
        size = float(np.abs(exact[here]).max(initial=1.0))
        single, chosen = (np.abs(values - exact)[here] for values in got)
        return Errors(single, chosen, others, size)


PLAIN = [name for name, preset in PRESETS.items() if preset.detail is None]
NETWORKS: dict[str, dict[str, Any]] = {
    **{name: {"preset": name} for name in PLAIN},
    "64 wide, 8 deep": {"width": 64, "depth": 8},
    "16 deep": {"depth": 16},
    "300 wide": {"width": 300, "depth": 2},
    "waves": {"activations": ["sin", "cos", "half-sine", "sigmoid-sin"]},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_error_is_at_most_twice_numpys_in_float32(name: str) -> None:
    found = []
    for seed in range(2):
        scene = Scene.of(
            cppn={**NETWORKS[name], "seed": seed}, canvas={"width": 1000, "height": 1000}
        )
        found.append(errors(EvaluationContext.of(scene), Lattices.one(0, 0, 70, 70, 14)))
    theirs = np.concatenate([e.numpy[0] for e in found])
    assert len(theirs) > 9_000
    assert np.concatenate([e.single for e in found]).mean() <= 2.0 * theirs.mean()
    assert np.concatenate([e.chosen for e in found]).max() <= 2.0 * theirs.max()


# Any network, at any place


@st.composite
def fields(draw: st.DrawFn) -> EvaluationContext:
    names = st.sampled_from(list(ACTIVATIONS))
    width = draw(st.one_of(st.integers(1, 20), st.sampled_from([31, 64, 65, 128, 511, 512])))
    deep = 2 if width > 20 else 5
    cppn = CPPN.from_preset(
        draw(st.sampled_from(PLAIN)),
        seed=draw(st.integers(0, 2**63 - 1)),
        width=width,
        channels=draw(st.sampled_from([1, 3])),
        activations=draw(st.lists(names, min_size=1, max_size=deep)),
        residual=draw(st.booleans()),
        inputs=draw(st.lists(st.sampled_from(INPUTS), min_size=1, unique=True)),
    )
    magnify = draw(st.one_of(st.just(0.0), st.floats(-6.0, 6.0), st.floats(-30.0, 36.0)))
    with np.errstate(over="ignore"):
        layers = [(10.0**magnify * w, 10.0**magnify * b) for w, b in cppn.layers]
        layers = [(np.clip(w, -3e38, 3e38), np.clip(b, -3e38, 3e38)) for w, b in layers]
    cppn = CPPN(replace(cppn.structure, output=draw(names)), layers)
    far = draw(st.one_of(st.just(0.0), st.floats(-1e6, 1e6), st.floats(-1e36, 1e36)))
    step = draw(st.floats(-4.0, 4.0).map(lambda power: 10.0**power)) * max(1.0, abs(far) * 1e-3)
    grid = Grid((far, -far), (step, step), (50.0, 20.0), 0.6, -0.8, draw(st.booleans()))
    return EvaluationContext(cppn, cppn.seeded_latent(draw(st.integers(0, 99))), grid)


fuzzed = given(fields(), st.integers(-100, 100), st.integers(1, 9))


@settings(max_examples=10)
@fuzzed
def test_any_network_is_as_near_as_float32_can_be(
    picture: EvaluationContext, row: int, stride: int
) -> None:
    as_near_as_float32_can_be(picture, row, stride)


@pytest.mark.slow
@settings(max_examples=100)
@fuzzed
def test_very_many_networks_are_as_near_as_float32_can_be(
    picture: EvaluationContext, row: int, stride: int
) -> None:
    as_near_as_float32_can_be(picture, row, stride)


def as_near_as_float32_can_be(picture: EvaluationContext, row: int, stride: int) -> None:
    lattice = Lattices.one(row, -row, 12, 25, stride)
    found = errors(picture, lattice, orders=3)
    if found.single.size:
        # NumPy's luck in one order is no measure: its errors in several orders together are. Where
        # a network is chaotic a few points make the mean, and four standard errors are luck, too.
        least = 16.0 * UNIT * found.size
        theirs = found.numpy.max(axis=0)
        luck = 4.0 * np.hypot(found.single.std(), theirs.std()) / np.sqrt(theirs.size)
        assert found.single.mean() <= 2.0 * theirs.mean() + luck + least
        assert found.single.max() <= 2.0 * found.numpy.max() + least
    values = LLVMKernel(picture).evaluate(lattice).copy()
    narrow = replace(HOST, vector_bits=128)
    assert np.array_equal(bits(LLVMKernel(picture, narrow).evaluate(lattice)), bits(values))
    unknown = np.isnan(values)
    stored = np.empty(values.shape, np.uint16)
    quantise(values, Output(dtype="uint16"), stored)
    assert (stored[unknown] == 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_nan_comes_through_as_nan_and_is_stored_as_0(activation: str, dtype: str) -> None:
    """Weights that overflow to inf - inf in the one neuron's sum."""
    whole = CPPN.from_preset("hardmaru", width=1, depth=1, inputs=["x", "y"])
    huge = np.array([[3e38, -3e38]])
    layers = [(huge, np.zeros(1)), (np.ones((3, 1)), np.zeros(3))]
    structure = replace(whole.structure, activations=("identity",), output=activation)
    picture = EvaluationContext.of(
        Scene.of(canvas={"width": 64}).replace(cppn=CPPN(structure, layers))
    )
    picture = replace(
        picture, grid=replace(picture.grid, center=(1e300, 1e300), step=(1e297, 1e297))
    )
    values = LLVMKernel(picture, dtype=dtype).evaluate(Lattices.one(0, 0, 3, 20))[:, 0].copy()
    assert np.isnan(values).all()
    stored = np.ones(values.shape, np.uint8)
    quantise(values, Output(dtype="uint8"), stored)
    assert not stored.any()
