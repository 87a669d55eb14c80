"""The data of a scene's shader: weights, reference and palette, in the rows of `Shape`."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.resolved import HiddenLayer, ResolvedNetwork
from tilecppn.kernels.base import EvaluationContext
from tilecppn.kernels.wgsl.reference import references
from tilecppn.kernels.wgsl.shape import Shape, check_fits
from tilecppn.scene import palettes
from tilecppn.scene.scene import Scene

Array = NDArray[np.float64]

__all__ = ["Data", "check_fits", "data_of", "stop_rows", "weight_rows"]


class Data(NamedTuple):
    """The data for a shader of `shape`: `rows` (n, 4) float32."""

    shape: Shape
    rows: NDArray[np.float32]


def data_of(scene: Scene, layers: int | None = None) -> Data:
    """Return the data for a scene's own view; the reference is its centre.

    layers: the number of hidden layers to reserve rows for; None for those of the view. Raises
    InvalidRequestError for a network that is too large.
    """
    check_fits(scene)
    context = EvaluationContext.of(scene)
    shape = Shape.of(scene, layers or len(context.network.layers))
    rows = weight_rows(context.network, shape)
    across, down = context.grid.middle
    rows[: shape.palette] = references(context, shape, np.array([down]), np.array([across])).rows[0]
    if shape.stops:
        rows[shape.palette : shape.palette + shape.stops] = stop_rows(scene)
    return Data(shape, rows)


def weight_rows(network: ResolvedNetwork, shape: Shape) -> NDArray[np.float32]:
    """Return all rows (n, 4) with only the weights filled in; the network may have fewer layers."""
    rows = np.zeros((shape.layer(len(shape.layers)), 4))
    for i, layer in enumerate(network.layers):
        _layer_rows(rows, shape, i, layer)
    return rows.astype(np.float32)


def _layer_rows(rows: Array, shape: Shape, i: int, layer: HiddenLayer) -> None:
    fours, four = shape.fours, shape.four(i)
    block = np.zeros((fours, 4, four))  # four units at a time: (unit, row)
    units, inputs = layer.weight.shape
    block.reshape(4 * fours, four)[:units, :inputs] = layer.weight
    start = shape.layer(i)
    rows[start : start + fours * four] = block.transpose(0, 2, 1).reshape(-1, 4)
    if shape.is_read(i) and layer.readout is not None:
        readout = np.zeros((shape.channels, 4 * fours))
        readout[:, :units] = layer.readout
        start = shape.readout(i)
        rows[start : start + shape.channels * fours] = readout.reshape(-1, 4)


def stop_rows(scene: Scene) -> Array:
    """Return the palette's colours (n, 4): in sRGB for one channel, in OKLab for two."""
    assert scene.output.palette is not None
    stops = palettes.lab_stops if scene.cppn.channels == 2 else palettes.stops
    return np.pad(stops(scene.output.palette), ((0, 0), (0, 1)))
