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
    """

    inputs: int
    groups: Groups
    residual: bool = False
    adds: bool = False
    readout: bool = False  # its outputs are the colours', not the next layer's inputs
    differs: bool = False

    @property
    def outputs(self) -> int:
        """The number of neurons of the layer."""
        return sum(count for _, count in self.groups)


class Product(NamedTuple):
    """A layer with its weight (out, in) and bias (out,)."""

    layer: Layer
    weight: NDArray[np.floating]
    bias: NDArray[np.floating]


def products(network: ResolvedNetwork) -> list[Product]:
    """Return the products of a network in the order of evaluation, including readouts."""
    result = []
    channels = network.channels
    last = max(i for i, layer in enumerate(network.layers) if layer.readout is not None)
    started = False
    for i, (weight, bias, groups, readout, differs) in enumerate(network.layers):
        residual = network.residual and i > 0
        layer = Layer(weight.shape[1], groups, residual, differs=differs)
        result.append(Product(layer, weight, bias))
        if readout is not None:
            ends = network.output if i == last else (("identity", channels),)
            layer = Layer(readout.shape[1], ends, adds=started, readout=True)
            none = np.zeros(channels)
            result.append(Product(layer, readout, none if started else network.bias))
            started = True
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
        weight = first + rows + np.arange(rows * layer.inputs).reshape(rows, layer.inputs)
        for _, start, neurons, count in tiling.groups(layer.groups):
            for n in range(start, start + neurons * count, neurons):
                parts += [bias[n : n + neurons], weight[n : n + neurons].T.ravel()]
        first += rows * (1 + layer.inputs)
    return np.concatenate(parts)
