"""The triton kernel for CUDA: the whole network for a block of points in one Triton program.

A network's shape decides the program's configuration, and there is no autotuning, so pictures agree
bit for bit, whatever their tiling, on one model of GPU.

Pictures that need float64, and networks wider than WIDEST, are evaluated by the torch kernel
(`supports`). With TRITON_INTERPRET=1 in the environment everything runs on the CPU, slowly, for
tests.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
import triton
from numpy.typing import NDArray

from tilecppn.kernels.base import Arithmetic, EvaluationContext, PixelFormat
from tilecppn.kernels.gpu import NOISE_FACTOR, GPUKernel
from tilecppn.kernels.triton.activations import interpreted
from tilecppn.kernels.triton.program import CONFIGURATIONS, Configuration, Program
from tilecppn.scene.view import Lattices

REVISION = 1
TRITON = ".".join(triton.__version__.split(".")[:2])
WIDEST = max(CONFIGURATIONS)


def supports(context: EvaluationContext) -> bool:
    """Return whether this kernel evaluates the picture, instead of the torch kernel."""
    return context.cppn.width <= WIDEST and not context.needs_float64


def arithmetic(context: EvaluationContext) -> Arithmetic:
    """Return the arithmetic of a picture drawn with --kernel triton, also if torch evaluates it.

    Another version of Triton may order a sum differently, so it is part of the device.
    """
    device = "cpu" if interpreted() else f"{torch.cuda.get_device_name()}, Triton {TRITON}"
    return Arithmetic("triton", context.precision, device, REVISION + context.revision)


class TritonKernel(GPUKernel):
    """Evaluates one picture on the current CUDA device, in a stream of its own.

    A worker that waits for its copy blocks neither the GIL, nor its core, nor the device, so that
    several threads can keep the device busy while others encode.
    """

    def __init__(
        self, context: EvaluationContext, configuration: Configuration | None = None
    ) -> None:
        """Upload the weights. configuration: for tests and benchmarks; None for the width's own."""
        super().__init__(context)
        self.arithmetic = arithmetic(context)
        self.noise = NOISE_FACTOR * context.noise(np.float32)
        self.device = torch.device("cpu" if interpreted() else "cuda")
        self.stream = None if interpreted() else torch.cuda.Stream()  # type: ignore[no-untyped-call]
        with self._streaming():
            self.program = Program(context, self.device, configuration)
        self._host: dict[str, torch.Tensor] = {}

    def _run(
        self, lattices: Lattices, pixel_format: PixelFormat, traced: bool
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        shape = lattices.shape
        units = self.context.network.units if traced else 0
        with self._streaming():
            out = self._empty((self.context.network.channels, *shape), pixel_format.dtype)
            sums = self._empty((units, *shape), "float32")
            self.program.launch(lattices, pixel_format, out, sums)
            return self._fetched("out", out), self._fetched("sums", sums)

    def _streaming(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    def _empty(self, shape: tuple[int, ...], dtype: str) -> torch.Tensor:
        return torch.empty(shape, dtype=getattr(torch, dtype), device=self.device)

    def _fetched(self, name: str, values: torch.Tensor) -> NDArray[Any]:
        """Copy values to the host, into pinned memory that the next call reuses."""
        if self.stream is None or not values.numel():
            return values.cpu().numpy()
        size = values.numel() * values.element_size()
        if name not in self._host or len(self._host[name]) < size:
            self._host[name] = torch.empty(size, dtype=torch.uint8, pin_memory=True)
        host = self._host[name][:size].view(values.dtype).view(values.shape)
        host.copy_(values, non_blocking=True)
        copied = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        copied.record(self.stream)
        copied.synchronize()  # the stream's own method would spin
        return host.numpy()
