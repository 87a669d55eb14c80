"""Converts a network to a list of products, and packs its weights for the machine code."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.codegen import Target
from tilecppn.cppn.resolved import Groups, ResolvedNetwork


class Layer(NamedTuple):
    """A product: activation(weight · input + bias), plus the input if it is residual.

    adds: it adds to the current values of its outputs instead of to the bias, as a readout does.
    differs: it gives the change of the activation when `bias` changes by weight · input.
    fades: it adds smoothstep(start - fineness) · (weight · input + bias) instead, by each point's
    fineness; the start is an additional column of the weights.
    """

    inputs: int
    groups: Groups
    residual: bool = False
    adds: bool = False
    readout: bool = False  # its outputs are the colours', not the next layer's inputs
    differs: bool = False
    fades: bool = False

    @property
    def columns(self) -> int:
        """The number of columns of its weights."""
        return self.inputs + self.fades

    @property
    def outputs(self) -> int:
        """The number of neurons of the layer."""
        return sum(count for _, count in self.groups)


class Product(NamedTuple):
    """A layer with its weight (out, in) and bias (out,)."""

    layer: Layer
    weight: NDArray[np.floating]
    bias: NDArray[np.floating]


def hidden_product(network: ResolvedNetwork, i: int) -> Product:
    """Return the product of hidden layer `i`, without its readout."""
    weight, bias, groups, *_ = layer = network.layers[i]
    residual = network.residual and i > 0
    return Product(Layer(weight.shape[1], groups, residual, differs=layer.differs), weight, bias)


def products(network: ResolvedNetwork) -> list[Product]:
    """Return the products of a network in the order of evaluation, including readouts."""
    result = []
    channels = network.channels
    plain, last = (("identity", channels),), len(network.layers) - 1
    fades = any(layer.fade is not None for layer in network.layers)
    none = np.zeros((channels, 0))
    started = False
    for i, (*_, readout, _, fade) in enumerate(network.layers):
        result.append(hidden_product(network, i))
        if readout is None:
            continue
        if fade is not None and not started:
            result.append(Product(Layer(0, plain, readout=True), none, network.bias))
            started = True
        ends = network.output if i == last and not fades else plain
        layer = Layer(readout.shape[1], ends, adds=started, readout=True, fades=fade is not None)
        if fade is not None:
            starts = np.full((channels, 1), fade.start)
            result.append(Product(layer, np.hstack([readout, starts]), fade.offset))
        else:
            start = np.zeros(channels) if started else network.bias
            result.append(Product(layer, readout, start))
        started = True
    if fades:
        layer = Layer(0, network.output, adds=True, readout=True)
        result.append(Product(layer, none, np.zeros(channels)))
    return result


class Tiling(NamedTuple):
    """The number of sums held in registers at a time: neurons × vectors of points."""

    neurons: int
    vectors: int

    @classmethod
    def of(cls, target: Target) -> "Tiling":
        """Return the tiling that fits a target's vector registers."""
        return cls(4, 4) if target.registers == 32 else cls(4, 3)

    def groups(self, groups: Groups) -> Iterator["Group"]:
        """Yield groups of a layer's neurons: for each activation full groups, then the rest."""
        first = 0
        for activation, units in groups:
            whole, rest = divmod(units, self.neurons)
            if whole:
                yield Group(activation, first, self.neurons, whole)
            if rest:
                yield Group(activation, first + whole * self.neurons, rest, 1)
            first += units

    def start(self, layer: Layer) -> int:
        """Return the place of the start of a layer that fades among its packed numbers."""
        return next(self.groups(layer.groups)).neurons * layer.columns


class Group(NamedTuple):
    """`groups` groups of `neurons` neurons each, from neuron `first` on."""

    activation: str
    first: int
    neurons: int
    groups: int


def packed(products: Sequence[Product], tiling: Tiling, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return weights and biases in the order in which the functions read them.

    For each group of neurons: its biases, then its weights for input 0, for input 1, ….
    """
    parts = [part.ravel() for _, weight, bias in products for part in (bias, weight)]
    order = _order(tuple(layer for layer, *_ in products), tiling)
    return np.concatenate([np.zeros(0), *parts])[order].astype(dtype)


@lru_cache(256)
def _order(layers: tuple[Layer, ...], tiling: Tiling) -> NDArray[np.intp]:
    """Return the places of the numbers that are read among biases and weights, layer by layer."""
    parts, first = [np.zeros(0, np.intp)], 0
    for layer in layers:
        rows = layer.outputs
        bias = first + np.arange(rows)
        weight = first + rows + np.arange(rows * layer.columns).reshape(rows, layer.columns)
        for _, start, neurons, count in tiling.groups(layer.groups):
            for n in range(start, start + neurons * count, neurons):
                parts += [bias[n : n + neurons], weight[n : n + neurons].T.ravel()]
        first += rows * (1 + layer.columns)
    return np.concatenate(parts)
