"""Draw the frames of a film with the same code as stills."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import Empty, Workspace
from tilecppn.cancellation import CheckCancelled
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.kernels import Arithmetic, EvaluationContext, Memory, create
from tilecppn.pixels.output_encoder import OutputEncoder, encode_into
from tilecppn.pixels.renderer import Renderer, part, pieces, uncropped_window
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
        self._moments: list[Renderer] = []  # of the current frame
        self.arithmetic: Arithmetic = self._moments_of(0)[0].kernel.arithmetic

    def render(self, frame: int, window: Window, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """Return stored pixels (channels, height, width) of a window, valid until the next call.

        Without motion blur they equal those of the still `timeline.scene(frame)`. With it, the
        colours of the frame's moments are averaged, then inverted, dithered and quantised like a
        still's. Raises what `check_cancelled` raises.
        """
        moments, scene = self._moments_of(frame), self.timeline.scene(frame)
        return render_moments(moments, scene, window, check_cancelled, self._pixels.array)

    def _moments_of(self, frame: int) -> list[Renderer]:
        """Return the renderers of a frame's moments, kept until another frame is asked for."""
        if frame != self._frame:
            self._moments = []  # on a GPU each holds its own memory
            self._moments = [
                Renderer(create(self.kernel, EvaluationContext.of(scene), self._memory), scene)
                for scene in self.timeline.moments(frame)
            ]
            self._frame = frame
        return self._moments


def render_moments(
    moments: Sequence[Renderer],
    scene: Scene,
    window: Window,
    check_cancelled: CheckCancelled,
    empty: Empty = np.empty,
) -> NDArray[Any]:
    """Return stored pixels (channels, height, width) of a window, averaged over several scenes.

    scene: how the mean is encoded and stored; a single moment must be this scene. empty: allocates
    the array. Raises what `check_cancelled` raises.
    """
    if len(moments) == 1:
        return moments[0].render(window, check_cancelled, empty)
    encoder = OutputEncoder.of(scene.output)
    out = empty((scene.channels, window.height, window.width), scene.output.dtype)
    for piece in pieces(scene, window):
        mean = _mean(moments, piece, check_cancelled)
        top, left, *_ = uncropped_window(scene, piece)
        encode_into(encoder, mean[:, None], top, left, part(out, window, piece))
    return out


def _mean(
    moments: Sequence[Renderer], window: Window, check_cancelled: CheckCancelled
) -> NDArray[np.float32]:
    """Return the mean colours, summed in float64 so that the mean of equal colours is exact."""
    total = np.zeros((moments[0].scene.channels, window.height, window.width))
    for moment in moments:
        total += moment.colours(window, check_cancelled)
    return (total / len(moments)).astype(np.float32)
