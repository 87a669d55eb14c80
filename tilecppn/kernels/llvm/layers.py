"""A network as products, layer after layer, and its weights in the order of the machine code."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.resolved import Groups, ResolvedNetwork
from tilecppn.kernels.llvm.codegen import Target


class Layer(NamedTuple):
    """One product: activation(weight · input + bias), plus the input if it is residual.

    One that `adds` begins with what its outputs hold instead of the bias: a readout. One that
    `differs` gives how much the activation changes where `bias` changes by weight · input.
    """

    inputs: int
    groups: Groups
    residual: bool = False
    adds: bool = False
    readout: bool = False  # its outputs are the colours', not the next layer's inputs
    differs: bool = False

    @property
    def outputs(self) -> int:
        """How many neurons the layer has."""
        return sum(count for _, count in self.groups)


class Product(NamedTuple):
    """A layer with its numbers: weight (out, in) and bias (out,)."""

    layer: Layer
    weight: NDArray[np.floating]
    bias: NDArray[np.floating]


def products(network: ResolvedNetwork) -> list[Product]:
    """Return a network as the layers that are computed in turn, readouts among them."""
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
    """How many sums are in registers at a time: neurons × vectors of points."""

    neurons: int
    vectors: int

    @classmethod
    def of(cls, target: Target) -> "Tiling":
        """Return the tiling that fits a target's vector registers."""
        return cls(4, 4) if target.registers == 32 else cls(4, 3)

    def groups(self, groups: Groups) -> Iterator["Group"]:
        """Yield a layer's neurons: of each activation whole groups, then what is left over."""
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
    """Weights (out, in) and biases (out,) in the order in which the functions read them.

    A group of neurons is its biases, then its weights for input 0, for input 1, ….
    """
    parts: list[NDArray[Any]] = [np.zeros(0)]
    for layer, weight, bias in products:
        for _, first, neurons, count in tiling.groups(layer.groups):
            for start in range(first, first + neurons * count, neurons):
                part = slice(start, start + neurons)
                parts += [bias[part], weight[part].T.ravel()]
    return np.concatenate(parts).astype(dtype)
