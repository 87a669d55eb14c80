"""Frames → pixels, through the very code that draws stills."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.film.timeline import Timeline
from tilecppn.kernels import Arithmetic, Field, Kernel, Memory, create
from tilecppn.native import Workspace
from tilecppn.pixels.quantise import quantise
from tilecppn.pixels.window import render_window
from tilecppn.plan import Window


class FrameRenderer:
    """Draws windows of a film's frames. Belongs to one thread."""

    def __init__(self, timeline: Timeline, kernel: str) -> None:
        self.timeline = timeline
        self.kernel = kernel
        self._pixels = Workspace()  # of the window at hand
        self._memory = Memory()
        self._frame = -1
        self._kernels: list[Kernel] = []  # of the moments of that frame
        self.arithmetic: Arithmetic = self._kernel(0).arithmetic

    def render(self, frame: int, window: Window, pause: Callable[[], None]) -> NDArray[Any]:
        """The stored pixels (channels, height, width) of a window of a frame, until the next.

        Without motion blur they are those of the still `timeline.scene(frame)`. With it, the
        colours of its moments are averaged before they are quantised.
        """
        kernel = self._kernel(frame)
        moments = self.timeline.moments(frame)
        if len(moments) == 1:
            return render_window(kernel, moments[0], window, pause, self._pixels.array)
        total: NDArray[np.float64] | None = None
        for kernel, scene in zip(self._kernels, moments, strict=True):
            colours = render_window(
                kernel, scene.replace(output={"dtype": "float32"}), window, pause
            )
            total = colours.astype(np.float64) if total is None else total + colours
        assert total is not None
        output = moments[0].output
        out = np.empty(total.shape, output.dtype)
        # Each moment is inverted already, where the scene says so.
        scene = moments[0].replace(output={"invert": False})
        quantise((total / len(moments)).astype(np.float32), scene.output, out)
        return out

    def _kernel(self, frame: int) -> Kernel:
        """The kernel of a frame's first moment; kept, with the others, until the frame changes."""
        if frame != self._frame:
            moments = self.timeline.moments(frame)
            self._kernels = [
                create(self.kernel, Field.of(scene), self._memory) for scene in moments
            ]
            self._frame = frame
        return self._kernels[0]
