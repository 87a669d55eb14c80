"""The data of a scene's shader: weights, reference and palette, in the rows of `Shape`."""

from dataclasses import replace
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

# Of the page's 8-bit values, so many may be off by one for float32's sake. Few of them are off by
# more, even where errors gather.
SHARE = 0.003


class Data(NamedTuple):
    """The data for a shader of `shape`: `rows` (n, 4) float32."""

    shape: Shape
    rows: NDArray[np.float32]
    differences: int  # layers that evaluate differences from the reference


def differences_of(scene: Scene) -> int:
    """Return the number of hidden layers of a scene's shader that evaluate differences."""
    if scene.cppn.structure.detail is None:
        return 0
    return replace(EvaluationContext.of(scene), share=SHARE).single_from


def data_of(scene: Scene, layers: int | None = None, *, fades: bool = True) -> Data:
    """Return the data for a scene's own view; the reference is its centre.

    layers: the number of hidden layers to reserve rows for; None for those of the view. fades:
    whether layers fade from place to place, or all at the whole picture's fineness. Raises
    InvalidRequestError for a network that is too large.
    """
    check_fits(scene)
    context = EvaluationContext.of(scene)
    network = context.network if fades else context.network.evenly_faded()
    differences = min(differences_of(scene), len(network.layers))
    shape = Shape.of(scene, layers or len(network.layers))
    rows = weight_rows(network, shape)
    across, down = (np.array([middle]) for middle in context.grid.middle)
    found = references(context, network, shape, down, across, differences)
    rows[: shape.palette] = found.rows[0]
    if shape.stops:
        rows[shape.palette : shape.palette + shape.stops] = stop_rows(scene)
    return Data(shape, rows, differences)


def weight_rows(network: ResolvedNetwork, shape: Shape) -> NDArray[np.float32]:
    """Return all rows (n, 4) with only the weights filled in; the network may have fewer layers."""
    rows = np.zeros((shape.rows, 4))
    for i, layer in enumerate(network.layers):
        _layer_rows(rows, shape, i, layer)
    return rows.astype(np.float32)


def _layer_rows(rows: Array, shape: Shape, i: int, layer: HiddenLayer) -> None:
    vectors = shape.vectors
    block = np.zeros((4 * vectors, shape.inputs(i)))
    units, inputs = layer.weight.shape
    block[:units, :inputs] = layer.weight
    of_vectors = block.reshape(vectors, 4, -1).transpose(0, 2, 1)  # (vector, input, unit)
    rows[shape.weights(i) : shape.weights(i + 1)] = of_vectors.reshape(-1, 4)
    if shape.has_readout(i) and layer.readout is not None:
        readout = np.zeros((shape.channels, 4 * vectors))
        readout[:, :units] = layer.readout
        start = shape.readout(i)
        rows[start : start + shape.channels * vectors] = readout.reshape(-1, 4)


def stop_rows(scene: Scene) -> Array:
    """Return the palette's colours (n, 4): in sRGB for one channel, in OKLab for two."""
    assert scene.output.palette is not None
    stops = palettes.lab_stops if scene.cppn.channels == 2 else palettes.stops
    return np.pad(stops(scene.output.palette), ((0, 0), (0, 1)))
