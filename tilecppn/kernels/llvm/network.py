"""Generates machine code for a CPPN, which evaluates a block of points layer by layer.

A block holds `vectors` registers of points, features-major: feature k of all its points is
contiguous. A layer computes a few neurons at a time, with their sums held in registers,

    sum = bias;  sum = fma(weight[k], input[k], sum)  for k = 0, 1, …, RUN - 1

in that order for every point, so that the result does not depend on the block's shape or the
vector's width. Each further RUN inputs are summed separately from 0 and then added, since the
rounding error of one long chain grows with its length.
Weights are data: one compiled function serves all networks of the same shape.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from itertools import zip_longest

from llvmlite import ir

from tilecppn.codegen import (
    Array,
    ArrayOf,
    Compiled,
    Function,
    Module,
    Target,
    Value,
    Variable,
)
from tilecppn.codegen.activations import DIFFERENCES, FUNCTIONS
from tilecppn.codegen.values import F32, F64, I64
from tilecppn.kernels.llvm.layers import Group, Layer, Tiling
from tilecppn.plan import ceil_div

RUN = 32  # inputs summed in one chain


class Network:
    """The compiled function for one shape of network and one machine.

    The first `split` layers are computed in float64, the others in float32. keep_hidden: all layers
    are in float64, and the values of the last hidden layer are stored, too.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        split: int,
        target: Target,
        tiling: Tiling,
        keep_hidden: bool = False,
    ) -> None:
        self.tiling = tiling
        stages = _stages(layers, split, target, tiling)
        self.block = _final(stages).block  # points
        self.scratch = [stage.scratch for stage in stages]  # sizes in numbers
        self.features = stages[0].features
        self.fades = any(layer.fades for layer in layers)
        made_of = (layers, split, target, tiling, keep_hidden)
        self.call = Compiled(network_module, *made_of, target=target)["network"]

    def padded(self, points: int) -> int:
        """Return a number of points rounded up to whole blocks."""
        return ceil_div(points, self.block) * self.block


class _Stage:
    """The layers of one precision, and their functions."""

    def __init__(self, layers: Sequence[Layer], real: ir.Type, target: Target, tiling: Tiling):
        self.layers, self.real = layers, real
        self.lanes = target.lanes(real)
        self.block = tiling.vectors * self.lanes  # points
        self.widest = max((layer.outputs for layer in layers), default=0)
        hidden = [layer.outputs for layer in layers if not layer.readout]
        self.features = hidden[-1] if hidden else 0  # passed to the next stage
        self.channels = max((layer.outputs for layer in layers if layer.readout), default=0)
        self.scratch = self.block * (2 * self.widest + self.channels)
        self.fades = any(layer.fades for layer in layers)
        self.kinds: dict[tuple[str, bool, bool, bool, bool, int], Function] = {}


def _stages(
    layers: tuple[Layer, ...], split: int, target: Target, tiling: Tiling
) -> tuple[_Stage, _Stage]:
    """Return the stages of the layers in float64 and in float32."""
    return _Stage(layers[:split], F64, target, tiling), _Stage(layers[split:], F32, target, tiling)


def _final(stages: tuple[_Stage, _Stage]) -> _Stage:
    double, single = stages
    return single if single.layers else double


def network_module(
    layers: tuple[Layer, ...], split: int, target: Target, tiling: Tiling, keep_hidden: bool
) -> Module:
    """Generate the function `network` of a `Network`, and those that it calls."""
    return _Generator(_stages(layers, split, target, tiling), tiling, keep_hidden).module


