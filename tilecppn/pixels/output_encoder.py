"""Encodes colours as stored values, and interpolates between nodes, in machine code.

Each pass reads its input once, writes its output once, and releases the GIL. Every pixel gets the
same IEEE and integer operations, so its bytes depend only on its colour and its global index.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn import kernels
from tilecppn.buffers import row_stride
from tilecppn.codegen import (
    ArrayOf,
    Module,
    Value,
    machine_code,
)
from tilecppn.codegen.values import ELEMENTS, F32, I32, I64
from tilecppn.kernels import PixelFormat
from tilecppn.plan import BLOCK
from tilecppn.scene.sections import FULL, Output

LANES = 16
ORIGIN = np.zeros((1, 2), np.int64)


class OutputEncoder(PixelFormat):
    """The encoding of a colour after reconstruction: inversion, dither and rounding."""

    @classmethod
    def of(cls, output: Output) -> "OutputEncoder":
        """Return the encoder for a scene's [output]."""
        return cls(output.dtype, output.invert, output.dither == "noise")

    def stored(self, colour: Value, noise: Value) -> Value:
        """Invert, clip to [0, 1], scale, dither and round half to even; NaN becomes 0.

        float32 is only inverted.
        """
        element = ELEMENTS[np.dtype(self.dtype)]
        if self.invert:
            colour = 1.0 - colour
        if self.dtype not in FULL:
            return colour.to(element)
        full = float(FULL[self.dtype])
        colour = (colour > 0.0).where(colour, colour.like(0.0))  # false for NaN
        scaled = (colour * full).at_most(full)  # one operation less than clipping first
        if self.dither:
            scaled = (scaled + noise.to(scaled.element)).at_least(0.0).at_most(full)
        return scaled.rint().to(I32).to(element)


RAW_COLOURS = OutputEncoder(*kernels.RAW_COLOURS)


def hash32(word: Value) -> Value:
    """Return a 32-bit hash: lowbias32 by C. Wellons, Prospecting for hash functions."""
    word = (word ^ (word >> 16)) * 0x7FEB352D
    word = (word ^ (word >> 15)) * (0x846CA68B - 2**32)
    return word ^ (word >> 16)


def row_key(row: Value, channel: Value) -> Value:
    """Return the key (i32) of the noise in a row of a channel."""
    return hash32(row.to(I32) + hash32(channel.to(I32)))


def noise(key: Value, col: Value) -> Value:
    """Return uniform noise between -½ and ½, with mean 0, from the 24 high bits of a hash."""
    return (hash32(col + key) >> 8).to(F32) * 2.0**-24 + (2.0**-25 - 0.5)


