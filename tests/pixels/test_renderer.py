"""A window is the crop of the whole picture by any kernel."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.pixels.reconstructing import MIXED, Counting
from tilecppn.kernels import KERNELS, EvaluationContext, Kernel, create
from tilecppn.pixels.quantise import quantise
from tilecppn.pixels.renderer import STRIP, Renderer, render_window
from tilecppn.plan import BLOCK, Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Output
from tilecppn.scene.view import Lattices

LAWS = settings(max_examples=25)

HEIGHT, WIDTH = 90, 130
SCENE = Scene.of(
    cppn={"seed": 3, "width": 8, "depth": 2},
    canvas={"width": WIDTH, "height": HEIGHT},
    view={"rotation": 20.0},
)


def rendered(scene: Scene, kernel: str = "auto") -> NDArray[Any]:
    window = Window(0, 0, scene.canvas.height, scene.canvas.width)
    return render_window(create(kernel, EvaluationContext.of(scene)), scene, window)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    "kernel",
    [pytest.param(k, marks=pytest.mark.slow) if k == "triton" else k for k in KERNELS],
)
def test_a_window_is_the_crop_of_the_whole(kernel: str, dtype: str) -> None:
    scene = SCENE.replace(output={"dtype": dtype})
    evaluator = create(kernel, EvaluationContext.of(scene))
    whole = rendered(scene, kernel)
    assert whole.shape == (3, HEIGHT, WIDTH)
    assert whole.dtype == dtype

    @LAWS
    @given(
        st.integers(0, HEIGHT - 1),
        st.integers(0, WIDTH - 1),
        st.integers(1, HEIGHT),
        st.integers(1, WIDTH),
    )
    def law(top: int, left: int, height: int, width: int) -> None:
        window = Window(top, left, min(top + height, HEIGHT), min(left + width, WIDTH))
        part = render_window(evaluator, scene, window)
        assert np.array_equal(part, whole[:, top : window.bottom, left : window.right])

    law()


VIEWS: list[dict[str, Any]] = [
    {"rotation": 20.0},
    {"rotation": 0.0, "mirror": "xy"},
    {"radial": 5},
    {"repeat": "xy"},
    {"aspect": "stretch", "grid": "endpoints"},
]


@pytest.mark.parametrize("output", [{}, {"supersample": 2}, {"dither": "noise"}, {"tolerance": 0}])
@pytest.mark.parametrize("view", VIEWS)
def test_bleed_and_crop_have_the_pixels_of_the_whole(
    view: dict[str, Any], output: dict[str, Any]
) -> None:
    assert_parts_of_the_whole(SCENE.replace(view=view, output=output), "auto", examples=4)


@pytest.mark.parametrize(
    "kernel",
    [pytest.param(k, marks=pytest.mark.slow) if k == "triton" else k for k in KERNELS],
)
def test_bleed_and_crop_have_the_pixels_of_the_whole_on_every_kernel(kernel: str) -> None:
    assert_parts_of_the_whole(SCENE.replace(output={"dither": "noise"}), kernel, examples=6)


def test_bleed_and_crop_of_a_network_with_detail_have_the_pixels_of_the_whole() -> None:
    scene = Scene.of(cppn={"preset": "tide"}, canvas={"width": WIDTH, "height": HEIGHT})
    assert_parts_of_the_whole(scene, "auto", examples=4)


def assert_parts_of_the_whole(scene: Scene, kernel: str, examples: int) -> None:
    """Crops have the whole's pixels, and bleed goes on around them."""
    whole = rendered(scene, kernel)
    wide = rendered(scene.replace(canvas={"bleed": "70px"}), kernel)
    assert np.array_equal(wide[:, 70:-70, 70:-70], whole)

    @settings(max_examples=examples)
    @given(
        st.integers(0, WIDTH - 1),
        st.integers(0, HEIGHT - 1),
        st.integers(1, WIDTH),
        st.integers(1, HEIGHT),
        st.integers(0, 70),
    )
    def law(left: int, top: int, width: int, height: int, bleed: int) -> None:
        width, height = min(width, WIDTH - left), min(height, HEIGHT - top)
        crop = [left / WIDTH, top / HEIGHT, width / WIDTH, height / HEIGHT]
        part = rendered(scene.replace(canvas={"crop": crop, "bleed": f"{bleed}px"}), kernel)
        assert part.shape[1:] == (height + 2 * bleed, width + 2 * bleed)
        first = 70 - bleed + top, 70 - bleed + left
        expected = wide[:, first[0] :, first[1] :][:, : part.shape[1], : part.shape[2]]
        assert np.array_equal(part, expected)

    law()


@pytest.mark.parametrize("kernel", KERNELS)
def test_pixels_are_the_quantised_function(kernel: str) -> None:
    x, y = SCENE.grid.points(
        np.arange(HEIGHT, dtype=np.float64)[:, None], np.arange(WIDTH, dtype=np.float64)[None, :]
    )
    colour = np.moveaxis(SCENE.cppn(x, y, SCENE.z), -1, 0)
    expected = np.rint(255 * colour)
    difference = np.abs(rendered(SCENE, kernel) - expected)
    assert difference.max() <= 1
    assert np.mean(difference == 0) >= 0.999
    assert len(np.unique(expected)) > 100  # a picture, not a flat one


