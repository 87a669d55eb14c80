"""How much detail pictures of the presets have at every scale, measured on parts of a gigapixel."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tilecppn.cppn import PRESETS
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.downsample import mean2x2
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene

DETAILED = [name for name, preset in PRESETS.items() if preset.octaves]
GIGAPIXEL = {"width": 32768, "height": 32768}
SIDE = 512
PLACES = [
    (4000, 6000),
    (9000, 24000),
    (15000, 13000),
    (20000, 29000),
    (25000, 4000),
    (29000, 19000),
]
BANDS = 5

Pixels = NDArray[Any]


def scene_of(preset: str, seed: int, **view: Any) -> Scene:
    return Scene.of(cppn={"preset": preset, "seed": seed}, canvas=GIGAPIXEL, view=view)


def parts(scene: Scene, shift: int = 0) -> list[Pixels]:
    """Squares of the scene at 1 / 2^shift of its size: (3, side, side) each, at equal places."""
    canvas = {name: side >> shift for name, side in GIGAPIXEL.items()}
    small = scene.replace(canvas=canvas)
    kernel, side = create("auto", EvaluationContext.of(small)), SIDE >> shift
    corners = [(row >> shift, col >> shift) for row, col in PLACES]
    return [
        render_window(kernel, small, Window(row, col, row + side, col + side))
        for row, col in corners
    ]


def enlarged(pixels: Pixels) -> Pixels:
    """Twice the size, linear between pixels."""
    for axis in (1, 2):
        padded = np.pad(pixels, [(1, 1) if a == axis else (0, 0) for a in range(3)], "edge")
        inner, before, after = (
            np.take(padded, np.arange(start, start + pixels.shape[axis]), axis)
            for start in (1, 0, 2)
        )
        pair = np.stack([0.75 * inner + 0.25 * before, 0.75 * inner + 0.25 * after], axis + 1)
        pixels = pair.reshape([n * 2 if a == axis else n for a, n in enumerate(pixels.shape)])
    return pixels


def bands(pictures: list[Pixels]) -> list[float]:
    """The standard deviation of each octave, the finest first: a level minus the next, enlarged."""
    found = []
    for _ in range(BANDS):
        halves = [mean2x2(picture) for picture in pictures]
        rest = [p - enlarged(h.astype(float)) for p, h in zip(pictures, halves, strict=True)]
        found.append(float(np.sqrt(np.mean(np.square(rest)))))
        pictures = halves
    return found


def above_nyquist_share(pictures: list[Pixels]) -> float:
    """The share of the energy at more than 90 % of the Nyquist limit, the mean left out."""
    window = np.hanning(SIDE)[:, None] * np.hanning(SIDE)
    frequency = np.abs(np.fft.fftfreq(SIDE)) * 2.0
    high = np.maximum(frequency[:, None], frequency) > 0.9
    energy = np.zeros((SIDE, SIDE))
    for picture in pictures:
        for channel in picture.astype(float):
            energy += np.abs(np.fft.fft2((channel - channel.mean()) * window)) ** 2
    return float(energy[high].sum() / energy.sum())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 3])
@pytest.mark.parametrize("preset", DETAILED)
def test_a_gigapixel_has_detail_in_every_octave(preset: str, seed: int) -> None:
    pictures = parts(scene_of(preset, seed))
    found = bands(pictures)
    print(preset, seed, [f"{band:.2f}" for band in found])
    assert min(found) >= 1.6  # steps of 8 bits; most have 2 to 3.5
    assert all(after <= 1.6 * before for before, after in itertools.pairwise(found))
    assert np.median([picture.std(axis=(1, 2)).mean() for picture in pictures]) >= 6.0
    assert above_nyquist_share(pictures) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("preset", DETAILED)
def test_half_the_size_is_the_mean_of_the_whole(preset: str) -> None:
    scene = scene_of(preset, 1)
    whole, half = parts(scene), parts(scene, 1)
    means = [mean2x2(picture) for picture in whole]
    difference = np.mean(np.abs(np.stack(means).astype(float) - np.stack(half)))
    print(preset, f"{difference:.2f}")
    assert difference < 1.75  # steps of 8 bits; most are near 1.0, the liveliest at 1.6


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.2e-6, 1.2e-9])
@pytest.mark.parametrize("preset", DETAILED)
def test_a_deep_zoom_has_as_much_contrast_as_the_whole(preset: str, scale: float) -> None:
    scene = scene_of(preset, 1, center=[0.31, -0.17], scale=scale)
    small = scene.replace(canvas={"width": 512, "height": 512})
    picture = render_window(
        create("auto", EvaluationContext.of(small)), small, Window(0, 0, 512, 512)
    )
    found = bands([picture])
    print(preset, scale, [f"{band:.2f}" for band in found])
    assert min(found) >= 2.0
    assert picture.std(axis=(1, 2)).mean() >= 12.0