def encode_into(
    encoder: OutputEncoder,
    colours: NDArray[Any],
    row: int,
    col: int,
    out: NDArray[Any],
    places: NDArray[np.int64] = ORIGIN,
) -> None:
    """Encode blocks of colours (channels, n, height, width) at `places` (n, 2) of `out`.

    (row, col): the global index of out's first pixel.
    """
    channels, count, height, width = colours.shape
    apart = (stride // colours.itemsize for stride in colours.strides[:3])
    compiled(encoder, colours.dtype)["encode"](
        colours, *apart, places, count, height, width, channels, row, col, out,
        out.strides[0] // out.itemsize, row_stride(out),
    )  # fmt: skip


@machine_code
def compiled(encoder: OutputEncoder, dtype: np.dtype[Any]) -> Module:
    """Compile `encode`, which stores colours, and `expand_16`, …, `expand_2`, from nodes."""
    module = Module()
    _encode(module, encoder, dtype)
    for stride in (16, 8, 4, 2):
        _expand(module, encoder, stride)
    return module


def _encode(module: Module, encoder: OutputEncoder, dtype: np.dtype[Any]) -> None:
    f = module.function(
        "encode",
        colours=ArrayOf(ELEMENTS[dtype]),  # (channels, count, height, width)
        colours_apart=I64,  # from channel to channel
        block_apart=I64,
        row_apart=I64,
        places=ArrayOf(I64),  # (count, 2): the first pixel of each block in `out`
        count=I64,
        height=I64,
        width=I64,
        channels=I64,
        row=I64,  # global index of out's first pixel
        col=I64,
        out=ArrayOf(ELEMENTS[np.dtype(encoder.dtype)]),
        plane=I64,  # from channel to channel
        out_apart=I64,
    )
    with f.loop(f["channels"]) as channel, f.loop(f["count"]) as b:
        top, left = (f.array("places").load(b * 2 + i) for i in range(2))
        colours = f.array("colours").at(channel * f["colours_apart"] + b * f["block_apart"])
        with f.loop(f["height"]) as i:
            key = row_key(f["row"] + top + i, channel)
            source = colours.at(i * f["row_apart"])
            out = f.array("out").at(channel * f["plane"] + (top + i) * f["out_apart"] + left)
            with f.loop(f["width"]) as j:
                value = encoder.stored(source.load(j), noise(key, (f["col"] + left + j).to(I32)))
                out.store(value, j)
    f.end()


def _expand(module: Module, encoder: OutputEncoder, stride: int) -> None:
    """Interpolate blocks of pixels from nodes `stride` pixels apart, by separable cubics.

    The cubics go through the four nearest nodes, two on each side. A block is given by its first
    pixel in `out` and by the index of its first node, one stride above and to the left.
    """
    across = BLOCK // stride  # intervals between nodes; there are 3 more nodes
    f = module.function(
        f"expand_{stride}",
        nodes=ArrayOf(F32),
        channels=I64,
        channels_apart=I64,  # nodes from channel to channel
        nodes_apart=I64,  # and from row to row
        blocks=ArrayOf(I64),  # (count, 3): top, left, first node
        count=I64,
        weights=ArrayOf(F32),  # (stride, 4)
        row=I64,  # global index of out's first pixel
        col=I64,
        out=ArrayOf(ELEMENTS[np.dtype(encoder.dtype)]),
        plane=I64,  # from channel to channel
        out_apart=I64,
    )
    table = cubic(stride)
    taps = [f.vector(F32, [table[lane % stride, m] for lane in range(LANES)]) for m in range(4)]
    lanes = f.vector(I32, range(LANES))
    with f.loop(f["channels"]) as channel, f.loop(f["count"]) as b:
        top, left, first_node = (f.array("blocks").load(b * 3 + i) for i in range(3))
        nodes = f.array("nodes").at(channel * f["channels_apart"] + first_node)
        with f.loop(f.integer(across)) as interval, f.loop(f.integer(stride)) as phase:
            i = interval * stride + phase
            rows = [nodes.at((interval + m) * f["nodes_apart"]) for m in range(4)]
            parts = [f.array("weights").load(phase * 4 + m).splat(LANES) for m in range(4)]
            line = [
                _combined([row.load(start, LANES) for row in rows], parts)
                for start in range(0, across + 3, LANES)
            ]
            key = row_key(f["row"] + top + i, channel).splat(LANES)
            out = f.array("out").at(channel * f["plane"] + (top + i) * f["out_apart"] + left)
            for start in range(0, BLOCK, LANES):
                values = [_spread(line, start // stride + m, stride) for m in range(4)]
                colour = _combined(values, taps)
                cols = (f["col"] + left + start).to(I32).splat(LANES) + lanes
                out.store(encoder.stored(colour, noise(key, cols)), start)
    f.end()


@cache
def cubic(stride: int) -> NDArray[np.float32]:
    """Return the weights (stride, 4) of the nodes -1, 0, 1, 2 for the points k / stride.

    Lagrange's basis of degree 3: exact for cubics, error up to 3/128 of the fourth derivative.
    """
    t = np.arange(stride) / stride
    basis = (
        -t * (t - 1) * (t - 2) / 6,
        (t + 1) * (t - 1) * (t - 2) / 2,
        -(t + 1) * t * (t - 2) / 2,
        (t + 1) * t * (t - 1) / 6,
    )
    weights = np.stack(basis, axis=1).astype(np.float32)
    weights.flags.writeable = False  # shared by all callers
    return weights


def _combined(values: list[Value], weights: list[Value]) -> Value:
    total = values[0] * weights[0]
    for value, weight in zip(values[1:], weights[1:], strict=True):
        total = value.fma(weight, total)
    return total


def _spread(line: list[Value], first: int, stride: int) -> Value:
    """Return a vector of the nodes from `first` on, each repeated `stride` times."""
    vector, lane = divmod(first, LANES)
    order = [lane + k // stride for k in range(LANES)]
    return line[vector].picked(order, line[vector + 1] if order[-1] >= LANES else None)