class _Generator:
    def __init__(self, stages: tuple[_Stage, _Stage], tiling: Tiling, keep_hidden: bool) -> None:
        self.module, self.tiling, self.keep_hidden = Module(), tiling, keep_hidden
        self.double, self.single = stages
        self.final = _final(stages)
        self.block = self.final.block
        for stage in stages:
            for layer in stage.layers:
                for group in tiling.groups(layer.groups):
                    self._kind(stage, layer, group)
        self._network()

    def _network(self) -> None:
        """Generate `network`: inputs (features, points) → out (channels, points).

        points is a multiple of the block; fineness is that of each. With traced = 1 also the sums
        before activation, (units of all layers, points), are stored.
        """
        double, single, final = self.double, self.single, self.final
        narrow = self._copy(F32) if double.layers and single.layers else None
        keep = self._copy(F64) if self.keep_hidden else None
        f = self.module.function(
            "network",
            inputs=ArrayOf(double.real if double.layers else single.real),
            points=I64,
            fineness=ArrayOf(F32),
            weights=ArrayOf(double.real),
            scratch=ArrayOf(double.real),
            single_weights=ArrayOf(single.real),
            single_scratch=ArrayOf(single.real),
            out=ArrayOf(final.real),
            sums=ArrayOf(final.real),
            traced=I64,
            **({"hidden": ArrayOf(F64)} if self.keep_hidden else {}),
        )
        points, block = f["points"], f.integer(self.block)
        with f.loop(points, step=self.block) as start:
            out, sums = f.array("out").at(start), f.array("sums").at(start)
            fineness = f.array("fineness").at(start)
            if narrow is None:
                prefix = "" if final is double else "single_"
                source = self._run(
                    f, final, (f.array("inputs").at(start), points),
                    f.array(f"{prefix}weights"), f.array(f"{prefix}scratch"), (out, points), sums,
                    fineness,
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
                        fineness.at(sub),
                    )  # fmt: skip
                    width = f.integer(double.features)
                    f.call(narrow, source, width, into.at(sub), block)
                    if double.channels:
                        channels = f.integer(double.channels)
                        f.call(narrow, colour, channels, out.at(sub), points)
                units = sum(layer.outputs for layer in double.layers if not layer.readout)
                self._run(
                    f, single, (into, block), f.array("single_weights"),
                    f.array("single_scratch"), (out, points), sums.at(points * units), fineness,
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
        fineness: Array,
    ) -> Array:
        """Generate calls of a stage's layers on a block; return its last hidden layer's values.

        Arrays come with the distance from one feature to the next. A layer reads one half of the
        scratch memory and writes the other. If a readout has faded at all points, its layer is not
        evaluated, and neither are those after it, which fade earlier.
        """
        points, traced = f["points"], f["traced"]
        halves = scratch, scratch.at(stage.block * stage.widest)
        least = self._least(fineness, stage) if stage.fades else None
        needed = None
        hidden = place = units = 0  # layers, and numbers of weights and sums before this one
        for layer, following in zip_longest(stage.layers, stage.layers[1:]):
            if layer.readout:
                into, apart = colour
            else:
                into, apart = halves[hidden % 2], f.integer(stage.block)
                hidden += 1
                needed = None
                if following is not None and following.fades and least is not None:
                    start = place + layer.outputs * (1 + layer.columns)
                    start += self.tiling.start(following)
                    needed = (least.to(stage.real) < weights.load(start)) | (traced > 0)
            has_trace = layer is self.final.layers[-1] or not layer.readout
            skipped = layer.fades or not layer.readout
            with nullcontext() if needed is None or not skipped else f.when(needed):
                own = place
                for group in self.tiling.groups(layer.groups):
                    f.call(
                        self._kind(stage, layer, group),
                        source[0],
                        source[1],
                        f.integer(layer.inputs),
                        source[0].at(source[1] * group.first),
                        weights.at(own),
                        f.integer(group.groups),
                        into.at(apart * group.first),
                        apart,
                        sums.at(points * (units + group.first)),
                        points * traced if has_trace else f.integer(0),
                        fineness,
                    )
                    own += group.groups * group.neurons * (1 + layer.columns)
            place += layer.outputs * (1 + layer.columns)
            if not layer.readout:
                source = into, apart
                units += layer.outputs
        return source[0]

    def _least(self, fineness: Array, stage: _Stage) -> Value:
        """Return the smallest fineness of a block's points."""
        least = fineness.load(0, stage.lanes)
        for v in range(1, self.tiling.vectors):
            least = least.at_most(fineness.load(v * stage.lanes, stage.lanes))
        return least.smallest()

    def _copy(self, element: ir.Type) -> Function:
        """Generate a function that copies a float64 block to features `apart`, as `element`."""
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
        """Return the function for this kind of layer: groups of neurons, for a block of points."""
        kind = layer.residual, layer.adds, layer.differs, layer.fades
        key = (group.activation, *kind, group.neurons)
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
        fades: bool,
        neurons: int,
    ) -> Function:
        reals, lanes = ArrayOf(stage.real), stage.lanes
        bits = 32 if stage.real == F32 else 64
        f = self.module.function(
            f"{activation}{'_residual' * residual}{'_adds' * adds}{'_differs' * differs}"
            f"{'_fades' * fades}_{neurons}_f{bits}",
            source=reals,  # feature k of the block at k · stride
            stride=I64,
            features=I64,
            skipped=reals,  # the features that a residual layer's first neuron adds to, …
            weights=reals,
            groups=I64,
            out=reals,  # neuron n at n · apart; a layer that adds starts from these
            apart=I64,
            traces=ArrayOf(self.final.real),  # the sums of neuron n at n · traced; none if 0
            traced=I64,
            fineness=ArrayOf(F32),
        )
        features, weights = f["features"], f.array("weights")
        columns = features + 1 if fades else features
        with f.loop(f["groups"]) as group:
            first = group * neurons
            own = weights.at(first * (columns + 1))  # biases, then weights feature by feature
            outs = [f.array("out").at((first + n) * f["apart"]) for n in range(neurons)]
            if adds and not fades:
                starts = [self._vectors(out, lanes) for out in outs]
            else:
                biases = [own.load(n).splat(lanes) for n in range(neurons)]
                zeros = [bias.like(0.0) for bias in biases]
                starts = [[v] * self.tiling.vectors for v in (zeros if differs else biases)]
            sums = self._sums(f, own, starts, lanes)
            with f.when(f["traced"] > 0):
                for n, totals in enumerate(sums):
                    trace = f.array("traces").at((first + n) * f["traced"])
                    for v, total in enumerate(totals):
                        value = biases[n] + total if differs else total
                        trace.store(value.to(self.final.real), v * lanes)
            if fades:
                start = own.load(columns * neurons).splat(lanes)
                shares = [self._faded(start, v) for v in self._vectors(f.array("fineness"), lanes)]
            for n, totals in enumerate(sums):
                if fades:
                    faded = zip(shares, totals, self._vectors(outs[n], lanes), strict=True)
                    totals = [share.fma(total, out) for share, total, out in faded]
                if differs:
                    results = [DIFFERENCES[activation](biases[n], total) for total in totals]
                else:
                    results = [FUNCTIONS[activation](total) for total in totals]
                if residual:
                    inputs = self._vectors(f.array("skipped").at((first + n) * f["stride"]), lanes)
                    results = [a + b for a, b in zip(inputs, results, strict=True)]
                for v, result in enumerate(results):
                    outs[n].store(result, v * lanes)
        f.end()
        return f

    def _faded(self, start: Value, fineness: Value) -> Value:
        """Return smoothstep(start - fineness)."""
        share = (start - fineness.to(start.element)).at_least(0.0).at_most(1.0)
        return share * share * (3.0 - share * 2.0)

    def _sums(
        self, f: Function, own: Array, starts: list[list[Value]], lanes: int
    ) -> list[list[Value]]:
        """Generate the neurons' sums of all features, RUN at a time; return them."""
        features = f["features"]
        sums = [[f.variable(start) for start in block] for block in starts]
        self._add(f, own, sums, f.integer(0), features.at_most(RUN), lanes)
        with f.loop(features, start=RUN, step=RUN) as start:
            totals = [total for block in sums for total in block]
            before = [total.value for total in totals]
            for total in totals:
                total.set(total.value.like(0.0))
            self._add(f, own, sums, start, features.at_most(start + RUN), lanes)
            for total, value in zip(totals, before, strict=True):
                total.set(value + total.value)
        return [[total.value for total in block] for block in sums]

    def _add(
        self,
        f: Function,
        own: Array,
        sums: list[list[Variable]],
        start: Value,
        stop: Value,
        lanes: int,
    ) -> None:
        """Generate the addition of weighted features, `start` to `stop`, to the neurons' sums."""
        with f.loop(stop, start=start) as k:
            values = self._vectors(f.array("source").at(k * f["stride"]), lanes)
            for n, block in enumerate(sums):
                weight = own.load((k + 1) * len(sums) + n).splat(lanes)
                for total, value in zip(block, values, strict=True):
                    total.set(weight.fma(value, total.value))

    def _vectors(self, feature: Array, lanes: int) -> list[Value]:
        """Load one feature of the block's points as vectors."""
        return [feature.load(v * lanes, lanes) for v in range(self.tiling.vectors)]
