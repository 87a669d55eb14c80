"""Window → stored pixels of level 0, through a kernel."""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn import machine
from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError
from tilecppn.kernels import EvaluationContext, Kernel, StoringKernel, create
from tilecppn.kernels.llvm.codegen import Empty
from tilecppn.pixels.colour import coloured
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.output_encoder import COLOURS, OutputEncoder
from tilecppn.pixels.picture import Picture
from tilecppn.pixels.reconstruction import Reconstruction, evaluate, write
from tilecppn.plan import BLOCK, Window, ceil_div
from tilecppn.scene.scene import Scene, as_scene
from tilecppn.scene.view import Lattices

STRIP = 1 << 17  # points evaluated at a time, a kernel's batch at least: bounds scratch memory
REGION = 4096  # samples reconstructed at a time, a side
BAND = 256  # rows of a preview drawn at a time
LARGEST = 32768  # pixels of a preview's side
SAMPLES = 1024  # samples that are averaged at a time, a side


class Renderer:
    """Draws windows of a scene's level 0, in one thread, with what does not depend on the window.

    `kernel` evaluates `EvaluationContext.of(scene)`. In its methods `check_cancelled` is called
    between pieces of the work; it may raise to stop it.
    """

    def __init__(self, kernel: Kernel, scene: Scene) -> None:
        self.scene = scene
        self.kernel = kernel = coloured(kernel, scene.output, scene.cppn.channels)
        self.finish = OutputEncoder.of(scene.output)
        quick = isinstance(kernel, StoringKernel) and kernel.prefer_full_evaluation
        self._evaluates = quick or scene.output.tolerance == 0.0
        self._reconstructions: dict[OutputEncoder, Reconstruction] = {}

    def render(
        self,
        window: Window,
        check_cancelled: CheckCancelled = lambda: None,
        empty: Empty = np.empty,
    ) -> NDArray[Any]:
        """Return the stored pixels (channels, height, width) of a window.

        `empty` makes the array, which may be a view of a larger one.
        """
        scene = self.scene
        if scene.output.supersample == 1:
            place = uncropped_window(scene, window)
            return self._drawn(self.finish, place, check_cancelled, empty)
        out = empty((scene.channels, window.height, window.width), scene.output.dtype)
        for piece in pieces(scene, window):
            colours = self.colours(piece, check_cancelled)
            top, left, *_ = uncropped_window(scene, piece)
            write(self.finish, colours[:, None], top, left, part(out, window, piece))
        return out

    def colours(
        self, window: Window, check_cancelled: CheckCancelled = lambda: None
    ) -> NDArray[np.float32]:
        """Return the colours (channels, height, width) of a window, within the scene's tolerance.

        As `render` has them before they are inverted, dithered and quantised: for a mean of
        several. Their memory is bounded where the window is one of the `pieces`.
        """
        n = self.scene.output.supersample
        samples = Window(*(n * edge for edge in uncropped_window(self.scene, window)))
        colours = self._drawn(COLOURS, samples, check_cancelled, np.empty)
        return colours if n == 1 else _averaged(colours, n)

    def _drawn(
        self, finish: OutputEncoder, window: Window, check_cancelled: CheckCancelled, empty: Empty
    ) -> NDArray[Any]:
        """Samples of a window of the grid of samples."""
        draw = self._evaluated if self._evaluates else self._reconstructed
        return draw(finish, window, check_cancelled, empty)

    def _evaluated(
        self, finish: OutputEncoder, window: Window, check_cancelled: CheckCancelled, empty: Empty
    ) -> NDArray[Any]:
        out = empty((self.scene.channels, window.height, window.width), finish.dtype)
        strip = max(STRIP, self.kernel.batch)
        # Whole rows of blocks, in which a kernel may work.
        rows = max(BLOCK, strip // window.width // BLOCK * BLOCK)
        for piece in window.split(rows, strip // rows):
            check_cancelled()
            lattices = Lattices.one(piece.top, piece.left, piece.height, piece.width)
            evaluate(self.kernel, finish, lattices, window, out)
        return out

    def _reconstructed(
        self, finish: OutputEncoder, window: Window, check_cancelled: CheckCancelled, empty: Empty
    ) -> NDArray[Any]:
        if finish not in self._reconstructions:
            field, output = EvaluationContext.of(self.scene), self.scene.output
            self._reconstructions[finish] = Reconstruction(self.kernel, field, output, finish)
        whole = _of_whole_blocks(window)
        out = empty((self.scene.channels, whole.height, whole.width), finish.dtype)
        for region in whole.split(REGION, REGION):
            top, left = region.top - whole.top, region.left - whole.left
            pixels = out[:, top : top + region.height, left : left + region.width]
            self._reconstructions[finish].draw(region, pixels, check_cancelled)
        top, left = window.top - whole.top, window.left - whole.left
        return out[:, top : top + window.height, left : left + window.width]


def render_window(
    kernel: Kernel,
    scene: Scene,
    window: Window,
    check_cancelled: CheckCancelled = lambda: None,
    empty: Empty = np.empty,
) -> NDArray[Any]:
    """Return the stored pixels (channels, height, width) of one window: see `Renderer`."""
    return Renderer(kernel, scene).render(window, check_cancelled, empty)


def uncropped_window(scene: Scene, window: Window) -> Window:
    """Where a window of the canvas lies in the whole picture, without crop and bleed.

    Everything that depends on a place is anchored there, so a part has the pixels of the whole.
    """
    return window.moved(*scene.canvas.origin)


def pieces(scene: Scene, window: Window) -> Iterator[Window]:
    """Return a window in parts of SAMPLES samples a side at most."""
    side = max(1, SAMPLES // scene.output.supersample)
    return window.split(side, side)


def part(out: NDArray[Any], window: Window, piece: Window) -> NDArray[Any]:
    """What of `out`, the pixels of `window`, is a piece of it."""
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


def preview(
    scene: Scene | str | Path,
    width: int = 1024,
    kernel: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Picture:
    """Draw the whole picture as a small 8-bit image (height, width, channels), at once.

    A notebook shows it.

    scene: a Scene, or a path that `Scene.load` takes. width: pixels; the height follows from the
    canvas' shape, 1 pixel at least. kernel: as in `render`. progress: is called with the
    pixels done, and with all of them. Raises InvalidRequestError for a
    picture of more than LARGEST pixels a side.
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
    """`draw` of each band, in their order; no further one is begun once nobody wants them."""
    if min(threads, len(bands)) == 1:
        yield from map(draw, bands)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(draw, bands)


def preview_size(scene: Scene, width: int) -> tuple[int, int]:
    """(width, height) in pixels of a scene's preview; the height follows from the canvas' shape.

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
