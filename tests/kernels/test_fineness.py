"""The local fineness of a picture: nodes of the global grid, and the spline between them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.contexts import fineness
from tilecppn.cppn.detail import LocalFineness
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.fineness import WEIGHTS, FinenessMap
from tilecppn.kernels.llvm.followed import fineness_map
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

LATTICES = [
    Lattices.one(0, 0, 70, 70),
    Lattices.one(-100, 1000, 20, 130, 3),
    Lattices.one(40, -1, 9, 5, 64),
    Lattices(np.array([[0, 0], [-64, 63], [4000, 17]], np.int64), 33, 21, 2),
]
VIEWS: dict[str, dict[str, object]] = {
    "whole": {},
    "folded": {"radial": 5},
    "deep": {"center": [0.31, -0.17], "scale": 1e-9, "rotation": 30.0},
}


def context_of(view: str, side: int = 4096) -> EvaluationContext:
    cppn = {"preset": "petal", "seed": 2}
    return EvaluationContext.of(
        Scene.of(cppn=cppn, view=VIEWS[view], canvas={"width": side, "height": side})
    )


def of(found: FinenessMap, lattices: Lattices) -> np.ndarray:
    out = np.empty(np.prod(lattices.shape), np.float32)
    found.fill(lattices, out)
    return out.reshape(lattices.shape)


@pytest.mark.parametrize("view", VIEWS)
def test_machine_code_and_numpy_agree_with_the_plain_spline(view: str) -> None:
    context = context_of(view)
    compiled, reference = fineness_map(context), ReferenceKernel(context).fineness
    assert compiled is not None
    assert reference is not None
    for lattices in LATTICES:
        one, other = of(compiled, lattices), of(reference, lattices)
        assert np.abs(one - other).max() < 1e-6
        rows, cols = lattices.indices()
        for k in range(len(rows)):
            assert np.abs(one[k] - fineness(context, rows[k], cols[k])).max() < 1e-6
    assert np.ptp(of(compiled, LATTICES[1])) > 0.01


@settings(max_examples=30)
@given(st.integers(-3000, 3000), st.integers(-3000, 3000), st.integers(1, 40), st.integers(1, 90))
def test_a_pixels_fineness_follows_from_its_index(row: int, col: int, rows: int, cols: int) -> None:
    context = CONTEXT
    whole, part = fineness_map(context), fineness_map(context)
    assert whole is not None
    assert part is not None
    lattice = Lattices.one(row, col, rows, cols)
    around = of(whole, Lattices.one(row - 70, col - 3, rows + 70, cols + 5))[0]
    assert np.array_equal(around[70:, 3 : 3 + cols], of(part, lattice)[0])
    apart = of(part, Lattices.one(row, col, -(-rows // 7), -(-cols // 7), 7))[0]
    assert np.array_equal(apart, of(part, lattice)[0][::7, ::7])


CONTEXT = context_of("whole")


def test_weights_are_those_of_a_smooth_partition_of_one() -> None:
    assert np.allclose(WEIGHTS.sum(axis=0), 1.0, rtol=0.0, atol=1e-15)
    assert WEIGHTS.min() > 0.0
    # A straight line goes through: node k at k blocks less half a pixel.
    places = np.array([[-1.0], [0.0], [1.0], [2.0]])
    assert np.allclose((WEIGHTS * places).sum(axis=0), (np.arange(64) + 0.5) / 64, atol=1e-15)
    # From one block to the next the values go on with the same slope.
    ends = np.zeros((5, 4))
    ends[:4, :2], ends[1:, 2:] = WEIGHTS[:, -2:], WEIGHTS[:, :2]
    assert np.abs(np.diff(ends, 2, axis=1)).max() < 1e-3


def test_a_mirror_on_the_corner_of_blocks_leaves_its_places_as_fine() -> None:
    cppn, canvas = {"preset": "petal", "seed": 2}, {"width": 1024, "height": 1024}
    scene = Scene.of(cppn=cppn, canvas=canvas, view={"center": [0.3, 0.2], "scale": 0.3})
    plain, folded = (
        fineness_map(EvaluationContext.of(s)) for s in (scene, scene.replace(view={"mirror": "x"}))
    )
    assert plain is not None
    assert folded is not None
    middle = Lattices.one(0, 512, 1024, 1)
    # The other half is the mirror's, so the picture's own values are on the right.
    assert abs(of(folded, middle).mean() - of(plain, middle).mean()) < 0.03


@pytest.mark.parametrize(
    ("view", "axes"),
    [
        ({"mirror": "x"}, "x"),
        ({"mirror": "xy"}, "xy"),
        ({"mirror": "y", "repeat": "xy"}, "y"),
        ({"radial": 5}, "x"),
    ],
)
@pytest.mark.parametrize("sides", [(640, 384), (300, 1002), (34, 50)])
def test_a_mirrored_picture_is_mirrored(
    view: dict[str, object], axes: str, sides: tuple[int, int]
) -> None:
    width, height = sides
    cppn, canvas = {"preset": "petal", "seed": 2}, {"width": width, "height": height}
    found = fineness_map(EvaluationContext.of(Scene.of(cppn=cppn, canvas=canvas, view=view)))
    assert found is not None
    whole = of(found, Lattices.one(0, 0, height, width))[0]
    for axis in axes:
        assert np.array_equal(whole, np.flip(whole, "yx".index(axis)))


def test_a_repeated_picture_begins_again() -> None:
    """On sides that are a multiple of the distance of nodes."""
    cppn, canvas = {"preset": "petal", "seed": 2}, {"width": 960, "height": 400}
    scene = Scene.of(cppn=cppn, canvas=canvas, view={"repeat": "x"})
    found = fineness_map(EvaluationContext.of(scene))
    assert found is not None
    before, after = (of(found, Lattices.one(0, left, 400, 300)) for left in (-150, 960 - 150))
    assert np.array_equal(before, after)


def test_places_beyond_the_limits_count_no_more() -> None:
    local = LocalFineness(0, (1.0,), 0.0, whole=0.5)
    assert local.of([np.array([1e-30, 0.0, 2.0, 1e30])]).tolist() == pytest.approx(
        [-0.5, -0.5, 0.5 / 3.0, 3.5 / 3.0]
    )
    assert local.typical == pytest.approx(0.5 / 3.0)


def test_few_squares_of_nodes_are_kept() -> None:
    calls = []

    def values(lattices: Lattices) -> list[np.ndarray]:
        calls.append(len(lattices.origins))
        return [np.ones((1, *lattices.shape))]

    found = FinenessMap(LocalFineness(0, (1.0,), 0.0, 0.0), CONTEXT, values)
    found.nodes(-4, -4, 24, 24)
    found.nodes(-4, -4, 24, 24)
    assert calls == [64] * 9
    for k in range(100):
        found.nodes(8 * k, 800, 1, 1)
    found.nodes(-4, -4, 8, 8)
    assert len(calls) == 9 + 100 + 1
    assert len(found._squares) == 64
