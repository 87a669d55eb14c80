"""Draws the stored pixels of a window of level 0 by a kernel."""

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Empty
from tilecppn.cancellation import CheckCancelled
from tilecppn.kernels import EvaluationContext, Kernel
from tilecppn.pixels.colour import coloured
from tilecppn.pixels.output_encoder import RAW_COLOURS, OutputEncoder, encode_into
from tilecppn.pixels.reconstruction import Reconstruction, evaluate_into
from tilecppn.plan import BLOCK, Window, ceil_div
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

STRIP = 1 << 17  # points evaluated at a time, at least a kernel's batch: bounds scratch memory
REGION = 4096  # side of the region reconstructed at a time, in samples
SAMPLES = 1024  # side of the square averaged at a time, in samples


class Renderer:
    """Draws windows of a scene's level 0 in one thread; holds what all windows share.

    `kernel` evaluates `EvaluationContext.of(scene)`. Methods call `check_cancelled` between pieces
    of the work; it may raise to stop them.
    """

    def __init__(self, kernel: Kernel, scene: Scene) -> None:
        self.scene = scene
        self.kernel = kernel = coloured(kernel, scene.output, scene.cppn.channels)
        self.encoder = OutputEncoder.of(scene.output)
        quick = getattr(kernel, "prefer_full_evaluation", False)  # of an EncodingKernel
        self._evaluates = quick or scene.output.tolerance == 0.0
        self._reconstructions: dict[OutputEncoder, Reconstruction] = {}

    def render(
        self,
        window: Window,
        check_cancelled: CheckCancelled = lambda: None,
        empty: Empty = np.empty,
    ) -> NDArray[Any]:
        """Return the stored pixels (channels, height, width) of a window.

        empty: allocates the array; the result may be a view of a larger one.
        """
        scene = self.scene
        if scene.output.supersample == 1:
            place = uncropped_window(scene, window)
            return self._drawn(self.encoder, place, check_cancelled, empty)
        out = empty((scene.channels, window.height, window.width), scene.output.dtype)
        for piece in pieces(scene, window):
            colours = self.colours(piece, check_cancelled)
            top, left, *_ = uncropped_window(scene, piece)
            encode_into(self.encoder, colours[:, None], top, left, part(out, window, piece))
        return out

    def colours(
        self, window: Window, check_cancelled: CheckCancelled = lambda: None
    ) -> NDArray[np.float32]:
        """Return the colours (channels, height, width) of a window, within the scene's tolerance.

        They are the colours of `render` before inversion, dither and quantisation, for averaging
        several. Memory is bounded if the window is one of the `pieces`.
        """
        n = self.scene.output.supersample
        samples = Window(*(n * edge for edge in uncropped_window(self.scene, window)))
        colours = self._drawn(RAW_COLOURS, samples, check_cancelled, np.empty)
        return colours if n == 1 else _averaged(colours, n)

    def _drawn(
        self, encoder: OutputEncoder, window: Window, check_cancelled: CheckCancelled, empty: Empty
    ) -> NDArray[Any]:
        """Draw the samples of a window of the grid of samples."""
        draw = self._evaluated if self._evaluates else self._reconstructed
        return draw(encoder, window, check_cancelled, empty)

    def _evaluated(
        self, encoder: OutputEncoder, window: Window, check_cancelled: CheckCancelled, empty: Empty
    ) -> NDArray[Any]:
        out = empty((self.scene.channels, window.height, window.width), encoder.dtype)
        strip = max(STRIP, self.kernel.batch)
        # Whole rows of blocks, since a kernel may work in blocks.
        rows = max(BLOCK, strip // window.width // BLOCK * BLOCK)
        for piece in window.split(rows, strip // rows):
            check_cancelled()
            lattices = Lattices.one(piece.top, piece.left, piece.height, piece.width)
            evaluate_into(self.kernel, encoder, lattices, window, out)
        return out

    def _reconstructed(
        self, encoder: OutputEncoder, window: Window, check_cancelled: CheckCancelled, empty: Empty
    ) -> NDArray[Any]:
        if encoder not in self._reconstructions:
            context, output = EvaluationContext.of(self.scene), self.scene.output
            self._reconstructions[encoder] = Reconstruction(self.kernel, context, output, encoder)
        whole = _of_whole_blocks(window)
        out = empty((self.scene.channels, whole.height, whole.width), encoder.dtype)
        for region in whole.split(REGION, REGION):
            top, left = region.top - whole.top, region.left - whole.left
            pixels = out[:, top : top + region.height, left : left + region.width]
            self._reconstructions[encoder].draw(region, pixels, check_cancelled)
        top, left = window.top - whole.top, window.left - whole.left
        return out[:, top : top + window.height, left : left + window.width]


def render_window(
    kernel: Kernel,
    scene: Scene,
    window: Window,
    check_cancelled: CheckCancelled = lambda: None,
) -> NDArray[Any]:
    """Return the stored pixels (channels, height, width) of one window: see `Renderer`."""
    return Renderer(kernel, scene).render(window, check_cancelled)


def uncropped_window(scene: Scene, window: Window) -> Window:
    """Return a window of the canvas in coordinates of the whole picture, without crop and bleed.

    Everything that depends on position uses these, so that a part has the pixels of the whole.
    """
    return window.moved(*scene.canvas.origin)


def pieces(scene: Scene, window: Window) -> Iterator[Window]:
    """Cut a window into parts of at most SAMPLES samples a side."""
    side = max(1, SAMPLES // scene.output.supersample)
    return window.split(side, side)


def part(out: NDArray[Any], window: Window, piece: Window) -> NDArray[Any]:
    """Return the view of a piece in `out`, the pixels of `window`."""
    top, left = piece.top - window.top, piece.left - window.left
    return out[:, top : top + piece.height, left : left + piece.width]


def _averaged(samples: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Return the mean of each n × n samples, summed row by row, then column by column."""
    rows = reduce(np.add, [samples[:, i::n] for i in range(n)])
    total = reduce(np.add, [rows[:, :, i::n] for i in range(n)])
    return np.ascontiguousarray(total * np.float32(1.0 / n**2))


def _of_whole_blocks(window: Window) -> Window:
    top, left = window.top // BLOCK * BLOCK, window.left // BLOCK * BLOCK
    bottom, right = ceil_div(window.bottom, BLOCK) * BLOCK, ceil_div(window.right, BLOCK) * BLOCK
    return Window(top, left, bottom, right)
