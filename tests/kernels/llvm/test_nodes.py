"""Early layers at nodes: the same bits for any lattice, and as near to the oracle as without."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.kernels.contexts import bits
from tilecppn.buffers import Workspace
from tilecppn.codegen import HOST
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.kernels.llvm.layers import Tiling
from tilecppn.kernels.llvm.nodes import (
    APART,
    BEFORE,
    MAX_ERROR,
    STRIP,
    TAPS,
    lagrange,
    strips,
    windows,
)
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.plan import BLOCK
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

CORNER = 40 * BLOCK


def picture(preset: str = "jupiter", **options: Any) -> EvaluationContext:
    """A picture whose early layers vary slowly."""
    side = options.pop("side", 32768)
    cppn = {"preset": preset, **options.pop("cppn", {})}
    scene = Scene.of(cppn=cppn, canvas={"width": side, "height": side}, **options)
    return EvaluationContext.of(scene)


def at_nodes(kernel: LLVMKernel) -> LLVMKernel:
    assert kernel.node_layers is not None
    return kernel


def test_weights_are_those_of_polynomials() -> None:
    """Exact for any of degree 7, and sums of powers of 2, so that no rounding hides in them."""
    table = lagrange(APART)
    nodes = APART * np.arange(-BEFORE, TAPS - BEFORE)
    for pixel, weights in enumerate(table):
        assert weights.sum() == 1.0
        assert (weights * 2.0**30 % 1.0 == 0.0).all()
        for power in range(TAPS):
            assert weights @ nodes.astype(float) ** power == pixel**power
    assert table[0].tolist() == [float(k == BEFORE) for k in range(TAPS)]


@settings(max_examples=100)
@given(
    st.integers(-300, 300),
    st.integers(-300, 300),
    st.integers(1, 200),
    st.integers(1, 200),
    st.integers(1, 100),
)
def test_windows_hold_every_point_of_a_lattice_once(
    top: int, left: int, rows: int, cols: int, stride: int
) -> None:
    seen = np.zeros((1, rows, cols), np.int64)
    for place, row, col, height, width in windows(Lattices.one(top, left, rows, cols, stride)):
        part = seen[place[1:]]
        assert part.shape == (-(-height // stride), -(-width // stride))
        assert row // BLOCK == (row + height - 1) // BLOCK
        assert col // BLOCK == (col + width - 1) // BLOCK
        assert (row, col) == (top + place[2].start * stride, left + place[3].start * stride)
        part += 1
    assert (seen == 1).all()


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=20),
    st.integers(1, BLOCK),
)
def test_strips_are_of_blocks_side_by_side(blocks: list[tuple[int, int]], side: int) -> None:
    origins = np.array(blocks, np.int64) * BLOCK
    lattices = Lattices(origins, side, side, 1)
    every = list(windows(lattices))
    found = list(strips(every))
    assert [window for strip in found for window in strip] == every
    for strip in found:
        row, col = strip[0].row // BLOCK, strip[0].col // BLOCK
        places = [(window.row // BLOCK, window.col // BLOCK) for window in strip]
        assert places == [(row, col + k) for k in range(len(strip))]
        assert len(strip) <= STRIP


@pytest.mark.parametrize("preset", ["jupiter", "ink"])
def test_points_bits_do_not_depend_on_the_lattice(preset: str) -> None:
    """Of calm blocks and of busy ones."""
    kernel = at_nodes(LLVMKernel(picture(preset)))
    whole = bits(kernel.evaluate(Lattices.one(CORNER, CORNER, 130, 200))[:, 0].copy())

    @settings(max_examples=40)
    @given(
        st.integers(0, 129),
        st.integers(0, 199),
        st.integers(1, 60),
        st.integers(1, 60),
        st.integers(1, 30),
    )
    @example(0, 0, 33, 50, APART)  # all of them nodes
    @example(0, 0, 9, 13, 16)
    @example(1, 0, 33, 50, APART)
    @example(129, 199, 1, 1, 1)
    def law(row: int, col: int, rows: int, cols: int, stride: int) -> None:
        rows = min(rows, -(-(130 - row) // stride))
        cols = min(cols, -(-(200 - col) // stride))
        lattice = Lattices.one(CORNER + row, CORNER + col, rows, cols, stride)
        expected = whole[:, row::stride, col::stride][:, :rows, :cols]
        assert np.array_equal(bits(kernel.evaluate(lattice)[:, 0]), expected)
        assert np.array_equal(bits(kernel.trace(lattice)[0][:, 0]), expected)

    law()


def test_sums_are_those_of_every_layer() -> None:
    kernel, plain = LLVMKernel(picture()), LLVMKernel(picture())
    plain.node_layers = None
    for stride in (1, APART):
        lattice = Lattices.one(CORNER, CORNER, 9, 9, stride)
        found = kernel.trace(lattice)[1].copy()
        assert np.array_equal(found, plain.trace(lattice)[1])


def test_bits_do_not_depend_on_the_vectors_width() -> None:
    context, lattice = picture(), Lattices.one(CORNER, CORNER, BLOCK, BLOCK)
    expected = bits(at_nodes(LLVMKernel(context)).evaluate(lattice).copy())
    for target in (replace(HOST, vector_bits=32 * lanes) for lanes in (4, 8, 16)):
        kernel = at_nodes(LLVMKernel(context, target=target))
        assert np.array_equal(bits(kernel.evaluate(lattice)), expected), target


ZOOM = {"center": [0.3, -0.2], "scale": 1e-4}
DEEP = {"center": [0.3, -0.2], "scale": 1e-10}


@pytest.mark.parametrize(
    ("preset", "view"),
    [
        ("agate", {}),
        ("petal", ZOOM),
        ("tide", DEEP),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (("jupiter", {}), ("tide", {}), ("meadow", ZOOM), ("agate", DEEP))
        ),
    ],
)
def test_blocks_are_as_near_to_the_oracle_as_without_nodes(
    preset: str, view: dict[str, Any]
) -> None:
    context = picture(preset, view=view)
    kernel, plain, oracle = LLVMKernel(context), LLVMKernel(context), ReferenceKernel(context)
    plain.node_layers = None
    rng = np.random.default_rng(3)
    lattices = Lattices(rng.integers(0, 500, (6, 2)) * BLOCK, BLOCK, BLOCK, 1)
    exact = oracle.evaluate(lattices)
    error, usual = (np.abs(k.evaluate(lattices) - exact).mean() for k in (at_nodes(kernel), plain))
    assert error < 1.5 * usual


def test_busy_blocks_interpolate_earlier_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly all blocks of this picture are drawn from nodes, about an eighth of them so."""
    kernel = at_nodes(LLVMKernel(picture("ink")))
    assert kernel.node_layers is not None
    drawn, later = kernel.node_layers._pixels, []

    def pixels(*given: Any) -> Any:
        later.append(given[-1] is not None)
        return drawn(*given)

    monkeypatch.setattr(kernel.node_layers, "_pixels", pixels)
    rng = np.random.default_rng(3)
    kernel.evaluate(Lattices(rng.integers(0, 500, (30, 2)) * BLOCK, BLOCK, BLOCK, 1))
    assert len(later) >= 28
    assert 2 <= sum(later) <= 25


