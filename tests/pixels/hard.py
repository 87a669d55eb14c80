"""Networks made by hand to fool reconstruction: what is thinner than a lattice, or not smooth.

Coordinates are pixels: on `canvas(cppn)` the pixel (row, column) has x = column and y = row.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tilecppn.cppn import CPPN
from tilecppn.cppn.seeding import Distribution
from tilecppn.cppn.structure import Structure
from tilecppn.scene.scene import Scene

SIDE = 256

Row = Sequence[float]  # a unit's weights, its bias last


def network(
    *layers: tuple[str, Sequence[Row]],
    inputs: tuple[str, ...] = ("x", "y"),
    origin: tuple[float, float] = (0.0, 0.0),
) -> CPPN:
    """Layers as (activation, its units); the output layer last."""
    structure = Structure(
        preset="hardmaru",
        activations=tuple(name for name, _ in layers[:-1]),
        output=layers[-1][0],
        channels=len(layers[-1][1]),
        z_dim=0,
        latent_scale=1.0,
        latent=Distribution("uniform", -1.0, 1.0),
        inputs=inputs,
        origin=origin,
    )
    arrays = [np.array(rows, np.float64) for _, rows in layers]
    return CPPN(structure, [(a[:, :-1], a[:, -1]) for a in arrays])


def canvas(cppn: CPPN, side: int = SIDE, **output: Any) -> Scene:
    middle = (side - 1) / 2
    return Scene.of(
        canvas={"width": side, "height": side},
        view={"center": [middle, middle], "scale": side / 2},
        output=output,
    ).replace(cppn=cppn)


def line(degrees: float, place: float) -> Row:
    """The signed distance in pixels from a line through (place, place)."""
    a, b = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (a, b, -place * (a + b))


def times(row: Row, by: float, plus: float = 0.0) -> Row:
    return (*(by * v for v in row[:-1]), by * row[-1] + plus)


# Ridges: `width` pixels wide, at `place`, along a line


def gaussian(u: Row, width: float) -> CPPN:
    return network(("gaussian", [times(u, 2.0 / width)]), ("identity", [(1.0, 0.0)]))


def steep_tanhs(u: Row, width: float) -> CPPN:
    edges = [times(u, 8.0, 4.0 * width), times(u, 8.0, -4.0 * width)]
    return network(("tanh", edges), ("identity", [(0.5, -0.5, 0.0)]))


def triangle(u: Row, width: float, activation: str = "relu") -> CPPN:
    half = width / 2
    corners = [times(u, 1.0, half), u, times(u, 1.0, -half)]
    scale = {"relu": 1.0, "leaky-relu": 1.25, "abs": 0.5}[activation] / half
    return network((activation, corners), ("identity", [(scale, -2.0 * scale, scale, 0.0)]))


def in_the_second_layer(u: Row, width: float) -> CPPN:
    """A gaussian of a gentle tanh."""
    gentle = ("tanh", [times(u, 1.0 / 300.0)])
    return network(gentle, ("gaussian", [(600.0 / width, 0.0)]), ("identity", [(1.0, 0.0)]))


def in_the_third_layer(u: Row, width: float) -> CPPN:
    gentle = ("sin", [times(u, 1.0 / 300.0)]), ("tanh", [(1.0, 0.0)])
    return network(*gentle, ("gaussian", [(600.0 / width, 0.0)]), ("identity", [(1.0, 0.0)]))


def on_a_hill(u: Row, width: float) -> CPPN:
    """Where a hill of a gaussian, some nodes wide, has a value that no node need have."""
    top = 1.0 - width**2 / 500.0
    hill, level = ("gaussian", [times(u, 1.0 / 12.0)]), (300.0 / width, -300.0 / width * top)
    return network(hill, ("gaussian", [level]), ("identity", [(1.0, 0.0)]))


def softpluses(u: Row, width: float) -> CPPN:
    corners = [times(u, 4.0, 2.0 * width), times(u, 4.0), times(u, 4.0, -2.0 * width)]
    scale = 0.5 / width
    return network(("softplus", corners), ("identity", [(scale, -2.0 * scale, scale, 0.0)]))


RIDGES: dict[str, Callable[[Row, float], CPPN]] = {
    "gaussian": gaussian,
    "steep tanhs": steep_tanhs,
    "softpluses": softpluses,
    "relu triangle": triangle,
    "leaky-relu triangle": partial(triangle, activation="leaky-relu"),
    "abs triangle": partial(triangle, activation="abs"),
    "in the second layer": in_the_second_layer,
    "in the third layer": in_the_third_layer,
    "on a hill": on_a_hill,
}


# Rings and spots, `width` pixels wide, around `place`


def ring(place: tuple[float, float], width: float, radius: float = 90.0) -> CPPN:
    unit = (2.0 / width, -2.0 * radius / width)
    return network(("gaussian", [unit]), ("identity", [(1.0, 0.0)]), inputs=("r",), origin=place)


def spot_of_r(place: tuple[float, float], width: float) -> CPPN:
    return ring(place, width, 0.0)


def spot_of_squares(place: tuple[float, float], width: float) -> CPPN:
    x, y = place
    squares = (
        "square",
        [(2.0 / width, 0.0, -2.0 * x / width), (0.0, 2.0 / width, -2.0 * y / width)],
    )
    return network(squares, ("gaussian", [(1.0, 1.0, 0.0)]), ("identity", [(1.0, 0.0)]))


def spot_of_wide_squares(place: tuple[float, float], width: float) -> CPPN:
    x, y = place
    squares = ("square", [(0.01, 0.0, -0.01 * x), (0.0, 0.01, -0.01 * y)])
    by = (200.0 / width) ** 2
    return network(squares, ("gaussian", [(by, by, 0.0)]), ("identity", [(1.0, 0.0)]))


def spot_of_gaussians(place: tuple[float, float], width: float) -> CPPN:
    """Where two ridges cross."""
    x, y = place
    ridges = (
        "gaussian",
        [(2.0 / width, 0.0, -2.0 * x / width), (0.0, 2.0 / width, -2.0 * y / width)],
    )
    return network(ridges, ("sigmoid", [(20.0, 20.0, -30.0)]))


def spot_of_hills(place: tuple[float, float], width: float) -> CPPN:
    """The top of a hill some nodes wide."""
    x, y = place
    hills = ("gaussian", [(1 / 16, 0.0, -x / 16), (0.0, 1 / 16, -y / 16)])
    by = 3000.0 / width**2
    return network(hills, ("sigmoid", [(by, by, 3.0 - 2.0 * by)]))


def spot_of_cosines(place: tuple[float, float], width: float) -> CPPN:
    x, y = place
    waves = ("cos", [(1 / 20, 0.0, -x / 20), (0.0, 1 / 20, -y / 20)])
    by = 3000.0 / width**2
    return network(waves, ("sigmoid", [(by, by, 3.0 - 2.0 * by)]))


SPOTS: dict[str, Callable[[tuple[float, float], float], CPPN]] = {
    "ring": ring,
    "spot of r": spot_of_r,
    "spot of squares": spot_of_squares,
    "spot of wide squares": spot_of_wide_squares,
    "spot of gaussians": spot_of_gaussians,
    "spot of hills": spot_of_hills,
    "spot of cosines": spot_of_cosines,
}


# Waves that a lattice cannot tell from a flat picture


def waves(period: float, degrees: float, phase: float, activation: str = "sin") -> CPPN:
    turns = times(line(degrees, 0.0), 2.0 * math.pi / period, phase)
    return network((activation, [turns]), ("identity", [(0.5, 0.5)]))


def ridges_on_waves(period: float, degrees: float, phase: float, width: float = 1.0) -> CPPN:
    """A ridge on both flanks of each wave."""
    turns = times(line(degrees, 0.0), 2.0 * math.pi / period, phase)
    by = period / math.pi / width
    return network(("sin", [turns]), ("gaussian", [(by, 0.3 * by)]), ("identity", [(1.0, 0.0)]))


def faint_waves(period: float, degrees: float, phase: float) -> CPPN:
    """Waves of 2 steps of 8 bits on a flat colour."""
    turns = times(line(degrees, 0.0), 2.0 * math.pi / period, phase)
    return network(("cos", [turns]), ("identity", [(0.004, 0.5)]))
