"""Draws the frames of a film, with the same code as stills."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.kernels import Arithmetic, EvaluationContext, Kernel, Memory, create
from tilecppn.kernels.llvm.codegen import Workspace
from tilecppn.pixels.output_encoder import OutputEncoder
from tilecppn.pixels.reconstruction import write
from tilecppn.pixels.window import part, pieces, render_colours, render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene


class FrameRenderer:
    """Draws windows of a film's frames. For one thread only."""

    def __init__(self, timeline: Timeline, kernel: str) -> None:
        self.timeline = timeline
        self.kernel = kernel
        self._pixels = Workspace()  # of the current window
        self._memory = Memory()
        self._frame = -1
        self._kernels: list[Kernel] = []  # one for each moment of that frame
        self.arithmetic: Arithmetic = self._kernel(0).arithmetic

    def render(self, frame: int, window: Window, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """Return stored pixels (channels, height, width) of a window, valid until the next call.

        Without motion blur they equal those of the still `timeline.scene(frame)`. With it, the
        colours of the frame's moments are averaged, then inverted, dithered and quantised as a
        still's are. Raises what `check_cancelled` raises.
        """
        kernel = self._kernel(frame)
        moments = self.timeline.moments(frame)
        if len(moments) == 1:
            return render_window(kernel, moments[0], window, check_cancelled, self._pixels.array)
        scene = self.timeline.scene(frame)
        finish = OutputEncoder.of(scene.output)
        shape = (scene.channels, window.height, window.width)
        out = self._pixels.array(shape, scene.output.dtype)
        for piece in pieces(scene, window):
            mean = self._mean(moments, piece, check_cancelled)
            write(finish, mean[:, None], piece.top, piece.left, part(out, window, piece))
        return out

    def _mean(
        self, moments: Sequence[Scene], window: Window, check_cancelled: CheckCancelled
    ) -> NDArray[np.float32]:
        """Return the mean colours; summed in float64, so that the mean of equal ones is exact."""
        total = np.zeros((moments[0].channels, window.height, window.width))
        for kernel, scene in zip(self._kernels, moments, strict=True):
            total += render_colours(kernel, scene, window, check_cancelled)
        return (total / len(moments)).astype(np.float32)

    def _kernel(self, frame: int) -> Kernel:
        """Return the kernel of a frame's first moment; all its kernels are kept until the next."""
        if frame != self._frame:
            moments = self.timeline.moments(frame)
            self._kernels = []  # on a GPU each holds memory of its own
            self._kernels = [
                create(self.kernel, EvaluationContext.of(scene), self._memory) for scene in moments
            ]
            self._frame = frame
        return self._kernels[0]
