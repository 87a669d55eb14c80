"""The torch kernel: on CPUs, CUDA devices and Apple's GPUs, in place, in chunks of one fixed size.

A matrix library may choose the order of its sums by the shape of its operands, so every chunk has
the same shape, the last one padded, and one intra-op thread. It may also sum the last columns of a
matrix in another way if their number is not a multiple of its register block (MKL does in float64:
with 8192 columns the last 8 differ), so a chunk is a multiple of all known blocks, and each kernel
first checks that a point's bits do not depend on its column.

Activations are features-major, (width, chunk): the first layer's three inputs are three rows, and
biases are columns.
"""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from tilecppn.buffers import Workspace
from tilecppn.cppn.resolved import Fade, Groups
from tilecppn.errors import RenderError
from tilecppn.kernels.base import Arithmetic, EvaluationContext
from tilecppn.kernels.fineness import fineness_of
from tilecppn.kernels.llvm.followed import fineness_map
from tilecppn.scene.view import Lattices

REVISION = 3
CPU_CHUNK = 9216  # a multiple of 4, 6, 8, 12, 16, 24, 32, 48, 64 columns; fits the caches
GPU_CHUNK = 1 << 17  # points that reconstruction evaluates at a time
GPU_VALUES = 1 << 23  # in one buffer: wider networks have smaller chunks


class _Settings:
    """Torch's global settings, which are restored when the last evaluation has ended."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.evaluations = 0
        self.threads, self.tf32 = 1, False  # as they were before the first

    @contextlib.contextmanager
    def reproducible(self) -> Iterator[None]:
        """Use one intra-op thread and no TF32 for the block."""
        cuda = torch.backends.cuda.matmul
        with self.lock:
            if not self.evaluations:
                self.threads, self.tf32 = torch.get_num_threads(), cuda.allow_tf32
            self.evaluations += 1
            cuda.allow_tf32 = False
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(self.threads)
            with self.lock:
                self.evaluations -= 1
                if not self.evaluations:
                    cuda.allow_tf32 = self.tf32


_settings = _Settings()

Apply = Callable[[torch.Tensor], object]  # in place


def _identity(x: torch.Tensor) -> torch.Tensor:
    return x


def _softplus(x: torch.Tensor) -> torch.Tensor:
    # log(1 + e^x) = max(x, 0) + log1p(e^-|x|), which does not overflow.
    tail = x.abs().neg_().exp_().log1p_()
    return x.clamp_(min=0.0).add_(tail)


def _sqrt_tanh(x: torch.Tensor) -> torch.Tensor:
    # 1 - tanh|x| = 2 / (1 + e^(2|x|)) = 2·sigmoid(-2|x|), without the cancellation.
    return x.abs_().mul_(-2.0).sigmoid_().mul_(2.0).sqrt_()


ROWS: dict[str, Apply] = {
    "tanh": torch.Tensor.tanh_,
    "sigmoid": torch.Tensor.sigmoid_,
    "softplus": _softplus,
    "relu": torch.Tensor.relu_,
    "leaky-relu": lambda x: torch.nn.functional.leaky_relu_(x, 0.2),
    "sin": torch.Tensor.sin_,
    "cos": torch.Tensor.cos_,
    "gaussian": lambda x: x.square_().neg_().exp_(),
    "abs": torch.Tensor.abs_,
    "square": torch.Tensor.square_,
    "identity": _identity,
    "half-sine": lambda x: x.sin_().mul_(0.5).add_(0.5),
    "sqrt-tanh": _sqrt_tanh,
    "sigmoid-sin": lambda x: x.sin_().sigmoid_(),
}


def _gaussian_difference(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    more = b * (2.0 * a + b)
    largest = torch.exp(-torch.minimum(a * a, torch.square(a + b)))
    return torch.copysign(largest, more) * torch.expm1(-more.abs())


def _tanh_difference(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    low, high = torch.minimum(a, a + b), torch.maximum(a, a + b)
    ends = torch.sigmoid(2.0 * high) * torch.sigmoid(-2.0 * low)
    return torch.copysign(-2.0 * torch.expm1(-2.0 * b.abs()) * ends, b)


# f(a + b) - f(a): see `cppn.activations.DIFFERENCES`.
DIFFERENCES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "sin": lambda a, b: 2.0 * torch.cos(a + 0.5 * b) * torch.sin(0.5 * b),
    "cos": lambda a, b: -2.0 * torch.sin(a + 0.5 * b) * torch.sin(0.5 * b),
    "gaussian": _gaussian_difference,
    "tanh": _tanh_difference,
}


def _differ(start: torch.Tensor, change: torch.Tensor, groups: Groups) -> None:
    """Replace changes of sums from `start` (units, 1) by the changes of values, in place."""
    first = 0
    for name, count in groups:
        part = slice(first, first + count)
        change[part] = DIFFERENCES[name](start[part], change[part])
        first += count


def _activate(sums: torch.Tensor, groups: Groups) -> None:
    first = 0
    for name, count in groups:
        ROWS[name](sums[first : first + count])
        first += count


def device_for(context: EvaluationContext) -> str:
    """Return the device that evaluates a picture here. Apple's GPUs have no float64."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() and not context.needs_float64 else "cpu"


