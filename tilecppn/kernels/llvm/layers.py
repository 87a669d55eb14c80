"""Converts a network to a list of products, and packs its weights for the machine code."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.resolved import Groups, ResolvedNetwork
from tilecppn.kernels.llvm.codegen import Target


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
    parts: list[NDArray[Any]] = [np.zeros(0)]
    for layer, weight, bias in products:
        for _, first, neurons, count in tiling.groups(layer.groups):
            for start in range(first, first + neurons * count, neurons):
                part = slice(start, start + neurons)
                parts += [bias[part], weight[part].T.ravel()]
    return np.concatenate(parts).astype(dtype)
