"""Networks with detail, and mixtures, in the Triton kernel."""

import numpy as np
import pytest

pytest.importorskip("triton")

from tests.kernels.contexts import bits, context_of, difference
from tilecppn.cppn import CPPN
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.kernels.triton.kernel import TritonKernel
from tilecppn.kernels.triton.program import Configuration
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

SEVERAL = Lattices(np.array([[-70, 3], [63, -129], [128, 37]], np.int64), 13, 17, 9)


def picture_of(name: str, **view: object) -> EvaluationContext:
    canvas = {"width": 200, "height": 160}
    scene = Scene.of(cppn={"preset": name, "seed": 1}, canvas=canvas, view=view)
    return EvaluationContext.of(scene)


@pytest.mark.parametrize(
    ("name", "view"), [("jupiter", {}), ("ink", {"mirror": "x"}), ("agate", {})]
)
def test_detail_agrees_with_the_reference(name: str, view: dict[str, object]) -> None:
    picture = picture_of(name, **view)
    assert {layer.fade is None for layer in picture.network.layers} == {False, True}
    kernel = TritonKernel(picture)
    colours, sums = (values.copy() for values in kernel.trace(SEVERAL))
    expected, expected_sums = ReferenceKernel(picture).trace(SEVERAL)
    assert np.abs(colours - expected).max() < 1e-4
    assert np.abs(sums - expected_sums).max() < 0.02
    assert np.array_equal(bits(colours), bits(kernel.evaluate(SEVERAL)))


@pytest.mark.parametrize("configuration", [None, Configuration(16, 4, 16)])
def test_points_that_fade_do_not_depend_on_their_lattice(
    configuration: Configuration | None,
) -> None:
    kernel = TritonKernel(picture_of("jupiter"), configuration)
    whole = bits(kernel.evaluate(Lattices.one(-70, -3, 5, 9, 23))[:, 0].copy())
    for i, j in ((0, 0), (3, 5)):
        origin = [-70 + 23 * i, -3 + 23 * j]
        part = Lattices(np.array([[500, 77], origin], np.int64), 5 - i, 9 - j, 23)
        assert np.array_equal(bits(kernel.evaluate(part)[:, 1]), whole[:, i:, j:])


def test_a_single_layer_fades() -> None:
    picture = context_of(CPPN.from_preset("jupiter", seed=1, depth=1), 16)
    assert [layer.fade is not None for layer in picture.network.layers] == [True]
    kernel, reference = TritonKernel(picture), ReferenceKernel(picture)
    assert np.abs(kernel.evaluate(SEVERAL) - reference.evaluate(SEVERAL)).max() < 1e-5


def test_mixtures_agree_with_the_oracle() -> None:
    cppn = CPPN.from_preset("hardmaru", seed=1, width=9, activations=["sin+gaussian", "tanh+sin"])
    cppn = CPPN(cppn.structure, [(0.2 * w, 0.2 * b) for w, b in cppn.layers])
    picture = context_of(cppn)
    lattice = Lattices.one(3, 5, 5, 7, 29)
    assert difference(TritonKernel(picture), picture, lattice) < 1e-4
