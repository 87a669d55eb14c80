"""Networks with detail, and mixtures, in the Triton kernel."""

import pytest

pytest.importorskip("triton")

from tests.kernels.contexts import context_of, difference
from tilecppn.cppn import CPPN
from tilecppn.kernels.triton.kernel import TritonKernel
from tilecppn.scene.view import Lattices

LATTICE = Lattices.one(3, 5, 5, 7, 29)


@pytest.mark.parametrize("name", ["jupiter", "ink", "agate"])
def test_detail_agrees_with_the_oracle(name: str) -> None:
    picture = context_of(CPPN.from_preset(name, seed=1, depth=6), 256)
    assert difference(TritonKernel(picture), picture, LATTICE) < 1e-3


def test_mixtures_agree_with_the_oracle() -> None:
    cppn = CPPN.from_preset("hardmaru", seed=1, width=9, activations=["sin+gaussian", "tanh+sin"])
    cppn = CPPN(cppn.structure, [(0.2 * w, 0.2 * b) for w, b in cppn.layers])
    picture = context_of(cppn)
    assert difference(TritonKernel(picture), picture, LATTICE) < 1e-4
