"""Measures the detail visible in presets with detail: python -m benchmarks.detail [PRESET …]

Five seeds of each at 32,768², from 64 squares of 512² spread over the canvas, and frames of 2,048²
of zooms into a place that is not the centre; figures that compare drawings use 16 squares.
Deviations are in steps of 8 bits, over all channels, of colours before rounding to 8 bits.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import PRESETS
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.renderer import Renderer
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene

DETAILED = [name for name, preset in PRESETS.items() if preset.octaves]
SEEDS = range(5)
SIDE, SQUARE, ALONG = 32768, 512, 8  # pixels, pixels of a square, and squares along a side
FEW = 16  # squares for what takes more time
FRAME = 2048  # pixels along a side of a zoom
ZOOMS = (1e6, 1e9)
PLACE = (0.31, -0.17)
OCTAVES = 5  # of a square, and of the whole above them
NYQUIST = 0.5  # cycles a pixel
KERNEL = np.sinc(np.arange(-31.5, 32.0)) * np.hanning(66)[1:-1]  # values half a pixel further on

Pixels = NDArray[np.float64]  # (height, width, channels), steps of 8 bits
Draw = Callable[[int, int, int], Pixels]  # row, column and side of a square


class Figures(NamedTuple):
    """The measured figures of a picture."""

    bands: tuple[float, ...]  # deviation of each octave, the finest first
    tile: float  # deviation of the median square
    beyond: float  # part of the energy above 90 % of Nyquist's limit
    half: float  # mean difference of a drawing at half the size from the means of 2 × 2 pixels
    moved: float  # difference of one half a pixel further on, in those that this shift explains
    unexplained: float  # what is left of that difference, a deviation

    @property
    def factor(self) -> float:
        """The largest factor between an octave and the next finer one."""
        return float(np.max(np.divide(self.bands[1:], self.bands[:-1])))


def figures(preset: str, seed: int, zoom: float | None = None) -> Figures:
    """Measure a preset and a seed: as a whole at 32,768², or a frame of a zoom."""
    scene = Scene.of(cppn={"preset": preset, "seed": seed}, canvas={"width": SIDE, "height": SIDE})
    if zoom is not None:
        view = {"center": list(PLACE), "scale": scene.view.scale / zoom}
        scene = scene.replace(view=view, canvas={"width": FRAME, "height": FRAME})
    side = scene.canvas.width
    full, half, moved = drawer(scene), drawer(resized(scene, side // 2)), drawer(beside(scene))
    parts = {at: full(*at, SQUARE) for at in places(side)}
    some = list(parts.items())[:: max(1, len(parts) // FEW)]
    halves = [
        float(np.abs(halved(pixels) - half(row // 2, col // 2, SQUARE // 2)).mean())
        for (row, col), pixels in some
    ]
    shifts = [shifted(pixels, moved(*at, SQUARE)) for at, pixels in some]
    difference, explained, left = np.sqrt(np.mean(shifts, axis=0)).tolist()
    bands = np.sqrt(np.mean([band_squares(part) for part in parts.values()], axis=0))
    if zoom is None:  # of a frame no more than a few pixels would be left
        low = side >> OCTAVES
        whole = drawer(resized(scene, low))(0, 0, low)
        bands = np.append(bands, np.sqrt(band_squares(whole)))
    return Figures(
        tuple(bands.tolist()),
        float(np.median([np.sqrt(part.var((0, 1)).mean()) for part in parts.values()])),
        float(np.mean([beyond(pixels) for _, pixels in some])),
        float(np.mean(halves)),
        difference / explained,
        left,
    )


def drawer(scene: Scene) -> Draw:
    """Return a function that draws squares of a scene."""
    renderer = Renderer(create("auto", EvaluationContext.of(scene)), scene)

    def draw(row: int, col: int, side: int) -> Pixels:
        colours = renderer.colours(Window(row, col, row + side, col + side))
        return 255.0 * np.moveaxis(colours, 0, -1).astype(np.float64)

    return draw


def places(side: int) -> Sequence[tuple[int, int]]:
    """Return row and column of the squares: one at random in each part of a canvas."""
    along = min(ALONG, side // SQUARE)
    choices = side // SQUARE // along
    rng = np.random.default_rng(7)
    return [
        (SQUARE * (i * choices + down), SQUARE * (j * choices + across))
        for i in range(along)
        for j in range(along)
        for down, across in [rng.integers(choices, size=2).tolist()]
    ]


def resized(scene: Scene, side: int) -> Scene:
    """Return the scene, drawn smaller."""
    return scene.replace(canvas={"width": side, "height": side})


def beside(scene: Scene) -> Scene:
    """Return the scene, half a pixel further to the right."""
    (x, y), step = scene.view.center, scene.grid.step[0]
    return scene.replace(view={"center": [x + 0.5 * step, y]})


def halved(pixels: Pixels) -> Pixels:
    """Return the means of 2 × 2 pixels."""
    height, width, channels = pixels.shape
    return np.asarray(pixels.reshape(height // 2, 2, width // 2, 2, channels).mean((1, 3)))


def band_squares(pixels: Pixels) -> list[float]:
    """Return each octave's mean square, finest first: pixels minus the means of 2 × 2 of them."""
    result = []
    for _ in range(OCTAVES):
        coarse = halved(pixels)
        result.append(float(np.square(pixels - coarse.repeat(2, 0).repeat(2, 1)).mean()))
        pixels = coarse
    return result


