"""Values at a zoom's centre, in integers: judged by mpmath, which has any number of digits."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cppn.plain_detail import PlainNetwork
from tilecppn.cppn import CPPN
from tilecppn.cppn.activations import DIFFERENCES
from tilecppn.cppn.center import FUNCTIONS, Center, fixed
from tilecppn.cppn.detail import DEEP, Sampling
from tilecppn.cppn.network import CPPN as Network

BITS = 300
EXACT: dict[str, Any] = {
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tanh": mpmath.tanh,
    "gaussian": lambda x: mpmath.exp(-x * x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=60, deadline=None)
@given(st.floats(-90.0, 90.0))
def test_functions_have_all_their_digits(name: str, x: float) -> None:
    with mpmath.workdps(110):
        got = mpmath.mpf(FUNCTIONS[name](fixed(x, BITS), BITS)) / mpmath.mpf(2) ** BITS
        assert abs(got - EXACT[name](mpmath.mpf(x))) < mpmath.mpf(2) ** (60 - BITS)


@given(st.floats(-1e6, 1e6))
def test_floats_are_exact(x: float) -> None:
    assert fixed(x, 1100) / (1 << 1100) == x
    assert fixed(x, 0) == math.floor(x)


@pytest.mark.parametrize("name", DIFFERENCES)
@settings(max_examples=100, deadline=None)
@given(st.floats(-60.0, 60.0), st.floats(-40.0, 1.8), st.booleans())
def test_differences_lose_no_digit(name: str, a: float, size: float, negative: bool) -> None:
    b = math.copysign(10.0**size, -1.0 if negative else 1.0)
    with mpmath.workdps(120):
        exact = EXACT[name](mpmath.mpf(a) + mpmath.mpf(b)) - EXACT[name](mpmath.mpf(a))
        got = DIFFERENCES[name](np.array([a]), np.array([b]))[0]
        assert math.isfinite(got)
        assert abs(got - exact) <= 1e-15 * (1.0 + abs(a)) * min(abs(b) + 0.0, 1.0) * 8.0


def plain_values(cppn: CPPN, x: Any, y: Any, layers: int) -> list[Any]:
    """Each hidden layer's values at a point, in mpmath's digits."""
    z = [mpmath.mpf(v) for v in cppn.seeded_latent(1) * cppn.structure.latent_scale]
    columns = {"x": [x], "y": [y], "r": [mpmath.hypot(x, y)], "z": z}
    h, found = [v for name in cppn.structure.inputs for v in columns[name]], []
    for i in range(layers):
        weight, bias, _ = cppn.hidden_layer(i)
        names = cppn.structure.activation(i).split("+")
        h = [
            EXACT[names[k % len(names)]](
                mpmath.fsum(mpmath.mpf(float(w)) * v for w, v in zip(row, h, strict=True))
                + mpmath.mpf(float(bias[k]))
            )
            for k, row in enumerate(weight)
        ]
        found.append(h)
    return found


@pytest.mark.parametrize("options", [{}, {"inputs": ["x", "y", "r", "z"]}], ids=["own", "r"])
@pytest.mark.parametrize("name", ["jupiter", "agate", "ink"])
def test_values_are_those_of_any_number_of_digits(name: str, options: dict[str, Any]) -> None:
    cppn = CPPN.from_preset(name, seed=5, width=9, **options)
    latent = cppn.seeded_latent(1) * cppn.structure.latent_scale
    x, y = 0.31, -0.17
    center = Center(cppn.structure, lambda i: cppn.hidden_layer(i)[:2], (x, y), latent, 50.0)
    with mpmath.workdps(90):
        exact = plain_values(cppn, mpmath.mpf(x), mpmath.mpf(y), 50)
    for i in (49, 0, 7):
        assert center.values(i).tolist() == [float(v) for v in exact[i]]


@pytest.mark.parametrize("name", ["tide", "meadow"])
def test_the_fineness_of_a_deep_place_is_that_of_the_plain_formula(name: str) -> None:
    cppn: Network = CPPN.from_preset(name, seed=3)
    view = Sampling(1e-6 * 2.0**-17, 1e-6, (0.21, -0.13))
    readouts = cppn._detail_model
    assert readouts.octaves(view) >= DEEP
    resolved = cppn.resolve(cppn.seeded_latent(3), view)
    assert 15 < resolved.differences < len(resolved.layers) - 10
    assert not any(layer.differs for layer in resolved.layers[resolved.differences :])
    fineness = PlainNetwork(name, 3).finer(readouts.inside(view), view.center)
    amplitudes = readouts.amplitudes(view, fineness)
    for i, layer in enumerate(resolved.layers):
        if layer.readout is not None:
            (expected,) = readouts.scaled(cppn.hidden_layer(i)[2][None], amplitudes[i : i + 1])
            assert np.allclose(np.sort(layer.readout), np.sort(expected), rtol=1e-3, atol=1e-9)
