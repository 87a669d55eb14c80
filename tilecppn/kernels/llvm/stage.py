"""Compiled networks, each once, and ranges of layers in float64 whose last values are kept."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.codegen import Target, thread_safe_cache
from tilecppn.kernels.llvm.layers import Layer, Product, Tiling, packed
from tilecppn.kernels.llvm.network import Network

NO_DOUBLE, NO_SINGLE = np.zeros(0, np.float64), np.zeros(0, np.float32)


class Stage(NamedTuple):
    """A range of a network's layers in one precision, and their weights."""

    network: Network
    weights: NDArray[Any]

    @classmethod
    def double(cls, parts: Sequence[Product], target: Target, tiling: Tiling) -> "Stage":
        """Return a stage in float64, which keeps its last hidden layer's values."""
        shape = tuple(part.layer for part in parts)
        network = compiled_network(shape, len(shape), target, tiling, keep_hidden=True)
        return cls(network, packed(parts, tiling, np.dtype(np.float64)))

    def run(
        self,
        inputs: NDArray[np.float64],
        fineness: NDArray[np.float32],
        scratch: NDArray[np.float64],
        colours: NDArray[np.float64],
        hidden: NDArray[np.float64],
    ) -> None:
        """Evaluate a stage in float64, which adds to `colours` and fills `hidden`."""
        self.network.call(
            inputs, inputs.shape[1], fineness, self.weights, scratch, NO_SINGLE, NO_SINGLE,
            colours, NO_DOUBLE, 0, hidden,
        )  # fmt: skip


@thread_safe_cache
def compiled_network(
    layers: tuple[Layer, ...], split: int, target: Target, tiling: Tiling, keep_hidden: bool = False
) -> Network:
    """Return a `Network` that is compiled once."""
    return Network(layers, split, target, tiling, keep_hidden)
