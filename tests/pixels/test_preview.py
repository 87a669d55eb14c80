"""A preview is the whole picture, small."""

from typing import Any

import numpy as np
import pytest

from tests.pixels.test_renderer import HEIGHT, SCENE, WIDTH, rendered
from tilecppn import machine
from tilecppn.errors import InvalidRequestError, SceneError
from tilecppn.kernels import KERNELS
from tilecppn.pixels import preview as module
from tilecppn.pixels.preview import preview
from tilecppn.pixels.renderer import Renderer
from tilecppn.plan import BLOCK, Window
from tilecppn.scene.sections import MAX_SIDE


@pytest.mark.parametrize(
    ("canvas", "width", "shape"),
    [
        ((1024, 1024), 64, (64, 64)),
        ((1000, 500), 64, (32, 64)),
        ((500, 1000), 64, (128, 64)),
        ((3, 2), 64, (43, 64)),
        ((10**6, 1), 64, (1, 64)),
        ((MAX_SIDE, MAX_SIDE), 16, (16, 16)),
        ((10, 10), 1, (1, 1)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_preview_has_the_canvas_shape(
    canvas: tuple[int, int], width: int, shape: tuple[int, int], channels: int
) -> None:
    scene = SCENE.replace(
        cppn={"channels": channels}, canvas={"width": canvas[0], "height": canvas[1]}
    )
    image = preview(scene, width)
    assert image.shape == (*shape, channels)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("kernel", ["auto", *KERNELS])
def test_preview_equals_a_render_of_the_same_size(kernel: str, invert: bool) -> None:
    large = SCENE.replace(
        canvas={"width": 10 * WIDTH, "height": 10 * HEIGHT}, output={"invert": invert}
    )
    small = SCENE.replace(output={"invert": invert})
    expected = np.moveaxis(rendered(small, kernel), 0, -1)
    assert np.array_equal(preview(large, WIDTH, kernel), expected)


@pytest.mark.parametrize("kernel", ["llvm", "reference"])
def test_preview_is_the_same_from_any_number_of_threads(
    kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(module, "BAND", BLOCK)
    monkeypatch.setattr(machine, "cores", lambda: 1)
    expected = preview(SCENE, 300, kernel)
    monkeypatch.setattr(machine, "cores", lambda: 3)
    found = preview(SCENE, 300, kernel, lambda done, total: seen.append((done, total)))
    assert np.array_equal(found, expected)
    ends = [*range(BLOCK, len(found), BLOCK), len(found)]
    assert len(ends) > 3
    assert seen == [(300 * end, 300 * len(found)) for end in ends]


def test_a_preview_that_is_stopped_draws_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Window] = []
    render = Renderer.render

    def rendering(self: Renderer, window: Window) -> Any:
        drawn.append(window)
        return render(self, window)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "BAND", 1)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    monkeypatch.setattr(Renderer, "render", rendering)
    with pytest.raises(KeyboardInterrupt):
        preview(SCENE, 2000, "llvm", stop)
    assert len(drawn) < 500


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_preview_of_deeper_pixels_has_8_bits(dtype: str) -> None:
    deep = SCENE.replace(output={"dtype": dtype})
    assert np.array_equal(preview(deep, WIDTH), preview(SCENE, WIDTH))


def test_preview_with_an_unknown_kernel_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="unknown kernel"):
        preview(SCENE, 16, "nothing")


@pytest.mark.parametrize("width", [0, -5])
def test_preview_of_no_width_is_refused(width: int) -> None:
    with pytest.raises(SceneError, match=r"canvas\.width"):
        preview(SCENE, width)
