"""A CPPN as machine code: what is computed for a block of points, layer after layer.

Blocks hold `vectors` registers of points, features-major: feature k of all points of a block lies
together. A layer computes a few neurons at a time, their sums held in registers,

    sum = bias;  sum = fma(weight[k], input[k], sum)  for k = 0, 1, …, RUN - 1

in that order for every point, so that neither the block's shape nor the vector's width shows.
Each further RUN inputs are summed from 0 by themselves and then added, since the rounding error of
one long chain grows with its length.
Weights are data: one compiled function serves all networks of one shape.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from tilecppn.kernels.llvm.activations import FUNCTIONS
from tilecppn.kernels.llvm.codegen import (
    Array,
    ArrayOf,
    Compiled,
    Function,
    Module,
    Target,
    Value,
    Variable,
)
from tilecppn.kernels.llvm.codegen.values import ELEMENTS, I64

RUN = 32  # inputs that are summed in one chain


class Layer(NamedTuple):
    """One layer: activation(weight · input + bias), plus the input if it is residual."""

    inputs: int
    outputs: int
    activation: str
    residual: bool = False


class Tiling(NamedTuple):
    """How many sums are in registers at a time: neurons × vectors of points."""

    neurons: int
    vectors: int

    @classmethod
    def of(cls, target: Target) -> "Tiling":
        """Return the tiling that fits a target's vector registers."""
        return cls(4, 4) if target.registers == 32 else cls(4, 3)

    def groups(self, outputs: int) -> Iterator["Group"]:
        """A layer's neurons: whole groups, then what is left over as a smaller one."""
        whole, rest = divmod(outputs, self.neurons)
        if whole:
            yield Group(0, self.neurons, whole)
        if rest:
            yield Group(whole * self.neurons, rest, 1)


class Group(NamedTuple):
    """`groups` groups of `neurons` neurons each, from neuron `first` on."""

    first: int
    neurons: int
    groups: int


def packed(
    layers: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]],
    tiling: Tiling,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    """Weights (out, in) and biases (out,) in the order in which the functions read them.

    A group of neurons is its biases, then its weights for input 0, for input 1, ….
    """
    parts = []
    for weight, bias in layers:
        for first, neurons, count in tiling.groups(len(weight)):
            for start in range(first, first + neurons * count, neurons):
                part = slice(start, start + neurons)
                parts += [bias[part], weight[part].T.ravel()]
    return np.concatenate(parts).astype(dtype)


class Network:
    """The function of one shape of network, for one precision and one machine."""

    def __init__(
        self, layers: tuple[Layer, ...], dtype: np.dtype[Any], target: Target, tiling: Tiling
    ) -> None:
        self.tiling = tiling
        generator = _Generator(ELEMENTS[dtype], tiling, target.lanes(ELEMENTS[dtype]))
        generator.network(layers)
        self.block = generator.block  # points
        self.scratch = 2 * self.block * max(layer.outputs for layer in layers)  # numbers
        self.call = Compiled(generator.module, target)["network"]


