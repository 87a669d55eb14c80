"""Where a lattice could step over a feature, against a plain NumPy version."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pixels import hard
from tilecppn.cppn import ACTIVATIONS, CPPN
from tilecppn.kernels import KERNELS, Field, Kernel, create
from tilecppn.pixels import narrow
from tilecppn.pixels.narrow import KINK, KINKED, SMOOTH, crowding, limits
from tilecppn.scene import Scene
from tilecppn.view import Lattice


def test_every_activation_has_one_row() -> None:
    assert sorted([*SMOOTH, *KINKED]) == sorted(ACTIVATIONS)


@pytest.mark.parametrize("name", [n for n in SMOOTH if SMOOTH[n][0] < math.inf])
def test_beyond_its_zone_an_activation_is_nearly_straight(name: str) -> None:
    """Where it bends by more than 0.015 over half its limit, it is within its zone."""
    zone, limit = SMOOTH[name]
    function = ACTIVATIONS[name].function
    for sign in (-1.0, 1.0):
        s = sign * np.linspace(zone, zone + 30.0, 3001)
        bend = function(s - limit / 4) - 2.0 * function(s) + function(s + limit / 4)
        assert np.abs(bend).max() < 0.015


def test_limits_are_rows_of_the_units_in_their_order() -> None:
    cppn = hard.network(
        ("tanh", [(1.0, 2.0, 0.0), (3.0, 4.0, 0.0)]),
        ("relu", [(1.0, 2.0, 0.0), (3.0, -4.0, 0.0), (1.0, 1.0, 1.0)]),
        ("abs", [(0.5, -8.0, 0.0, 0.0)]),
    )
    assert limits(cppn).tolist() == [
        [3.0, 3.0],
        [3.0, 3.0],
        [0.0, KINK / 0.5],
        [0.0, KINK / 8.0],
        [0.0, KINK / 1e-30],
        [0.0, KINK],
    ]


def plain(sums: NDArray[np.float64], bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Crowding from sums (units, rows, cols), cell by cell."""
    _, rows, cols = sums.shape
    out = np.zeros((rows - 3, cols - 3))
    for i in range(1, rows - 2):
        for j in range(1, cols - 2):
            for s, (zone, limit) in zip(sums, bounds, strict=True):
                nodes = [(i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1)]
                corners = [s[node] for node in nodes]
                bend = max(
                    max(
                        abs(s[a - 1, b] - 2 * s[a, b] + s[a + 1, b]),
                        abs(s[a, b - 1] - 2 * s[a, b] + s[a, b + 1]),
                    )
                    for a, b in nodes
                )
                change = max(corners) - min(corners) + bend
                margin = (change + bend) / 2
                if min(corners) - margin < zone and max(corners) + margin > -zone:
                    out[i - 1, j - 1] = max(out[i - 1, j - 1], change / limit)
    return out


ALL = CPPN.from_preset("hardmaru", seed=2, width=5, activations=tuple(ACTIVATIONS))


@pytest.mark.parametrize("strip", [1, 1 << 22])
@pytest.mark.parametrize("name", KERNELS)
def test_crowding_is_the_plain_formula(
    name: str, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrow, "STRIP", strip)  # sums at a time: many strips, or one
    field = Field.of(Scene.of(canvas={"width": 900, "height": 900}).replace(cppn=ALL))
    kernel: Kernel = create(name, field)
    lattice = Lattice(-32, 64, 11, 14, 16)
    colours, sums = (a.astype(np.float64) for a in kernel.trace(lattice))
    pauses: list[int] = []
    got, cells = crowding(kernel, lattice, limits(ALL), lambda: pauses.append(1))
    assert np.array_equal(got, colours)
    expected = plain(sums, limits(ALL))
    assert cells.shape == expected.shape == (8, 11)
    assert np.allclose(cells, expected, rtol=1e-4, atol=1e-5)
    assert len(np.unique(cells)) > 30
    assert len(pauses) == (8 if strip == 1 else 1)
