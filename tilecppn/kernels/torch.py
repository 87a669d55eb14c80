"""The torch kernel: float32 on CPUs and CUDA devices, in place, in chunks of one fixed size.

A matrix library may order its sums by the shape of its operands, so every chunk has the same
shape, the last padded, and one intra-op thread. It may also sum the last columns of a matrix in
another way where their number is no multiple of its register block (MKL does in float64: with
8192 columns the last 8 differ), so a chunk is a multiple of all blocks in use, and each kernel
first checks that a point's bits do not depend on its column.

Activations are features-major, (width, chunk): the first layer's three inputs
are three rows, and biases are columns.

tanh(x) = 2·sigmoid(2x) - 1, and torch's sigmoid is three times as fast as its tanh on CPUs. So a
tanh layer computes s = sigmoid(2x) and the factors move into the weights: into its own (× 2,
exact) and the next layer's (W·tanh + b = 2W·s + (b - W·1), summed in float64, rounded once).
In a residual network the layers' values are added, so there the factor is applied and only the
offsets, which add up, move on.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tilecppn.errors import Failed
from tilecppn.kernels import Arithmetic, Field
from tilecppn.view import Lattice

CPU_CHUNK = 9216  # a multiple of 4, 6, 8, 12, 16, 24, 32, 48, 64 columns; fits the caches
CUDA_CHUNK = 1 << 20
CUDA_VALUES = 1 << 26  # in one buffer: wider networks have smaller chunks


class Row(NamedTuple):
    """activation(x) = scale · apply(gain · x) + offset, with `apply` in place."""

    apply: Callable[[torch.Tensor], object]
    gain: float = 1.0
    scale: float = 1.0
    offset: float = 0.0


def _identity(x: torch.Tensor) -> torch.Tensor:
    return x


def _softplus(x: torch.Tensor) -> torch.Tensor:
    # log(1 + e^x) = max(x, 0) + log1p(e^-|x|), which does not overflow.
    tail = x.abs().neg_().exp_().log1p_()
    return x.clamp_(min=0.0).add_(tail)


def _sqrt_tanh(x: torch.Tensor) -> torch.Tensor:
    # 1 - tanh|x| = 2 / (1 + e^(2|x|)) = 2·sigmoid(-2|x|), without the cancellation.
    return x.abs_().mul_(-2.0).sigmoid_().mul_(2.0).sqrt_()


ROWS: dict[str, Row] = {
    "tanh": Row(torch.Tensor.sigmoid_, gain=2.0, scale=2.0, offset=-1.0),
    "sigmoid": Row(torch.Tensor.sigmoid_),
    "softplus": Row(_softplus),
    "relu": Row(torch.Tensor.relu_),
    "leaky-relu": Row(lambda x: torch.nn.functional.leaky_relu_(x, 0.2)),
    "sin": Row(torch.Tensor.sin_),
    "cos": Row(torch.Tensor.cos_),
    "gaussian": Row(lambda x: x.square_().neg_().exp_()),
    "abs": Row(torch.Tensor.abs_),
    "square": Row(torch.Tensor.square_),
    "identity": Row(_identity),
    "half-sine": Row(torch.Tensor.sin_, scale=0.5, offset=0.5),
    "sqrt-tanh": Row(_sqrt_tanh),
    "sigmoid-sin": Row(lambda x: x.sin_().sigmoid_()),
}


class TorchKernel:
    """Evaluates one field on one device, by default the current CUDA device if there is one.

    Sets torch's intra-op threads of this thread to one: workers are the parallelism.
    """

    def __init__(self, field: Field, device: str | None = None) -> None:
        torch.set_num_threads(1)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.field = field
        cuda = self.device.type == "cuda"
        if cuda:
            torch.backends.cuda.matmul.allow_tf32 = False
        widest = 1 << (field.cppn.width - 1).bit_length()
        self.chunk = min(CUDA_CHUNK, CUDA_VALUES // widest) if cuda else CPU_CHUNK
        self.dtype = torch.float64 if field.needs_float64 else torch.float32
        self.residual = field.cppn.structure.residual
        names = (*field.cppn.structure.activations, field.cppn.structure.output)
        self.rows = [ROWS[name] for name in names]
        self.layers = [self._layer(w, b) for w, b in folded(field)]
        self.inputs = self._empty(3)
        # Two buffers in turn: a layer reads the one and writes the other.
        pair = [self._empty(max(len(w) for w, _ in self.layers)) for _ in range(2)]
        self.sums = [pair[i % 2][: len(w)] for i, (w, _) in enumerate(self.layers)]
        self.arithmetic = Arithmetic(
            "torch", "exact", torch.cuda.get_device_name(self.device) if cuda else "cpu", 1
        )
        self._check_columns()

    def _layer(
        self, weight: NDArray[np.float64], bias: NDArray[np.float64]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        w = torch.from_numpy(weight).to(self.device, self.dtype)
        return w, torch.from_numpy(bias[:, None]).to(self.device, self.dtype)

    def _empty(self, rows: int) -> torch.Tensor:
        return torch.zeros((rows, self.chunk), dtype=self.dtype, device=self.device)

    @property
    def batch(self) -> int:
        return self.chunk

    @torch.inference_mode()
    def _check_columns(self) -> None:
        """Raise Failed unless equal points give equal bits wherever they lie in a chunk."""
        for x, y, r in ((0.3, -0.7, 0.76), (-5.1, 2.9, 5.87), (0.01, 0.02, 0.0224)):
            for i, value in enumerate((x, y, r)):
                self.inputs[i] = value
            out = self._chunk()
            if not torch.equal(out, out[:, :1].expand_as(out)):
                raise Failed(
                    "this machine's matrix library would leave seams; use --kernel reference"
                )

    @torch.inference_mode()
    def evaluate(self, lattice: Lattice) -> NDArray[np.floating]:
        rows = self._indices(lattice.row, lattice.rows, lattice.stride)[:, None]
        cols = self._indices(lattice.col, lattice.cols, lattice.stride)[None, :]
        points = lattice.rows * lattice.cols
        shape = (lattice.rows, lattice.cols)
        features = [v.expand(shape).reshape(points) for v in self.field.points(rows, cols)]
        out = torch.empty((len(self.sums[-1]), points), dtype=self.dtype, device=self.device)
        for start in range(0, points, self.chunk):
            stop = min(start + self.chunk, points)
            for i, feature in enumerate(features):
                self.inputs[i, : stop - start] = feature[start:stop]
            out[:, start:stop] = self._chunk()[:, : stop - start]
        last = self.rows[-1]
        if (last.scale, last.offset) != (1.0, 0.0):
            out.mul_(last.scale).add_(last.offset)
        return np.asarray(out.cpu().numpy().reshape(-1, *shape))

    def _chunk(self) -> torch.Tensor:
        """The network on `self.inputs` (3, chunk), in the layers' own buffers."""
        h = self.inputs
        last = len(self.layers) - 1
        steps = zip(self.layers, self.rows, self.sums, strict=True)
        for i, ((weight, bias), row, out) in enumerate(steps):
            torch.addmm(bias, weight, h, out=out)
            row.apply(out)
            if self.residual and i < last:
                if row.scale != 1.0:
                    out.mul_(row.scale)
                if i > 0:
                    out.add_(h)
            h = out
        return h

    def _indices(self, start: int, count: int, stride: int) -> torch.Tensor:
        steps = torch.arange(count, dtype=torch.int64, device=self.device)
        return steps.mul_(stride).add_(start).to(torch.float64)


def folded(field: Field) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Weights and biases in float64 with each row's gain, scale and offset taken into them."""
    cppn = field.cppn
    names = (*cppn.structure.activations, cppn.structure.output)
    layers = [cppn.first_layer(field.z)]
    layers += [(w.astype(np.float64), b.astype(np.float64)) for w, b in cppn.layers[1:]]
    result = []
    scale, offset = 1.0, 0.0  # of the values of the layer before
    for (weight, bias), name in zip(layers, names, strict=True):
        row = ROWS[name]
        total = bias + offset * weight.sum(axis=1)
        result.append((row.gain * scale * weight, row.gain * total))
        if cppn.structure.residual:
            offset += row.offset
        else:
            scale, offset = row.scale, row.offset
    return result
