"""Prepares a network's shape and weights for the Triton function, and launches it.

The shape decides the compiled function and its configuration; weights and lattices are data.
"""

import math
import threading
from typing import Any, NamedTuple

import numpy as np
import torch
import triton
from numpy.typing import NDArray

from tilecppn.cppn.resolved import Groups, HiddenLayer, ResolvedNetwork
from tilecppn.kernels.base import EvaluationContext, PixelFormat
from tilecppn.kernels.fineness import NEVER, WEIGHTS
from tilecppn.kernels.llvm.followed import fineness_map
from tilecppn.kernels.llvm.points import numbers
from tilecppn.kernels.triton.activations import EXACT, FAST, constant, interpreted
from tilecppn.kernels.triton.network import network
from tilecppn.scene.view import Lattices

_launching = threading.Lock()  # Triton's compiler and interpreter are for one thread at a time

NARROWEST = 16  # the smallest matrix that the matrix units take
SPLIT = 2.0**15  # hidden values, scaled, stay below; float16 ends at 65504
TOP = 12  # weights, scaled, stay below 2^TOP

# Activations whose values lie within ±1.
BOUNDED = {
    "tanh",
    "sigmoid",
    "sin",
    "cos",
    "gaussian",
    "half-sine",
    "sqrt-tanh",
    "sigmoid-sin",
}


class Configuration(NamedTuple):
    """The launch configuration for one width."""

    block: int  # points
    warps: int
    piece: int  # units of a layer that are computed, and read as inputs, at a time


CONFIGURATIONS = {
    16: Configuration(128, 4, 16),
    32: Configuration(128, 4, 32),
    64: Configuration(128, 8, 64),
    128: Configuration(32, 4, 64),
    256: Configuration(16, 8, 64),
}
INTERPRETED = Configuration(4096, 1, 128)  # the interpreter's cost is per call, not per point


class Shape(NamedTuple):
    """The constants of `network`, which with a Configuration decide the compiled function."""

    FIRST: tuple[Any, ...]  # functions, and the unit at which each ends
    FIRST_ENDS: tuple[Any, ...]
    PATTERN: tuple[tuple[Any, ...], ...]
    ENDS: tuple[tuple[Any, ...], ...]
    SOURCES: str  # of all functions: in a tuple, Triton's cache sees only their names
    REPEATS: int
    TAIL: int
    LAST: tuple[Any, ...]
    READ: bool
    FADES: bool
    RESIDUAL: bool
    SCALE: float
    WIDTH: int
    CHANNELS: int

    @classmethod
    def of(cls, network: ResolvedNetwork, precision: str) -> "Shape":
        """Return the constants for a network and `output.precision`."""
        functions = FAST if precision == "fast" else EXACT
        fades = network.local is not None
        first, *between = (layer.groups for layer in network.layers)
        pattern = _pattern(between)
        repeats, tail = divmod(len(between), len(pattern) or 1)
        last = tuple(functions[name] for name, count in network.output for _ in range(count))
        chosen = [tuple(functions[name] for name, _ in groups) for groups in (first, *pattern)]
        counts = [[count for _, count in groups] for groups in (first, *pattern)]
        ends = [tuple(constant(int(end)) for end in np.cumsum(group)) for group in counts]
        every = [function for group in (*chosen, last) for function in group]
        return cls(
            FIRST=chosen[0],
            FIRST_ENDS=ends[0],
            PATTERN=tuple(chosen[1:]),
            ENDS=tuple(ends[1:]),
            SOURCES="".join(getattr(function, "cache_key", "") for function in every),
            REPEATS=repeats,
            TAIL=tail,
            LAST=last,
            READ=fades or any(layer.readout is not None for layer in network.layers[:-1]),
            FADES=fades,
            RESIDUAL=network.residual,
            SCALE=_scale(network),
            WIDTH=max(NARROWEST, 1 << (network.width - 1).bit_length()),
            CHANNELS=network.channels,
        )


def _pattern(layers: list[Groups]) -> tuple[Groups, ...]:
    """Return the shortest prefix whose repetition gives all layers; the last one may be cut."""
    for period in range(1, len(layers)):
        if all(a == b for a, b in zip(layers, layers[period:], strict=False)):
            return tuple(layers[:period])
    return tuple(layers)


def _scale(network: ResolvedNetwork) -> float:
    """Return a power of two that scales hidden values to float16's range; 0 if they are unbounded.

    Two float16 hold 22 bits of a value while it is neither too large nor too small for them.
    """
    if not BOUNDED.issuperset(name for layer in network.layers for name, _ in layer.groups):
        return 0.0
    largest = len(network.layers) if network.residual else 1
    return 2.0 ** math.floor(math.log2(SPLIT / (1.01 * largest)))


class Weights(NamedTuple):
    """The weights of a network as the function `network` reads them."""

    vectors: NDArray[np.float32]  # (rows, WIDTH)
    high: NDArray[np.float16]  # (layers, WIDTH, WIDTH), input by output
    low: NDArray[np.float16]


