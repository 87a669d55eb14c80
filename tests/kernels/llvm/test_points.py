"""Points in machine code are those of `Field.points`, bit for bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.kernels.contexts import bits, indices
from tilecppn.codegen import HOST
from tilecppn.errors import SceneError
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.llvm.points import Points
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import MAX_SIDE
from tilecppn.scene.view import Lattices

PRESETS = ["hardmaru", "flux", "guibas"]  # plain; from end to end; swapped, r from an origin
SIDES = st.one_of(st.integers(1, 50), st.integers(1, MAX_SIDE))


@st.composite
def fields(draw: st.DrawFn) -> EvaluationContext:
    view: dict[str, Any] = {
        "center": [draw(st.floats(-1e9, 1e9)), draw(st.floats(-20.0, 20.0))],
        "scale": 10.0 ** draw(st.floats(-6.0, 9.0)),
        "rotation": draw(st.one_of(st.sampled_from([0.0, 90.0, -180.0]), st.floats(-400, 400))),
        "aspect": draw(st.sampled_from(["preserve", "stretch"])),
        "grid": draw(st.sampled_from(["centers", "endpoints"])),
        "swap": draw(st.booleans()),
    }
    canvas = {"width": draw(SIDES), "height": draw(SIDES)}
    cppn = {"preset": draw(st.sampled_from(PRESETS)), "width": 2, "depth": 1}
    try:
        return EvaluationContext.of(Scene.of(cppn=cppn, canvas=canvas, view=view))
    except SceneError:  # float64 does not tell its pixels apart
        assume(False)
        raise


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=150)
@given(
    fields(),
    st.integers(-(2**40), 2**40),
    st.integers(-100, MAX_SIDE),
    st.integers(1, 9),
    st.integers(1, 40),
    st.integers(1, 4096),
)
def test_points_are_the_fields_bit_for_bit(
    dtype: str, context: EvaluationContext, row: int, col: int, rows: int, cols: int, stride: int
) -> None:
    lattice = Lattices.one(row, col, rows, cols, stride)
    inputs = np.full((3, rows * cols + 5), -7.0, dtype)
    with np.errstate(over="ignore"):
        expected = np.stack(np.broadcast_arrays(*context.points(*indices(lattice)))).astype(dtype)
    MACHINE[dtype].fill(context, lattice, inputs)
    assert np.array_equal(bits(inputs[:, :-5]), bits(expected.reshape(3, -1)))
    assert (inputs[:, -5:] == -7.0).all()


MACHINE = {dtype: Points(np.dtype(dtype), HOST) for dtype in ("float32", "float64")}