def test_channels_come_first_and_grey_has_one() -> None:
    grey = SCENE.replace(cppn={"channels": 1})
    assert rendered(grey).shape == (1, HEIGHT, WIDTH)


def test_inverted_pixels_are_255_minus_the_pixels() -> None:
    """But where 1 - v rounds the other way."""
    plain, inverted = (
        rendered(SCENE.replace(output={"invert": invert})).astype(int) for invert in (False, True)
    )
    assert np.abs(plain + inverted - 255).max() <= 1
    assert np.mean(plain + inverted == 255) > 0.999


def test_a_window_wider_than_a_strip_is_the_same_pixels() -> None:
    wide = Scene.of(
        cppn={"width": 2, "depth": 1, "channels": 1},
        canvas={"width": STRIP + 3000, "height": 2},
        view={"aspect": "stretch"},
    )
    kernel = create("auto", EvaluationContext.of(wide))
    whole = rendered(wide)
    for left, right in ((0, 100), (STRIP - 50, STRIP + 50), (STRIP + 2000, STRIP + 3000)):
        part = render_window(kernel, wide, Window(0, left, 2, right))
        assert np.array_equal(part, whole[:, :, left:right])


class Recording:
    """A kernel that notes the lattices it is asked for."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.asked: list[Lattices] = []
        self.arithmetic, self.noise, self.batch = kernel.arithmetic, kernel.noise, 1

    def evaluate(self, lattices: Lattices) -> NDArray[np.floating]:
        self.asked.append(lattices)
        return self.kernel.evaluate(lattices)

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        self.asked.append(lattices)
        return self.kernel.trace(lattices)


def test_strips_bound_the_points_evaluated_at_a_time_and_pauses() -> None:
    tall = SCENE.replace(canvas={"width": 300, "height": 3000}, output={"tolerance": 0.0})
    kernel = Recording(create("auto", EvaluationContext.of(tall)))
    pauses: list[int] = []
    render_window(kernel, tall, Window(0, 0, 3000, 300), lambda: pauses.append(len(kernel.asked)))
    assert len(kernel.asked) == -(-3000 // (STRIP // 300 // BLOCK * BLOCK))
    assert all(math.prod(lattices.shape) <= STRIP for lattices in kernel.asked)
    assert all(lattices.stride == 1 for lattices in kernel.asked)
    assert pauses == list(range(len(kernel.asked)))  # before each strip


@pytest.mark.parametrize("tolerance", [0.0, 0.1])
def test_a_pause_that_raises_stops_the_work(tolerance: float) -> None:
    class Stop(Exception):
        pass

    kernel = Recording(create("auto", EvaluationContext.of(SCENE)))

    def stop() -> None:
        raise Stop

    scene = SCENE.replace(output={"tolerance": tolerance})
    with pytest.raises(Stop):
        render_window(kernel, scene, Window(0, 0, HEIGHT, WIDTH), stop)
    assert kernel.asked == []


# Samples


@pytest.mark.parametrize("tolerance", [0.0, 0.1])
@pytest.mark.parametrize("n", [2, 3, 5, 16])
def test_a_supersampled_pixel_is_the_mean_of_its_samples(n: int, tolerance: float) -> None:
    """Samples spread evenly around the pixel's own point: at (k + ½) / n - ½ pixels from it."""
    small = {"width": 40, "height": 27}
    output = {"dtype": "uint16", "supersample": n, "tolerance": tolerance}
    scene = SCENE.replace(canvas=small, output=output)
    apart = (np.arange(n) + 0.5) / n - 0.5
    rows = (np.arange(27)[:, None] + apart).reshape(-1, 1)
    cols = (np.arange(40)[:, None] + apart).reshape(1, -1)
    colour = scene.cppn(*scene.grid.points(rows, cols), scene.z)
    mean = colour.reshape(27, n, 40, n, 3).mean(axis=(1, 3))
    difference = np.abs(rendered(scene) - np.moveaxis(65535.0 * mean, -1, 0))
    assert difference.max() < 2.0
    assert difference.mean() < 0.3  # rounding alone leaves ¼


def test_quantising_is_part_of_the_window() -> None:
    """float32 pixels of a window, quantised later, are its 8-bit pixels."""
    exact = rendered(SCENE.replace(output={"dtype": "float32"}))
    out = np.empty(exact.shape, np.uint8)
    quantise(exact.copy(), Output(dtype="uint8"), out)
    assert np.array_equal(out, rendered(SCENE))


def test_colours_cost_no_more_than_the_picture() -> None:
    """They are within the scene's tolerance, not within that of a float32 picture."""
    scene = MIXED.replace(output={"dither": "noise"})
    window = Window(0, 0, 333, 501)
    counts = []
    for draw in (Renderer.render, Renderer.colours):
        kernel = Counting(create("auto", EvaluationContext.of(scene)))
        draw(Renderer(kernel, scene), window)
        counts.append(kernel.points)
    assert counts[0] == counts[1]
