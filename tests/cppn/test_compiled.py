"""The machine code of networks with detail, against NumPy."""

import numpy as np
import pytest

from tilecppn.cppn import seeding
from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.compiled import SLOPES, activate, inverse_normal, normals, orthogonalise
from tilecppn.cppn.detail_activations import DETAIL_ACTIVATIONS


@pytest.mark.parametrize("points", [1, 8, 21])
@pytest.mark.parametrize("names", [*([name] for name in DETAIL_ACTIVATIONS), [*SLOPES]])
def test_values_and_derivatives_are_those_of_the_activations(names: list[str], points: int) -> None:
    random = np.random.default_rng(0)
    sums, jacobian = random.normal(size=(11, points)) * 3.0, random.normal(size=(11, 2, points))
    got, moved = sums.copy(), jacobian.copy()
    activate(names, got, moved)
    for unit, (u, j) in enumerate(zip(sums, jacobian, strict=True)):
        f = ACTIVATIONS[names[unit % len(names)]].function
        assert np.allclose(got[unit], f(u), rtol=0.0, atol=1e-15)
        slope = (f(u + 1e-5) - f(u - 1e-5)) / 2e-5
        assert np.allclose(moved[unit], slope * j, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("shape", [(24, 24), (3, 7, 7), (2, 1, 1)])
def test_rows_are_made_orthonormal_in_order(shape: tuple[int, ...]) -> None:
    matrices = np.random.default_rng(1).normal(size=shape)
    expected = matrices.reshape(-1, *shape[-2:]).copy()
    for matrix in expected:
        for i, row in enumerate(matrix):
            row /= np.sqrt(np.add.accumulate(row * row)[-1])
            for rest in matrix[i + 1 :]:
                rest -= np.add.accumulate(rest * row)[-1] * row
    orthogonalise(matrices)
    assert np.array_equal(matrices, expected.reshape(shape))
    assert np.allclose(matrices @ np.moveaxis(matrices, -1, -2), np.eye(shape[-1]), atol=1e-12)


@pytest.mark.parametrize("seed", [0, 7, seeding.MAX_SEED])
def test_normals_have_the_same_bits(seed: int) -> None:
    streams, sizes = [0, 1, 300, 2**62 + 5], [1, 672, 4001, 6]
    drawn = [seeding.uniforms(seed, *one) for one in zip(streams, sizes, strict=True)]
    expected = seeding.inverse_normal(np.concatenate(drawn))
    assert normals(seed, streams, sizes).tobytes() == expected.tobytes()


def test_normals_of_the_tails_have_the_same_bits() -> None:
    small = 2.0 ** -np.linspace(1.0, 54.0, 5003)
    edges = np.nextafter(0.5 + np.array([-0.425, 0.425])[:, None], [0.0, 1.0]).ravel()
    u = np.concatenate([small, 1.0 - small[small > 2.0**-53], edges, [0.5]])
    assert inverse_normal(u).tobytes() == seeding.inverse_normal(u).tobytes()
