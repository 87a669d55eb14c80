"""The wgpu kernel: a compute shader in float32, which adds differences to float64 references.

Shaders have no float64. So each block of the canvas has a reference in its middle, which NumPy
evaluates in float64: a plain network's first sums, and with detail those of all layers for which
float32 would not suffice. The shader adds how much a point differs from it (see `kernels/wgsl/`),
which suffices for deep zooms into detail. Pictures that need float64 beyond that, and networks too
wide for a shader, are evaluated by the llvm kernel on the CPU (`supports`).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Workspace
from tilecppn.kernels.base import Arithmetic, EvaluationContext, PixelFormat
from tilecppn.kernels.fineness import fineness_of
from tilecppn.kernels.gpu import BATCH, NOISE_FACTOR, GPUKernel
from tilecppn.kernels.llvm.followed import fineness_map
from tilecppn.kernels.wgpu.device import Device, detecting_device_loss, device_name, is_software
from tilecppn.kernels.wgpu.places import parts, places_of
from tilecppn.kernels.wgpu.source import GROUP, compute_source
from tilecppn.kernels.wgsl.data import weight_rows
from tilecppn.kernels.wgsl.reference import references
from tilecppn.kernels.wgsl.shape import DEEPEST, WIDEST, Shape
from tilecppn.scene.sections import FULL
from tilecppn.scene.view import Lattices

REVISION = 4
BYTES = 1 << 26  # of one buffer: every device supports as much
SPARE = 4  # layers of detail are rounded up to a multiple, so that a zoom needs few programs

_CALL = np.dtype(
    [(name, "<u4") for name in (
        "points", "rows", "cols", "stride", "down", "across", "layers", "traced",
        "packed", "dither", "invert", "words",
    )] + [("step", "<f4", 2), ("turn", "<f4", 2), ("full", "<f4")]
    + [(name, "<u4") for name in ("units", "lattices", "differences")]
)  # fmt: skip


def supports(context: EvaluationContext) -> bool:
    """Return whether a shader evaluates the picture, instead of the llvm kernel."""
    detail = context.cppn.structure.detail is not None
    large = context.cppn.width > WIDEST or len(context.network.layers) > DEEPEST - SPARE
    within = context.grid.reach < 1e18 and min(context.grid.step) > 1e-25  # float32's range
    return within and not large and (detail or not context.needs_float64)


def arithmetic(context: EvaluationContext) -> Arithmetic:
    """Return the arithmetic of a picture that a shader evaluates."""
    return Arithmetic("wgpu", "exact", device_name(), REVISION + context.revision)


def on_cpu(own: Arithmetic) -> Arithmetic:
    """Return the arithmetic of a picture that the llvm kernel evaluates instead; own: of llvm.

    It names the GPU nevertheless, since a run or a film has a single device.
    """
    return own._replace(kernel="wgpu", device=device_name())


class WgpuKernel(GPUKernel):
    """Evaluates one picture on the device of the thread that creates the kernel.

    Methods raise LostDeviceError if the device is lost.
    """

    def __init__(self, context: EvaluationContext) -> None:
        super().__init__(context)
        self.arithmetic = arithmetic(context)
        detail = context.cppn.structure.detail is not None
        self.differences = context.single_from if detail else 0
        self.noise = NOISE_FACTOR * context.mixed_noise(self.differences)
        self.network = network = context.network
        self.fineness, self.memory = fineness_map(context), Workspace()
        layers = len(network.layers)
        room = -(-layers // SPARE) * SPARE if detail else layers
        self.shape = Shape.of_network(context.cppn, context.fold, room)
        # Software adapters take many times as long to compile unrolled vectors.
        source = compute_source(self.shape, context.grid, context.cppn.width, compact=is_software())
        rows = weight_rows(network, self.shape)
        with detecting_device_loss():
            self.device = Device.of_thread()
            self.pipeline = self.device.pipeline(source)
            self.weights = self.device.sent(rows)

    def _run(
        self, lattices: Lattices, pixel_format: PixelFormat, traced: bool
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        units = self.context.network.units if traced else 0
        out = np.empty((self.shape.channels, *lattices.shape), pixel_format.dtype)
        sums = np.empty((units, *lattices.shape), np.float32)
        points = min(BATCH, BYTES // 4 // max(units, self.shape.channels))
        blocks = BYTES // 16 // self.shape.palette
        with detecting_device_loss():
            for place, part in parts(lattices, points, blocks):
                self._draw(part, pixel_format, out[:, *place], sums[:, *place])
        return out, sums

    def _draw(
        self,
        lattices: Lattices,
        pixel_format: PixelFormat,
        out: NDArray[Any],
        sums: NDArray[np.float32],
    ) -> None:
        """Fill `out` (channels, n, rows, cols) and, unless it has no units, `sums`."""
        places = places_of(lattices)
        found = references(
            self.context, self.network, self.shape, places.rows, places.cols, self.differences
        )
        points = math.prod(lattices.shape)
        packed = 4 // out.itemsize
        words = -(-points // packed)
        device = self.device
        call = self._call(lattices, pixel_format, points=points, packed=packed, words=words)
        call["down"], call["across"] = places.down, places.across
        call["traced"] = len(sums) > 0
        pixels = device.buffer("pixels", 4 * len(out) * words, "STORAGE|COPY_SRC")
        traces = device.buffer("sums", 4 * len(sums) * points, "STORAGE|COPY_SRC")
        bound = [
            {"buffer": self.weights, "offset": 0, "size": self.weights.size},
            device.write("references", found.rows),
            device.write("places", places.words),
            device.write("call", call, "UNIFORM"),
            pixels,
            traces,
        ]
        if self.shape.detail:
            fineness = fineness_of(self.fineness, lattices, self.memory, points)
            bound.append(device.write("fineness", fineness))
        wanted = [pixels, traces] if len(sums) else [pixels]
        values = device.run(self.pipeline, bound, -(-words // GROUP), wanted)
        stored = np.frombuffer(next(values), out.dtype, len(out) * words * packed)
        stored = stored.reshape(len(out), -1)
        out[...] = stored[:, :points].reshape(out.shape)
        for more in values:
            sums[...] = np.frombuffer(more, np.float32, sums.size).reshape(sums.shape)
            # Those of the first layers with detail are differences from the reference's.
            sums[: len(found.sums)] += found.sums[:, places.numbers].astype(np.float32)

    def _call(self, lattices: Lattices, pixel_format: PixelFormat, **numbers: int) -> NDArray[Any]:
        grid, network = self.context.grid, self.network
        call = np.zeros(1, _CALL)
        for name, value in numbers.items():
            call[name] = value
        call["lattices"], call["rows"], call["cols"] = lattices.shape
        call["stride"], call["units"] = lattices.stride, network.units
        call["layers"], call["differences"] = len(network.layers), self.differences
        call["dither"], call["invert"] = pixel_format.dither, pixel_format.invert
        call["step"], call["turn"] = grid.step, (grid.cosine, grid.sine)
        call["full"] = FULL.get(pixel_format.dtype, 1)
        return call
