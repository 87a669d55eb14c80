"""Many lattices at once, and the units' sums: the same bits and the oracle's numbers."""

import numpy as np
import pytest

from tilecppn.cppn import ACTIVATIONS, CPPN
from tilecppn.kernels import KERNELS, EvaluationContext, create
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

NETWORKS = [
    {"width": 8, "depth": 2},
    {"width": 13, "depth": 3, "residual": True},
    {"width": 5, "channels": 1, "activations": tuple(ACTIVATIONS)[::3]},
]


def field_of(network: dict[str, object], scale: float = 2.0) -> EvaluationContext:
    drawn = CPPN.from_preset("hardmaru", seed=3, **network)  # type: ignore[arg-type]
    tame = [(w / np.sqrt(w.shape[1]), 0.3 * b) for w, b in drawn.layers]
    canvas = {"width": 1000, "height": 700}
    scene = Scene.of(canvas=canvas, view={"rotation": 20.0, "scale": scale})
    return EvaluationContext.of(scene.replace(cppn=CPPN(drawn.structure, tame)))


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("name", KERNELS)
def test_many_lattices_give_the_bits_of_each(name: str, network: dict[str, object]) -> None:
    kernel = create(name, field_of(network))
    origins = np.array([[0, 0], [-32, 64], [699, 999]], np.int64)
    for rows, cols, stride in ((1, 1, 1), (13, 9, 8), (64, 64, 1)):
        many = kernel.evaluate(Lattices(origins, rows, cols, stride)).copy()
        assert many.shape[1:] == (len(origins), rows, cols)
        for i, (row, col) in enumerate(origins.tolist()):
            one = kernel.evaluate(Lattices.one(row, col, rows, cols, stride))[:, 0]
            assert many[:, i].tobytes() == one.tobytes()


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("name", KERNELS)
def test_a_trace_has_the_same_colours_and_the_oracles_sums(
    name: str, network: dict[str, object]
) -> None:
    context = field_of(network)
    kernel = create(name, context)
    lattice = Lattices.one(-16, 32, 21, 17, 16)
    plain = kernel.evaluate(lattice).tobytes()
    colours, sums = (values[:, 0] for values in kernel.trace(lattice))
    assert colours.tobytes() == plain
    x, y, r = (v[0] for v in context.inputs(lattice))
    totals: list[np.ndarray] = []
    context.cppn.colour(x, y, r, context.z, sums=totals)
    expected = np.moveaxis(np.concatenate(totals, axis=-1), -1, 0)
    assert sums.shape == expected.shape
    assert np.max(np.abs(sums - expected) / np.maximum(1.0, np.abs(expected))) < 1e-4