def test_the_tip_of_r_is_too_busy() -> None:
    """In the middle of the canvas r has a tip, which no polynomial follows."""
    context = picture(cppn={"inputs": ["x", "y", "r"]})
    kernel = at_nodes(LLVMKernel(context))
    assert kernel.node_layers is not None
    middle = list(windows(Lattices.one(16384, 16384, 8, 8)))
    assert [colours for _, colours in kernel.node_layers.colours(middle)] == [None]
    lattice = Lattices.one(16384 - 20, 16384 - 20, 40, 40)
    exact = ReferenceKernel(context).evaluate(lattice)
    assert np.abs(kernel.evaluate(lattice) - exact).max() < 1e-4


def test_a_plain_network_has_no_nodes() -> None:
    assert LLVMKernel(EvaluationContext.of(Scene.of(cppn={"preset": "flux"}))).node_layers is None
    assert LLVMKernel(picture(view={"mirror": "x"})).node_layers is None
    assert MAX_ERROR < 1e-6


def test_what_fills_up_the_last_block_may_be_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 24 and 12 points do not divide the grid's: the rest is memory as it was found."""
    context, lattice = picture("ink", side=65536, cppn={"seed": 2}), Lattices.one(3, 7, 13, 13, 200)
    expected = bits(LLVMKernel(context).evaluate(lattice).copy())
    fresh = Workspace.array

    def found(self: Workspace, shape: tuple[int, ...], dtype: Any) -> Any:
        array = fresh(self, shape, dtype)
        array.fill(np.finfo(dtype).max)
        return array

    monkeypatch.setattr(Workspace, "array", found)
    narrow = replace(HOST, vector_bits=256)
    kernel = LLVMKernel(context, target=narrow, tiling=Tiling(4, 3))
    assert np.array_equal(bits(kernel.evaluate(lattice)), expected)