def beyond(pixels: Pixels) -> float:
    """Return the share of energy above 90 % of Nyquist's limit on either axis, without the mean."""
    shade = np.hanning(len(pixels))
    weights = (shade[:, None] * shade)[..., None]
    mean = (pixels * weights).sum((0, 1)) / weights.sum()
    energy = np.square(np.abs(np.fft.fft2((pixels - mean) * weights, axes=(0, 1)))).sum(-1)
    fast = np.abs(np.fft.fftfreq(len(pixels))) > 0.9 * NYQUIST
    return float(energy[fast[:, None] | fast].sum() / energy.sum())


def shifted(pixels: Pixels, moved: Pixels) -> tuple[float, float, float]:
    """Return the mean square of the difference of two pictures half a pixel apart, of the part
    that the shift explains, and of the rest.

    The shift of a band-limited picture is known: its values between the pixels are sums of all,
    weighted by sin(πx) / πx.
    """
    inner = slice(len(KERNEL) // 2, -(len(KERNEL) // 2))
    between: Any = np.apply_along_axis(np.convolve, 1, pixels, KERNEL / KERNEL.sum(), "valid")
    between, still, right = between[:, 1:], pixels[:, inner], moved[:, inner]
    pairs = ((right, still), (between, still), (right, between))
    difference, explained, left = (float(np.square(a - b).mean()) for a, b in pairs)
    return difference, explained, left


def report(presets: Sequence[str]) -> None:
    """Measure and print a row for each preset: the range of its seeds, or the worst of them."""
    print("| preset | finest octave | factor | tile | above 90 % | half size | shift | left |")
    print("|---|---|---|---|---|---|---|---|")
    for zoom in (None, *ZOOMS):
        for preset in presets:
            found = [figures(preset, seed, zoom) for seed in SEEDS]
            name = preset if zoom is None else f"{preset}, {zoom:.0e} : 1"
            finest = [figure.bands[0] for figure in found]
            print(
                f"| {name} | {min(finest):.2f} – {max(finest):.2f} "
                f"| {max(f.factor for f in found):.2f} | {min(f.tile for f in found):.1f} "
                f"| {max(f.beyond for f in found):.2%} | {max(f.half for f in found):.2f} "
                f"| {max(f.moved for f in found):.2f} "
                f"| {max(f.unexplained for f in found):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*", default=DETAILED, metavar="PRESET")
    report(parser.parse_args().presets)