class _Generator:
    def __init__(self, real: ir.Type, tiling: Tiling, lanes: int) -> None:
        self.module = Module()
        self.real, self.tiling, self.lanes = real, tiling, lanes
        self.block = tiling.vectors * lanes
        self.kinds: dict[tuple[str, bool, int], Function] = {}

    def network(self, layers: tuple[Layer, ...]) -> None:
        """inputs (features, points) → out (channels, points); points: a multiple of the block.

        With traced = 1 also the sums before activation, (units of all layers, points).
        """
        for layer in layers:
            for group in self.tiling.groups(layer.outputs):
                self._kind(layer, group.neurons)
        reals = ArrayOf(self.real)
        f = self.module.function(
            "network",
            inputs=reals,
            points=I64,
            weights=reals,
            scratch=reals,
            out=reals,
            sums=reals,
            traced=I64,
        )
        points, block = f["points"], f.integer(self.block)
        widest = max(layer.outputs for layer in layers)
        # A layer reads the one half of the scratch memory and writes the other.
        halves = f.array("scratch"), f.array("scratch").at(self.block * widest)
        with f.loop(points, step=self.block) as start:
            source, stride = f.array("inputs").at(start), points
            weights, sums = f.array("weights"), f.array("sums").at(start)
            for i, layer in enumerate(layers):
                last = i == len(layers) - 1
                into, apart = (f.array("out").at(start), points) if last else (halves[i % 2], block)
                for group in self.tiling.groups(layer.outputs):
                    f.call(
                        self._kind(layer, group.neurons),
                        source,
                        stride,
                        f.integer(layer.inputs),
                        source.at(stride * group.first),
                        weights,
                        f.integer(group.groups),
                        into.at(apart * group.first),
                        apart,
                        sums.at(points * group.first),
                        points * f["traced"],
                    )
                    weights = weights.at(group.groups * group.neurons * (1 + layer.inputs))
                source, stride = into, apart
                sums = sums.at(points * layer.outputs)
        f.end()

    def _kind(self, layer: Layer, neurons: int) -> Function:
        """The function of all layers of this kind: groups of `neurons`, for a block of points."""
        key = (layer.activation, layer.residual, neurons)
        if key not in self.kinds:
            self.kinds[key] = self._layer(*key)
        return self.kinds[key]

    def _layer(self, activation: str, residual: bool, neurons: int) -> Function:
        reals = ArrayOf(self.real)
        f = self.module.function(
            f"{activation}{'_residual' * residual}_{neurons}",
            source=reals,  # feature k of the block at k · stride
            stride=I64,
            features=I64,
            skipped=reals,  # the features that a residual layer's first neuron adds to, …
            weights=reals,
            groups=I64,
            out=reals,  # neuron n at n · apart
            apart=I64,
            traces=reals,  # the sums of neuron n at n · traced; nothing where that is 0
            traced=I64,
        )
        features, weights = f["features"], f.array("weights")
        with f.loop(f["groups"]) as group:
            first = group * neurons
            own = weights.at(first * (features + 1))  # biases, then weights feature by feature
            sums = [self._block(f, own.load(n).splat(self.lanes)) for n in range(neurons)]
            self._add(f, own, sums, f.integer(0), features.at_most(RUN))
            with f.loop(features, start=RUN, step=RUN) as start:
                totals = [total for block in sums for total in block]
                before = [total.value for total in totals]
                for total in totals:
                    total.set(total.value.like(0.0))
                self._add(f, own, sums, start, features.at_most(start + RUN))
                for total, value in zip(totals, before, strict=True):
                    total.set(value + total.value)
            with f.when(f["traced"] > 0):
                for n in range(neurons):
                    trace = f.array("traces").at((first + n) * f["traced"])
                    for v, total in enumerate(sums[n]):
                        trace.store(total.value, v * self.lanes)
            for n in range(neurons):
                results = [FUNCTIONS[activation](total.value) for total in sums[n]]
                if residual:
                    inputs = self._vectors(f.array("skipped").at((first + n) * f["stride"]))
                    results = [a + b for a, b in zip(inputs, results, strict=True)]
                for v, result in enumerate(results):
                    f.array("out").at((first + n) * f["apart"]).store(result, v * self.lanes)
        f.end()
        return f

    def _add(
        self, f: Function, own: Array, sums: list[list[Variable]], start: Value, stop: Value
    ) -> None:
        """Add the weighted features from `start` to `stop` to the neurons' sums."""
        with f.loop(stop, start=start) as k:
            values = self._vectors(f.array("source").at(k * f["stride"]))
            for n, block in enumerate(sums):
                weight = own.load((k + 1) * len(sums) + n).splat(self.lanes)
                for total, value in zip(block, values, strict=True):
                    total.set(weight.fma(value, total.value))

    def _block(self, f: Function, start: Value) -> list[Variable]:
        """One neuron's sums for the block's points, a vector each."""
        return [f.variable(start) for _ in range(self.tiling.vectors)]

    def _vectors(self, feature: Array) -> list[Value]:
        """One feature of the block's points, vector after vector."""
        return [feature.load(v * self.lanes, self.lanes) for v in range(self.tiling.vectors)]
