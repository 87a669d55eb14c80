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

from tilecppn.cppn.resolved import Groups, ResolvedNetwork
from tilecppn.kernels.llvm.activations import DIFFERENCES, FUNCTIONS
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
from tilecppn.kernels.llvm.codegen.values import F32, F64, I64
from tilecppn.plan import ceil_div

RUN = 32  # inputs that are summed in one chain


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
    """A network as the layers that are computed in turn, readouts among them."""
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
        """A layer's neurons: of each activation whole groups, then what is left over."""
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


class Network:
    """The function of one shape of network, for one machine.

    The first `split` layers are computed in float64, the others in float32. One that `keeps`, in
    float64 throughout, also returns what its last hidden layer holds.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        split: int,
        target: Target,
        tiling: Tiling,
        keeps: bool = False,
    ) -> None:
        self.tiling = tiling
        generator = _Generator(layers, split, target, tiling, keeps)
        self.block = generator.block  # points
        self.scratch = [stage.scratch for stage in generator.stages]  # numbers
        self.features = generator.double.features
        self.call = Compiled(generator.module, target)["network"]

    def whole(self, points: int) -> int:
        """So many points, filled up to whole blocks."""
        return ceil_div(points, self.block) * self.block


class _Stage:
    """The layers that are computed in one precision, and their functions."""

    def __init__(self, layers: Sequence[Layer], real: ir.Type, target: Target, tiling: Tiling):
        self.layers, self.real = layers, real
        self.lanes = target.lanes(real)
        self.block = tiling.vectors * self.lanes  # points
        self.widest = max((layer.outputs for layer in layers), default=0)
        hidden = [layer.outputs for layer in layers if not layer.readout]
        self.features = hidden[-1] if hidden else 0  # that go to the next stage
        self.channels = max((layer.outputs for layer in layers if layer.readout), default=0)
        self.scratch = self.block * (2 * self.widest + self.channels)
        self.kinds: dict[tuple[str, bool, bool, bool, int], Function] = {}


class _Generator:
    def __init__(
        self,
        layers: tuple[Layer, ...],
        split: int,
        target: Target,
        tiling: Tiling,
        keeps: bool,
    ) -> None:
        self.module, self.tiling, self.keeps = Module(), tiling, keeps
        self.double = _Stage(layers[:split], F64, target, tiling)
        self.single = _Stage(layers[split:], F32, target, tiling)
        self.stages = (self.double, self.single)
        self.final = self.single if self.single.layers else self.double
        self.block = self.final.block
        for stage in self.stages:
            for layer in stage.layers:
                for group in tiling.groups(layer.groups):
                    self._kind(stage, layer, group)
        self._network()

    def _network(self) -> None:
        """inputs (features, points) → out (channels, points); points: a multiple of the block.

        With traced = 1 also the sums before activation, (units of all layers, points).
        """
        double, single, final = self.double, self.single, self.final
        narrow = self._copy(F32) if double.layers and single.layers else None
        keep = self._copy(F64) if self.keeps else None
        f = self.module.function(
            "network",
            inputs=ArrayOf(double.real if double.layers else single.real),
            points=I64,
            weights=ArrayOf(double.real),
            scratch=ArrayOf(double.real),
            single_weights=ArrayOf(single.real),
            single_scratch=ArrayOf(single.real),
            out=ArrayOf(final.real),
            sums=ArrayOf(final.real),
            traced=I64,
            **({"hidden": ArrayOf(F64)} if self.keeps else {}),
        )
        points, block = f["points"], f.integer(self.block)
        with f.loop(points, step=self.block) as start:
            out, sums = f.array("out").at(start), f.array("sums").at(start)
            if narrow is None:
                prefix = "" if final is double else "single_"
                source = self._run(
                    f, final, (f.array("inputs").at(start), points),
                    f.array(f"{prefix}weights"), f.array(f"{prefix}scratch"), (out, points), sums,
                )  # fmt: skip
                if keep is not None:
                    width = f.integer(double.features)
                    f.call(keep, source, width, f.array("hidden").at(start), points)
            else:
                into = f.array("single_scratch").at(self.block * single.widest)
                with f.loop(block, step=double.block) as sub:
                    apart = f.integer(double.block)
                    scratch = f.array("scratch")
                    colour = scratch.at(double.block * 2 * double.widest)
                    source = self._run(
                        f, double, (f.array("inputs").at(start + sub), points),
                        f.array("weights"), scratch, (colour, apart), sums.at(sub),
                    )  # fmt: skip
                    width = f.integer(double.features)
                    f.call(narrow, source, width, into.at(sub), block)
                    if double.channels:
                        channels = f.integer(double.channels)
                        f.call(narrow, colour, channels, out.at(sub), points)
                units = sum(layer.outputs for layer in double.layers if not layer.readout)
                self._run(
                    f, single, (into, block), f.array("single_weights"),
                    f.array("single_scratch"), (out, points), sums.at(points * units),
                )  # fmt: skip
        f.end()

    def _run(
        self,
        f: Function,
        stage: _Stage,
        source: tuple[Array, Value],
        weights: Array,
        scratch: Array,
        colour: tuple[Array, Value],
        sums: Array,
    ) -> Array:
        """Call a stage's layers on a block; what its last hidden layer has written.

        Arrays come with the distance of a feature to the next. A layer reads one half of the
        scratch memory and writes the other.
        """
        points = f["points"]
        halves = scratch, scratch.at(stage.block * stage.widest)
        written = 0
        for layer in stage.layers:
            final = layer is self.final.layers[-1]
            if layer.readout:
                into, apart = colour
            else:
                into, apart = halves[written % 2], f.integer(stage.block)
                written += 1
            traced = final or not layer.readout
            for group in self.tiling.groups(layer.groups):
                f.call(
                    self._kind(stage, layer, group),
                    source[0],
                    source[1],
                    f.integer(layer.inputs),
                    source[0].at(source[1] * group.first),
                    weights,
                    f.integer(group.groups),
                    into.at(apart * group.first),
                    apart,
                    sums.at(points * group.first),
                    points * f["traced"] if traced else f.integer(0),
                )
                weights = weights.at(group.groups * group.neurons * (1 + layer.inputs))
            if not layer.readout:
                source = into, apart
                sums = sums.at(points * layer.outputs)
        return source[0]

    def _copy(self, element: ir.Type) -> Function:
        """Features of a float64 block, side by side, as float32 or float64 at `apart`."""
        block, lanes = self.double.block, self.double.lanes
        name = "narrow" if element == F32 else "keep"
        f = self.module.function(
            name, source=ArrayOf(F64), features=I64, out=ArrayOf(element), apart=I64
        )
        with f.loop(f["features"]) as k:
            source, out = f.array("source").at(k * block), f.array("out").at(k * f["apart"])
            for v in range(0, block, lanes):
                out.store(source.load(v, lanes).to(element), v)
        f.end()
        return f

    def _kind(self, stage: _Stage, layer: Layer, group: Group) -> Function:
        """The function of all layers of this kind: groups of neurons, for a block of points."""
        key = (group.activation, layer.residual, layer.adds, layer.differs, group.neurons)
        if key not in stage.kinds:
            stage.kinds[key] = self._layer(stage, *key)
        return stage.kinds[key]

    def _layer(
        self,
        stage: _Stage,
        activation: str,
        residual: bool,
        adds: bool,
        differs: bool,
        neurons: int,
    ) -> Function:
        reals, lanes = ArrayOf(stage.real), stage.lanes
        bits = 32 if stage.real == F32 else 64
        f = self.module.function(
            f"{activation}{'_residual' * residual}{'_adds' * adds}{'_differs' * differs}"
            f"_{neurons}_f{bits}",
            source=reals,  # feature k of the block at k · stride
            stride=I64,
            features=I64,
            skipped=reals,  # the features that a residual layer's first neuron adds to, …
            weights=reals,
            groups=I64,
            out=reals,  # neuron n at n · apart; a layer that adds begins with what is there
            apart=I64,
            traces=ArrayOf(self.final.real),  # the sums of neuron n at n · traced; none where 0
            traced=I64,
        )
        features, weights = f["features"], f.array("weights")
        with f.loop(f["groups"]) as group:
            first = group * neurons
            own = weights.at(first * (features + 1))  # biases, then weights feature by feature
            outs = [f.array("out").at((first + n) * f["apart"]) for n in range(neurons)]
            biases = [] if adds else [own.load(n).splat(lanes) for n in range(neurons)]
            if adds:
                sums = [[f.variable(v) for v in self._vectors(out, lanes)] for out in outs]
            else:
                starts = [v.like(0.0) for v in biases] if differs else biases
                sums = [[f.variable(v) for _ in range(self.tiling.vectors)] for v in starts]
            self._add(f, own, sums, f.integer(0), features.at_most(RUN), lanes)
            with f.loop(features, start=RUN, step=RUN) as start:
                totals = [total for block in sums for total in block]
                before = [total.value for total in totals]
                for total in totals:
                    total.set(total.value.like(0.0))
                self._add(f, own, sums, start, features.at_most(start + RUN), lanes)
                for total, value in zip(totals, before, strict=True):
                    total.set(value + total.value)
            with f.when(f["traced"] > 0):
                for n in range(neurons):
                    trace = f.array("traces").at((first + n) * f["traced"])
                    for v, total in enumerate(sums[n]):
                        value = biases[n] + total.value if differs else total.value
                        trace.store(value.to(self.final.real), v * lanes)
            for n in range(neurons):
                if differs:
                    change = DIFFERENCES[activation]
                    results = [change(biases[n], total.value) for total in sums[n]]
                else:
                    results = [FUNCTIONS[activation](total.value) for total in sums[n]]
                if residual:
                    skipped = f.array("skipped").at((first + n) * f["stride"])
                    inputs = self._vectors(skipped, lanes)
                    results = [a + b for a, b in zip(inputs, results, strict=True)]
                for v, result in enumerate(results):
                    outs[n].store(result, v * lanes)
        f.end()
        return f

    def _add(
        self,
        f: Function,
        own: Array,
        sums: list[list[Variable]],
        start: Value,
        stop: Value,
        lanes: int,
    ) -> None:
        """Add the weighted features from `start` to `stop` to the neurons' sums."""
        with f.loop(stop, start=start) as k:
            values = self._vectors(f.array("source").at(k * f["stride"]), lanes)
            for n, block in enumerate(sums):
                weight = own.load((k + 1) * len(sums) + n).splat(lanes)
                for total, value in zip(block, values, strict=True):
                    total.set(weight.fma(value, total.value))

    def _vectors(self, feature: Array, lanes: int) -> list[Value]:
        """One feature of the block's points, vector after vector."""
        return [feature.load(v * lanes, lanes) for v in range(self.tiling.vectors)]
