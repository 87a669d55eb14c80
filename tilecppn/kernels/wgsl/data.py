"""The numbers of a scene's shader: weights, the reference and the palette, in rows of `Shape`."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.resolved import HiddenLayer, ResolvedNetwork, activated, grouped
from tilecppn.kernels.base import EvaluationContext
from tilecppn.kernels.wgsl.reference import REFERENCES, Point, reference_point
from tilecppn.kernels.wgsl.shape import Shape, check_fits
from tilecppn.scene import oklab, palettes
from tilecppn.scene.scene import Scene

Array = NDArray[np.float64]

__all__ = ["Data", "check_fits", "data_of", "stop_rows"]


class Data(NamedTuple):
    """What a shader of `shape` is given: `rows` (n, 4) float32."""

    shape: Shape
    rows: NDArray[np.float32]


def data_of(scene: Scene) -> Data:
    """The data for a scene's own view; the reference is its centre.

    Raises InvalidRequestError for a network that is too large.
    """
    check_fits(scene)
    context = EvaluationContext.of(scene)
    network = context.network
    shape = Shape.of(scene, len(network.layers))
    rows = np.zeros((shape.layer(len(network.layers)), 4))
    point = reference_point(context.grid, context.fold, 0.0, 0.0)
    inputs = _point_rows(rows, network, point)
    if shape.stops:
        rows[shape.palette : shape.palette + shape.stops] = stop_rows(scene)
    # In a deep zoom the first layers take and give differences from the centre: there they are 0.
    h = np.zeros(3) if network.differences else inputs
    total = network.bias.astype(np.float64)
    for i, layer in enumerate(network.layers):
        sums = np.einsum("oi,i->o", layer.weight, h) + layer.bias
        _layer_rows(rows, shape, i, layer, sums)
        if shape.detail:
            h = np.zeros_like(sums) if layer.differs else activated(sums, layer.groups)
            if layer.readout is not None:
                total = total + layer.readout @ h
        elif i == 0:
            h = np.zeros(len(layer.bias))  # sums of further layers are their biases
    rows[shape.outputs, : shape.channels] = total
    return Data(shape, rows.astype(np.float32))


def _point_rows(rows: Array, network: ResolvedNetwork, point: Point) -> Array:
    """Write the reference point; returns x, y and r there."""
    x0, y0 = network.structure.origin
    place = np.array([point.x - x0, point.y - y0, *point.heights])
    radius = float(np.sqrt(np.square(place).sum()))
    rows[0], rows[1, 0] = place, radius
    rows[2 : 2 + len(point.rows)] = point.rows or np.empty((0, 4))
    return np.array([point.x, point.y, radius])


def _layer_rows(rows: Array, shape: Shape, i: int, layer: HiddenLayer, sums: Array) -> None:
    fours, four = shape.fours, shape.four(i)
    block = np.zeros((fours, 4, four))  # four units at a time: (unit, row)
    flat = block.reshape(4 * fours, four)
    units = len(layer.bias)
    if shape.detail:
        for name, count, start in _named_runs(shape.layers[i]):
            part = slice(start, start + count)
            flat[part, 0], flat[part, 1] = REFERENCES[name](sums[part])
    else:
        flat[:units, 0] = sums
    flat[:units, shape.own : shape.own + layer.weight.shape[1]] = layer.weight
    start = shape.layer(i)
    rows[start : start + fours * four] = block.transpose(0, 2, 1).reshape(-1, 4)
    if shape.is_read(i) and layer.readout is not None:
        readout = np.zeros((shape.channels, 4 * fours))
        readout[:, :units] = layer.readout
        start = shape.readout(i)
        rows[start : start + shape.channels * fours] = readout.reshape(-1, 4)


def _named_runs(functions: tuple[str, ...]) -> list[tuple[str, int, int]]:
    found, start = [], 0
    for name, count in grouped(functions):
        found.append((name, count, start))
        start += count
    return found


def stop_rows(scene: Scene) -> Array:
    """The palette's colours (n, 4): sRGB of one channel, OKLab of two."""
    assert scene.output.palette is not None
    stops = palettes.stops(scene.output.palette)
    if scene.cppn.channels == 2:
        stops = oklab.oklab(stops)
    return np.pad(stops, ((0, 0), (0, 1)))
