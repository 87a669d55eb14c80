"""Draws a small image of a whole picture, in this process."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn import machine
from tilecppn.addresses import AnyPath
from tilecppn.errors import InvalidRequestError
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.picture import Picture
from tilecppn.pixels.renderer import Renderer
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene, as_scene

BAND = 256  # rows drawn at a time
LARGEST = 32768  # pixels of the longer side


def preview(
    scene: Scene | AnyPath,
    width: int = 1024,
    kernel: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Picture:
    """Draw the whole picture as a small 8-bit image (height, width, channels), in this process.

    Notebooks display it.

    scene: a Scene, or a path that `Scene.load` takes. width: in pixels; the height follows from the
    canvas' shape, at least 1 pixel. kernel: as in `render`. progress: called with the number of
    pixels done, and of all pixels. Raises InvalidRequestError for a picture of more than LARGEST
    pixels a side.
    """
    scene = as_scene(scene)
    width, height = preview_size(scene, width)
    small = scene.replace(canvas=scene.canvas.resized(width, height), output={"dtype": "uint8"})
    context = EvaluationContext.of(small)
    idle = [Renderer(create(kernel, context), small)]
    threads = machine.cores() if idle[0].kernel.arithmetic.kernel == "llvm" else 1

    def draw(band: Window) -> NDArray[Any]:
        try:
            renderer = idle.pop()
        except IndexError:
            renderer = Renderer(create(kernel, context), small)
        pixels = renderer.render(band)
        idle.append(renderer)
        return pixels

    bands = list(Window(0, 0, height, width).split(BAND, width))
    drawn = []
    for band, pixels in zip(bands, _on_threads(draw, bands, threads), strict=True):
        drawn.append(pixels)
        progress(band.bottom * width, height * width)
    return Picture.of(interleaved(np.concatenate(drawn, axis=1)), scene.output.profile)


def _on_threads(
    draw: Callable[[Window], NDArray[Any]], bands: Sequence[Window], threads: int
) -> Iterator[NDArray[Any]]:
    """Yield `draw` of each band, in order; start no further one once the generator is closed."""
    if min(threads, len(bands)) == 1:
        yield from map(draw, bands)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(draw, bands)


def preview_size(scene: Scene, width: int) -> tuple[int, int]:
    """Return the size (width, height) of a scene's preview in pixels, in the canvas' proportions.

    Raises InvalidRequestError for more than LARGEST pixels a side.
    """
    canvas = scene.canvas
    height = max(1, round(canvas.height * width / canvas.width))
    if max(width, height) > LARGEST:
        most = min(LARGEST, LARGEST * canvas.width // canvas.height)
        remedy = f"--width {most} at most" if most else "render it, and export a smaller --level"
        raise InvalidRequestError(
            f"a preview of {width} × {height} pixels: at most {LARGEST} a side; {remedy}"
        )
    return width, height