class TorchKernel:
    """Evaluates one picture on one device, by default that of `device_for`.

    Uses one of torch's intra-op threads, since workers run in parallel.
    """

    def __init__(
        self,
        context: EvaluationContext,
        device: str | None = None,
        arithmetic: Arithmetic | None = None,
    ) -> None:
        """Prepare the weights. arithmetic: that of a kernel for which this one substitutes."""
        self.device = torch.device(device or device_for(context))
        # Apple's GPUs have no float64, so there points are computed on the CPU.
        self.home = torch.device("cpu") if self.device.type == "mps" else self.device
        self.context = context
        cuda = self.device.type == "cuda"
        network = context.network
        widest = 1 << (network.width - 1).bit_length()
        on_cpu = self.device.type == "cpu"
        self.chunk = CPU_CHUNK if on_cpu else min(GPU_CHUNK, GPU_VALUES // widest)
        self.dtype = torch.float64 if context.needs_float64 else torch.float32
        self.noise = context.noise(np.float64 if context.needs_float64 else np.float32)
        self.residual = network.residual
        self.layers = [self._layer(w, b) for w, b, *_ in network.layers]
        self.groups = [layer.groups for layer in network.layers]
        self.differs = [layer.differs for layer in network.layers]
        self.readouts = [
            None if layer.readout is None else self._tensor(layer.readout)
            for layer in network.layers
        ]
        self.fades = [
            None if layer.fade is None else self._fade(layer.fade) for layer in network.layers
        ]
        self.fineness, self.memory = fineness_map(context), Workspace()
        self.bias, self.output = self._tensor(network.bias[:, None]), network.output
        self.units = network.units
        self.inputs, self.places = self._empty(3), self._empty(1)
        # Two buffers in turn: a layer reads the one and writes the other.
        pair = [self._empty(network.width) for _ in range(2)]
        self.sums = [pair[i % 2][: len(w)] for i, (w, _) in enumerate(self.layers)]
        self.colour, self.added = (self._empty(network.channels) for _ in range(2))
        own = torch.cuda.get_device_name(self.device) if cuda else self.device.type
        self.arithmetic = arithmetic or Arithmetic(
            "torch", "exact", own, REVISION + context.revision
        )
        self._check_columns()

    def _layer(
        self, weight: NDArray[np.floating], bias: NDArray[np.floating]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self._tensor(weight), self._tensor(bias[:, None])

    def _fade(self, fade: Fade) -> tuple[float, torch.Tensor]:
        return fade.start, self._tensor(fade.offset[:, None])

    def _tensor(self, values: NDArray[np.floating]) -> torch.Tensor:
        return torch.tensor(values, dtype=self.dtype, device=self.device)

    def _empty(self, rows: int) -> torch.Tensor:
        return torch.zeros((rows, self.chunk), dtype=self.dtype, device=self.device)

    @property
    def batch(self) -> int:
        """The number of points of a chunk."""
        return self.chunk

    @torch.inference_mode()
    @_settings.reproducible()
    def _check_columns(self) -> None:
        """Raise RenderError unless equal points give equal bits in all columns of a chunk."""
        for x, y, r in ((0.3, -0.7, 0.76), (-5.1, 2.9, 5.87), (0.01, 0.02, 0.0224)):
            for i, value in enumerate((x, y, r)):
                self.inputs[i] = value
            out = self._chunk()
            if not torch.equal(out, out[:, :1].expand_as(out)):
                raise RenderError(
                    "this machine's matrix library would leave seams; use --kernel llvm"
                )

    def evaluate(self, lattices: Lattices) -> NDArray[np.floating]:
        """See `Kernel.evaluate`."""
        return self._run(lattices, traced=False)[0]

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """See `Kernel.trace`."""
        return self._run(lattices, traced=True)

    @torch.inference_mode()
    @_settings.reproducible()
    def _run(
        self, lattices: Lattices, traced: bool
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return colours and sums like `trace`; sums are (0, n, rows, cols) unless `traced`."""
        origins = torch.from_numpy(lattices.origins).to(self.home)
        rows = origins[:, 0, None, None] + self._steps(lattices.rows, lattices.stride)[:, None]
        cols = origins[:, 1, None, None] + self._steps(lattices.cols, lattices.stride)
        shape = lattices.shape
        points = math.prod(shape)
        located = self.context.points(rows.to(torch.float64), cols.to(torch.float64))
        features = [v.to(self.dtype).expand(shape).reshape(points) for v in located]
        places = torch.from_numpy(fineness_of(self.fineness, lattices, self.memory, points))
        units = self.units if traced else 0
        out = self._new(len(self.colour), points)
        sums = self._new(units, points)
        for start in range(0, points, self.chunk):
            stop = min(start + self.chunk, points)
            for i, feature in enumerate(features):
                self.inputs[i, : stop - start] = feature[start:stop]
            least = -math.inf
            if len(places):
                self.places[0, : stop - start] = places[start:stop]
                least = -math.inf if traced else float(places[start:stop].min())
            out[:, start:stop] = self._chunk(sums[:, start:stop], least)[:, : stop - start]
        return out.view(-1, *shape).cpu().numpy(), sums.view(units, *shape).cpu().numpy()

    def _chunk(self, traces: torch.Tensor | None = None, least: float = -math.inf) -> torch.Tensor:
        """Evaluate the network on `self.inputs` (3, chunk), in the layers' own buffers.

        traces: (units, points) to store the sums in, or without units. least: the smallest fineness
        of the points.
        """
        h = self.inputs
        total = self.bias
        traced: list[torch.Tensor] = []
        readouts = zip(self.readouts, self.fades, strict=True)
        steps = zip(self.layers, self.groups, self.differs, readouts, self.sums, strict=True)
        for i, ((weight, bias), groups, differs, (readout, fade), out) in enumerate(steps):
            if fade is not None and fade[0] <= least:
                break  # faded at all points, as are all layers after it
            if differs:
                torch.mm(weight, h, out=out)
                self._trace(out, traces, traced, bias)
                _differ(bias, out, groups)
            else:
                torch.addmm(bias, weight, h, out=out)
                self._trace(out, traces, traced)
                _activate(out, groups)
            if self.residual and i > 0:
                out.add_(h)
            h = out
            if readout is None:
                continue
            if fade is None:
                torch.addmm(total, readout, h, out=self.colour)
            else:
                start, offset = fade
                torch.addmm(offset, readout, h, out=self.added)
                share = (start - self.places).clamp_(0.0, 1.0)
                share *= share * (3.0 - 2.0 * share)
                torch.addcmul(total, share, self.added, out=self.colour)
            total = self.colour
        self._trace(self.colour, traces, traced)
        _activate(self.colour, self.output)
        return self.colour

    def _trace(
        self,
        sums: torch.Tensor,
        traces: torch.Tensor | None,
        before: list[torch.Tensor],
        start: torch.Tensor | None = None,
    ) -> None:
        """Store a layer's sums; start: added to sums that are differences."""
        if traces is not None and len(traces):
            first = sum(map(len, before))
            own = sums[:, : traces.shape[1]]
            traces[first : first + len(sums)] = own if start is None else start + own
            before.append(sums)

    def _steps(self, count: int, stride: int) -> torch.Tensor:
        return torch.arange(count, dtype=torch.int64, device=self.home).mul_(stride)

    def _new(self, rows: int, points: int) -> torch.Tensor:
        return torch.empty((rows, points), dtype=self.dtype, device=self.device)
