"""Window → stored pixels of level 0, through a kernel."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels import Field, Kernel, create
from tilecppn.pixels.colour import coloured
from tilecppn.pixels.quantise import quantise
from tilecppn.plan import Window
from tilecppn.scene import Scene
from tilecppn.view import Lattice

STRIP = 1 << 17  # pixels evaluated at a time, a kernel's batch at least: bounds scratch memory


def render_window(
    kernel: Kernel,
    scene: Scene,
    window: Window,
    pause: Callable[[], None] = lambda: None,
) -> NDArray[Any]:
    """The stored pixels (channels, height, width) of a window of level 0.

    `pause` is called between strips; it may raise to stop the work.
    """
    output = scene.output
    out = np.empty((scene.channels, window.height, window.width), output.dtype)
    strip = max(STRIP, kernel.batch)
    rows = max(1, strip // window.width)
    for piece in window.split(rows, min(window.width, strip)):
        pause()
        values = kernel.evaluate(Lattice(piece.top, piece.left, piece.height, piece.width))
        colour = coloured(values, output)
        top, left = piece.top - window.top, piece.left - window.left
        quantise(colour, output, out[:, top : top + piece.height, left : left + piece.width])
    return out


def preview(scene: Scene, width: int = 1024, kernel: str = "auto") -> NDArray[np.uint8]:
    """The whole picture as a small 8-bit image (height, width, channels), at once.

    The height follows from the canvas' shape, 1 pixel at least.
    """
    height = max(1, round(scene.canvas.height * width / scene.canvas.width))
    small = scene.replace(canvas={"width": width, "height": height}, output={"dtype": "uint8"})
    pixels = render_window(create(kernel, Field.of(small)), small, Window(0, 0, height, width))
    return np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
