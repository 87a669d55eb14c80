"""Frames equal stills; motion blur is the mean of its moments."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.film.conftest import FRAMES
from tests.pixels.test_output_encoder import noise
from tilecppn.cppn import CPPN
from tilecppn.film.animate import animate
from tilecppn.film.encoding.video import LOSSY_TOLERANCE
from tilecppn.film.frame_renderer import FrameRenderer
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.renderer import SAMPLES, render_window
from tilecppn.plan import Plan, Window
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

Pixels = NDArray[np.generic]


def test_a_frame_is_the_still_of_its_scene(film: Timeline, frames: Pixels, tmp_path: Path) -> None:
    for k in (0, 5, FRAMES - 1):
        still = render(film.scene(k), tmp_path / f"{k}.zarr", executor="local")
        level = still.plan.levels[0]
        assert np.array_equal(np.moveaxis(still.read(0, level.window), 0, -1), frames[k])


MOVES: list[dict[str, Any]] = [{"morph": [1, 2]}, {"zoom": 20.0}, {"orbit": True}]


@pytest.mark.parametrize("move", MOVES, ids=lambda move: next(iter(move)))
def test_frames_are_as_good_as_the_oracle(move: dict[str, Any]) -> None:
    """60 dB is what rounding to 8 bits leaves; a video encoder leaves 50."""
    scene = Scene.of(canvas={"width": 256, "height": 192}, view={"scale": 3.0})
    film = moving(scene, seconds=1, fps=10, **move).replace(tolerance=LOSSY_TOLERANCE)
    window = Window(0, 0, 192, 256)
    rows, cols = np.mgrid[:192, :256]
    renderer = FrameRenderer(film, "llvm")
    interpolated = False
    for k in (0, 4, 9):
        frame = film.scene(k)
        exact = 255.0 * frame.cppn(*frame.grid.points(rows, cols), frame.z).transpose(2, 0, 1)
        drawn = renderer.render(k, window, lambda: None)
        error = drawn - np.rint(exact)
        interpolated |= bool(error.any())
        assert 10.0 * np.log10(255.0**2 / np.mean((drawn - exact) ** 2)) > 55.0
        assert np.mean(np.abs(error) <= 1) > 0.99
    assert interpolated


def test_frames_without_tolerance_are_the_networks_colours() -> None:
    scene = Scene.of(canvas={"width": 256, "height": 192}, output={"tolerance": 0.0})
    film = moving(scene, zoom=20.0, seconds=1, fps=10)
    drawn = FrameRenderer(film, "llvm").render(5, Window(0, 0, 192, 256), lambda: None)
    frame = film.scene(5)
    exact = create("llvm", EvaluationContext.of(frame)).evaluate(Lattices.one(0, 0, 192, 256))
    assert np.array_equal(drawn, np.rint(np.float32(255.0) * exact[:, 0]))


def test_motion_blur_is_the_mean_of_its_moments(scene: Scene) -> None:
    film = moving(scene, zoom=30.0, seconds=1, fps=10, samples=8, shutter=1.0)
    renderer = FrameRenderer(film, "reference")
    window = Plan.of(scene.canvas, scene.output, 3).levels[0].window
    blurred = renderer.render(5, window, lambda: None)
    sharp = [
        FrameRenderer(moving(m, zoom=2.0, seconds=1, fps=10), "reference").render(
            0, window, lambda: None
        )
        for m in film.moments(5)
    ]
    mean = np.mean([s.astype(float) for s in sharp], axis=0)
    assert np.abs(blurred - mean).max() <= 1.0
    assert np.abs(blurred.astype(int) - sharp[0]).max() > 5


BLURRED = [
    {},
    {"invert": True},
    {"dither": "noise"},
    {"dither": "noise", "supersample": 2, "invert": True},
    {"dtype": "uint16", "dither": "noise"},
    {"dtype": "float32", "invert": True},
]


@pytest.mark.parametrize("kernel", ["torch", "llvm"])
@pytest.mark.parametrize("output", BLURRED, ids=str)
def test_blur_of_a_still_scene_is_the_still(
    scene: Scene, output: dict[str, Any], kernel: str
) -> None:
    still = scene.replace(output=output)
    film = Timeline.of(
        still, seconds=0.5, fps=10, samples=5, arrays={"view.scale": [still.view.scale] * 5}
    )
    window = Plan.of(scene.canvas, scene.output, 3).levels[0].window
    renderer = FrameRenderer(film, kernel)
    wanted = render_window(create(kernel, EvaluationContext.of(still)), still, window)
    assert np.array_equal(renderer.render(2, window, lambda: None), wanted)


@pytest.mark.parametrize("invert", [False, True])
def test_a_blurred_frame_is_dithered_once(scene: Scene, invert: bool) -> None:
    dithered = scene.replace(output={"dither": "noise", "tolerance": 0.0, "invert": invert})
    film = moving(dithered, zoom=30.0, seconds=1, fps=10, samples=4, shutter=1.0)
    window = Plan.of(scene.canvas, scene.output, 3).levels[0].window
    rows, cols = np.mgrid[: window.height, : window.width]
    mean = np.mean(
        [m.cppn(*m.grid.points(rows, cols), m.z).transpose(2, 0, 1) for m in film.moments(5)],
        axis=0,
    )
    stored = 255.0 * (1.0 - mean if invert else mean) + noise(3, window.height, window.width)
    blurred = FrameRenderer(film, "reference").render(5, window, lambda: None)
    assert np.mean(blurred == np.clip(np.rint(stored), 0, 255)) > 0.999  # float32 tips a few ties


def test_a_blurred_frame_does_not_depend_on_the_window(scene: Scene) -> None:
    wide = scene.replace(
        canvas={"width": 600, "height": 70}, output={"dither": "noise", "supersample": 2}
    )
    film = moving(wide, zoom=30.0, seconds=1, fps=10, samples=2)
    renderer = FrameRenderer(film, "llvm")
    whole = renderer.render(5, Window(0, 0, 70, 600), lambda: None).copy()
    inner = Window(3, 217, 61, 590)
    assert inner.width * 2 < SAMPLES < 600 * 2  # the whole is drawn in pieces
    assert np.array_equal(renderer.render(5, inner, lambda: None), whole[:, 3:61, 217:590])


def test_networks_from_files_go_with_the_film(tmp_path: Path) -> None:
    nets = [CPPN.from_preset("hardmaru", seed=s, width=4, depth=1) for s in (1, 2)]
    folder = tmp_path / "there"
    folder.mkdir()
    for net, name in zip(nets, "ab", strict=True):
        net.save(folder / f"{name}.safetensors")
    (folder / "film.toml").write_text(
        "[cppn]\nweights = 'a.safetensors'\n[canvas]\nwidth = 40\nheight = 30\n"
        "[film]\nseconds = 1\nfps = 10\n"
        "[[keyframe]]\ntime = 0\ncppn.weights = 'a.safetensors'\n"
        "[[keyframe]]\ntime = 0.9\ncppn.weights = 'b.safetensors'\n"
    )
    film = Timeline.load(folder / "film.toml")
    animate(film, tmp_path / "a.zarr", executor="local")
    for file in folder.iterdir():
        file.unlink()
    store = FilmStore(tmp_path / "a.zarr")
    for k, net in ((0, nets[0]), (9, nets[1])):
        still = film.base.replace(cppn=net)
        window = store.plan.still.levels[0].window
        wanted = render_window(create("auto", EvaluationContext.of(still)), still, window)
        assert np.array_equal(store.read(k, window), wanted)
        assert store.timeline.scene(k).cppn == net