def packed(context: EvaluationContext, shape: Shape) -> Weights:
    """Return the weights, with the latent in the bias, padded to WIDTH units with 0."""
    network = context.network
    first, *between = network.layers
    vectors: list[NDArray[Any]] = [*first.weight.T, first.bias]
    high, low = [], []
    for weight, bias, *_ in between:
        matrix, scale = _scaled(weight)
        vectors += [scale / (shape.SCALE or 1.0), bias]
        upper = matrix.astype(np.float16)
        lower = (matrix - upper.astype(np.float32)).astype(np.float16)
        high.append(_widened(upper.T, shape.WIDTH))
        low.append(_widened(lower.T, shape.WIDTH))
    zeros = np.zeros((network.channels, 1))
    readouts = [zeros if layer.readout is None else layer.readout for layer in network.layers]
    vectors += [*readouts[-1], network.bias]
    for layer, readout in zip(network.layers, readouts, strict=True) if shape.READ else ():
        vectors += [*readout, np.array(_fade(layer))] if shape.FADES else [*readout]
    none = [np.zeros((1, 1), np.float16)]
    return Weights(
        np.stack([_widened(row, shape.WIDTH) for row in vectors]).astype(np.float32),
        np.stack(high or none),
        np.stack(low or none),
    )


def _fade(layer: HiddenLayer) -> list[float]:
    """Return the row of a layer's fade: its start, and the offsets that it has."""
    return [NEVER] if layer.fade is None else [layer.fade.start, *layer.fade.offset]


def _scaled(weight: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Scale rows by powers of two to just below 2^TOP; return them and the inverse factors."""
    _, exponent = np.frexp(np.abs(weight).max(axis=1))
    exponent = np.maximum(exponent - TOP, -100)  # the inverse stays a normal float32
    return np.ldexp(weight, -exponent[:, None]), np.ldexp(1.0, exponent)


def _widened(array: NDArray[Any], width: int) -> NDArray[Any]:
    """Pad every axis at its end with zeros to `width`."""
    return np.pad(array, [(0, width - side) for side in array.shape])


class Call(NamedTuple):
    """The grid, arguments and options of one launch of `network`."""

    grid: tuple[int]
    arguments: tuple[Any, ...]
    options: dict[str, Any]


class Program:
    """One picture's weights on a device, for one compiled function."""

    def __init__(
        self,
        context: EvaluationContext,
        device: torch.device,
        configuration: Configuration | None = None,
    ) -> None:
        """Upload the weights. configuration: for tests and benchmarks; None for the width's own."""
        self.context, self.device = context, device
        self.shape = Shape.of(context.network, context.precision)
        own = INTERPRETED if interpreted() else CONFIGURATIONS[self.shape.WIDTH]
        self.configuration = configuration or own
        self.weights = [self._sent(array) for array in packed(context, self.shape)]
        self.grid = self._sent(numbers(context))
        self.fineness = fineness_map(context)
        self.spline = self._sent(WEIGHTS.astype(np.float32))

    def call(
        self, lattices: Lattices, pixel_format: PixelFormat, out: torch.Tensor, sums: torch.Tensor
    ) -> Call:
        """Return the launch that draws lattices into `out` (channels, n, rows, cols).

        sums: (units, n, rows, cols) to store the sums in, or without units.
        """
        points = len(lattices.origins) * lattices.rows * lattices.cols
        plain = self.context.plain
        nodes = np.zeros((1, 1, 1)) if self.fineness is None else self.fineness.tables(lattices)
        return Call(
            grid=(triton.cdiv(points, self.configuration.block),),
            arguments=(
                out,
                sums,
                *self.weights,
                self.grid,
                self._sent(lattices.origins),
                self.grid if plain else self._folded(lattices),
                self._sent(nodes.astype(np.float32)),
                self.spline,
                points,
                lattices.rows,
                lattices.cols,
                lattices.stride,
                self.context.network.width,
                *nodes.shape[1:],
            ),
            options={
                **self.shape._asdict(),
                "GIVEN": not plain,
                "TRACED": len(sums) > 0,
                "INVERT": pixel_format.invert,
                "DITHER": pixel_format.dither,
                "BLOCK": self.configuration.block,
                "PIECE": min(self.configuration.piece, self.shape.WIDTH),
                "num_warps": self.configuration.warps,
                "num_stages": 1,
                "enable_fp_fusion": False,
            },
        )

    def launch(
        self, lattices: Lattices, pixel_format: PixelFormat, out: torch.Tensor, sums: torch.Tensor
    ) -> None:
        """Launch the function in the current stream."""
        call = self.call(lattices, pixel_format, out, sums)
        with _launching, np.errstate(all="ignore"):  # the interpreter warns
            network[call.grid](*call.arguments, **call.options)

    def _folded(self, lattices: Lattices) -> torch.Tensor:
        """Return x, y and r (3, points) of a folded plane, which torch folds in float64."""
        rows, cols = (self._sent(index) for index in lattices.indices())
        points = torch.broadcast_tensors(*self.context.points(rows, cols))  # type: ignore[no-untyped-call]
        return torch.stack([values.to(torch.float32) for values in points])

    def _sent(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
