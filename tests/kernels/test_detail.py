"""Networks with detail in every kernel: the oracle's values, and the same bits however drawn."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.kernels.contexts import bits, difference
from tilecppn.cppn import PRESETS
from tilecppn.kernels import EvaluationContext, create
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.kernels.llvm.layers import Tiling
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

DETAILED = [name for name, preset in PRESETS.items() if preset.detail is not None]
SOME = [  # a calm one and a busy one, all others in the slow lane
    name if name in ("jupiter", "tide") else pytest.param(name, marks=pytest.mark.slow)
    for name in DETAILED
]
VIEWS: dict[str, dict[str, Any]] = {
    "whole": {},
    "close": {"scale": 1e-5, "center": [0.3, -0.2]},
    "folded": {"mirror": "x", "rotation": 20.0},
}


def picture(name: str, side: int = 4096, seed: int = 1, **view: Any) -> EvaluationContext:
    canvas = {"width": side, "height": side}
    return EvaluationContext.of(
        Scene.of(cppn={"preset": name, "seed": seed}, canvas=canvas, view=view)
    )


def spread(side: int) -> Lattices:
    """Squares of 16² pixels all over a canvas: neighbours share their fineness."""
    places = np.linspace(3, side - 20, 5).astype(np.int64)
    return Lattices(np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2), 16, 16, 1)


@pytest.mark.parametrize("kernel", ["llvm", "torch"])
@pytest.mark.parametrize(
    ("name", "view"),
    [*(("jupiter", view) for view in VIEWS), ("agate", "close"), ("ink", "folded")],
)
def test_kernels_agree_with_the_oracle(name: str, kernel: str, view: str) -> None:
    context = picture(name, **VIEWS[view])
    assert difference(create(kernel, context), context, Lattices.one(900, 40, 9, 31, 37)) < 2e-4


@pytest.mark.parametrize(
    "side", [*(pytest.param(n, marks=pytest.mark.slow) for n in (512, 8192)), 65536]
)
@pytest.mark.parametrize("name", SOME)
def test_8_bits_are_at_most_1_off_and_999_in_1000_equal(name: str, side: int) -> None:
    from tilecppn.pixels.colour import coloured

    scene = Scene.of(cppn={"preset": name, "seed": 2}, canvas={"width": side, "height": side})
    context = EvaluationContext.of(scene)
    lattices = spread(side)
    got, exact = (
        np.rint(
            255.0
            * coloured(kernel, scene.output, scene.cppn.channels)
            .evaluate(lattices)
            .astype(np.float64)
        )
        for kernel in (LLVMKernel(context), ReferenceKernel(context))
    )
    assert np.abs(got - exact).max() <= 1
    assert (got == exact).mean() >= 0.999


def test_late_layers_are_in_float32_and_early_ones_in_float64() -> None:
    large, small = picture("jupiter", 65536), picture("jupiter", 64)
    layers = len(large.network.layers)
    assert 2 <= large.single_from <= layers - 4
    assert small.single_from < large.single_from
    assert LLVMKernel(large).dtype == np.float32


@pytest.mark.parametrize("name", ["jupiter", pytest.param("ink", marks=pytest.mark.slow)])
def test_bits_do_not_depend_on_tiling_or_lattice(name: str) -> None:
    context = picture(name, 16384)
    whole = LLVMKernel(context).evaluate(Lattices.one(0, 0, 40, 50))[:, 0].copy()
    for tiling in (Tiling(1, 1), Tiling(2, 5)):
        other = LLVMKernel(context, tiling=tiling).evaluate(Lattices.one(0, 0, 40, 50))[:, 0]
        assert np.array_equal(bits(other), bits(whole))
    part = LLVMKernel(context).evaluate(Lattices.one(10, 20, 3, 5))[:, 0]
    assert np.array_equal(bits(part), bits(whole[:, 10:13, 20:25]))


def test_traces_are_those_of_the_reference() -> None:
    context = replace(picture("ink", 512), precision="exact")
    lattice = Lattices.one(0, 0, 5, 6, 3)
    expected = ReferenceKernel(context).trace(lattice)
    for name in ("llvm", "torch"):
        for got, wanted in zip(create(name, context).trace(lattice), expected, strict=True):
            assert got.shape == wanted.shape
            assert np.abs(got - wanted).max() < 2e-3


@pytest.mark.parametrize("name", SOME)
def test_half_the_size_agrees_with_the_means_of_2_by_2(name: str) -> None:
    import tilecppn as tc

    def drawn(side: int) -> Any:
        canvas = {"width": side, "height": side}
        return tc.preview(tc.Scene.of(cppn={"preset": name}, canvas=canvas), side).astype(float)

    full = drawn(512).reshape(256, 2, 256, 2, 3).mean((1, 3))
    assert np.abs(full - drawn(256)).mean() < 4.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", DETAILED)
def test_a_gigapixel_has_detail_down_to_its_pixels(name: str, seed: int) -> None:
    from benchmarks.detail import figures

    found = figures(name, seed)
    assert min(found.bands) >= 2.0
    assert found.factor <= 1.5
    assert found.tile >= 6.0
    assert found.beyond < 0.01
    assert found.half < 1.5
    assert found.moved < 1.3


@pytest.mark.slow
@pytest.mark.parametrize("zoom", [1e6, 1e9])
@pytest.mark.parametrize("name", DETAILED)
def test_a_deep_zoom_has_it_too(name: str, zoom: float) -> None:
    from benchmarks.detail import figures

    found = figures(name, 1, zoom)
    assert min(found.bands) >= 2.0
    assert found.factor <= 1.5
    assert found.tile >= 6.0
    assert found.beyond < 0.01
