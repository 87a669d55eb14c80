"""Where a lattice could step over a feature, against a plain NumPy version."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pixels import hard
from tilecppn.cppn import ACTIVATIONS, CPPN
from tilecppn.kernels import KERNELS, EvaluationContext, Kernel, create
from tilecppn.pixels import variation
from tilecppn.pixels.variation import KINK, KINKED, SMOOTH, limits, variation_ratio
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices


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
    assert limits(cppn.resolve([])).tolist() == [
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
    units = list(zip(sums.tolist(), bounds.tolist(), strict=True))
    for i in range(1, rows - 2):
        for j in range(1, cols - 2):
            for s, (zone, limit) in units:
                nodes = [(i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1)]
                corners = [s[a][b] for a, b in nodes]
                bend = max(
                    max(
                        abs(s[a - 1][b] - 2 * s[a][b] + s[a + 1][b]),
                        abs(s[a][b - 1] - 2 * s[a][b] + s[a][b + 1]),
                    )
                    for a, b in nodes
                )
                change = max(corners) - min(corners) + bend
                margin = (change + bend) / 2
                if min(corners) - margin < zone and max(corners) + margin > -zone:
                    out[i - 1, j - 1] = max(out[i - 1, j - 1], change / limit)
    return out


ALL = CPPN.from_preset("hardmaru", seed=2, width=5, activations=tuple(ACTIVATIONS))


@pytest.mark.parametrize(
    ("name", "count", "rows", "pauses"),
    [("llvm", 3, 6, 9), ("llvm", 3, 33, 1), *((name, 1, 6, 3) for name in KERNELS)],
)
def test_variation_ratio_is_the_plain_formula(
    name: str, count: int, rows: int, pauses: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name_of_limit in ("STRIP", "MANY", "LARGEST"):
        monkeypatch.setattr(
            variation, name_of_limit, rows * 14 * len(limits(ALL.resolve(np.zeros(8))))
        )
    context = EvaluationContext.of(Scene.of(canvas={"width": 900, "height": 900}).replace(cppn=ALL))
    kernel: Kernel = create(name, context)
    origins = np.array([[-32, 64], [300, -5], [0, 0]], np.int64)
    lattices = Lattices(origins[:count], 11, 14, 16)
    colours, sums = (a.astype(np.float64) for a in kernel.trace(lattices))
    seen: list[int] = []
    got, cells = variation_ratio(
        kernel, lattices, limits(ALL.resolve(np.zeros(8))), lambda: seen.append(1)
    )
    assert np.array_equal(got, colours)
    expected = np.stack([plain(sums[:, n], limits(ALL.resolve(np.zeros(8)))) for n in range(count)])
    assert cells.shape == expected.shape == (count, 8, 11)
    assert np.allclose(cells, expected, rtol=1e-4, atol=1e-5)
    assert len(np.unique(cells)) > 30
    assert len(seen) == pauses
