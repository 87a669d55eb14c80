"""Blocks on a rounding tie: how many nodes are near one, against NumPy, and what comes of it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pixels.reconstructing import drawn, evaluated
from tilecppn.pixels.prediction_error import HALO
from tilecppn.pixels.rounding_boundaries import rounding_boundary_fraction
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene

LAWS = settings(max_examples=40)


@LAWS
@given(
    st.sampled_from([4, 8, 32]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([255, 255.0, 65535.0]),
    st.integers(0, 2**32),
)
def test_shares_are_those_of_plain_numpy(
    across: int,
    channels: int,
    count: int,
    down: int,
    right: int,
    dtype: str,
    full: float,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    shape = (channels, count, down * across + 1 + 2 * HALO, right * across + 1 + 2 * HALO)
    nodes = rng.uniform(-0.3, 1.3, shape).astype(dtype)
    reach = rng.uniform(0.0, 0.5 / full, (count, down, right))
    found = rounding_boundary_fraction(nodes, across, full, reach)
    assert found.shape == reach.shape
    for n, row, col in np.ndindex(reach.shape):
        top, left = row * across + HALO, col * across + HALO
        own = nodes[:, n, top : top + across + 1, left : left + across + 1].astype(np.float64)
        steps = full * own
        near = np.abs(steps % 1.0 - 0.5) < full * reach[n, row, col]
        near &= (own > 0.0) & (own < 1.0)
        assert found[n, row, col] == near.mean(axis=(1, 2)).max()


def test_one_lattice_gives_one_share_a_block() -> None:
    nodes = np.full((1, 13, 9), 7.5 / 255.0)
    nodes[0, 6:] = 7.0 / 255.0  # the first block's rows are 2 to 6
    found = rounding_boundary_fraction(nodes, 4, 255.0, np.full((2, 1), 1e-4))
    assert np.array_equal(found, [[0.8], [0.0]])


def test_nothing_is_near_within_no_reach_and_outside_of_0_to_1() -> None:
    nodes = np.array([0.5, -0.5, 255.5, np.nan]) / 255.0
    for value in nodes:
        assert not rounding_boundary_fraction(np.full((1, 9, 9), value), 4, 255.0, np.zeros((1, 1)))
    for value in nodes[1:]:
        assert not rounding_boundary_fraction(
            np.full((1, 9, 9), value), 4, 255.0, np.full((1, 1), 1e-3)
        )


def test_an_even_part_on_a_tie_is_as_if_evaluated() -> None:
    """Two blocks between 254.48 and 254.76, whose differences are just below the tolerance."""
    scene = Scene.of(
        cppn={"preset": "flux", "seed": 0},
        latent={"seed": 0},
        canvas={"width": 4096, "height": 4096},
    )
    window = Window(2535, 3564, 2727, 3756)
    assert np.mean(drawn(scene, window) == evaluated(scene, window)) >= 0.998  # was 0.989
