"""Tiles of the plane: at full size what `render` stores, at others the scene at that size."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.serve.studio.asking import assert_seen_alike
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Shard, Window
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.serve.pyramids import EncodedTile
from tilecppn.serve.studio.drawing import (
    SIDES,
    Levels,
    StudioPainter,
    level_context,
    stored,
    window_of,
)
from tilecppn.serve.studio.films import Films
from tilecppn.serve.studio.scenes import Scenes

SIDE = SIDES["tiles"]


def go_on() -> None:
    pass


def pixels(made: EncodedTile) -> Any:
    return np.asarray(Image.open(io.BytesIO(made.data)))


def painter(scene: Scene) -> tuple[StudioPainter, str]:
    scenes = Scenes()
    return StudioPainter(scenes, Levels(scenes), Films()), scenes.add(scene)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"view": {"radial": 5, "rotation": 30.0}},
        {"view": {"repeat": "xy"}},
        {"output": {"dither": "noise", "supersample": 2}},
        {"cppn": {"preset": "jupiter"}},
        {"canvas": {"print": "5x3cm", "bleed": "3mm", "crop": [0.25, 0.0, 0.5, 1.0]}},
        {"view": {"aspect": "stretch", "grid": "endpoints", "swap": True}},
    ],
)
def test_full_size_is_what_render_stores(values: dict[str, Any]) -> None:
    scene = Scene.of(**{"canvas": {"width": 601, "height": 401}, **values})
    drawer, name = painter(scene)
    kernel = create("auto", EvaluationContext.of(scene))
    width, height = scene.canvas.width, scene.canvas.height
    picture = render_window(kernel, scene, Window(0, 0, height, width))
    top, left = scene.canvas.origin
    compared = 0
    for row in range(-1, 3):
        for col in range(-1, 4):
            tile = drawer.draw(name, 0, window_of("tiles", row, col), go_on)
            assert tile.shape == (scene.channels, SIDE, SIDE)
            first = row * SIDE - top, col * SIDE - left
            inside = [
                slice(max(0, start), max(0, min(end, start + SIDE)))
                for start, end in zip(first, (height, width), strict=True)
            ]
            part = picture[:, inside[0], inside[1]]
            if part.size:
                at = [slice(s.start - f, s.stop - f) for s, f in zip(inside, first, strict=True)]
                np.testing.assert_array_equal(tile[:, at[0], at[1]], part)
                compared += part.size
    assert compared == picture.size


@pytest.mark.parametrize("preset", ["silk", "hardmaru", "jupiter"])
def test_a_smaller_level_is_the_scene_at_that_size(preset: str) -> None:
    scene = Scene.of(cppn={"preset": preset}, canvas={"width": 1024, "height": 1024})
    drawer, name = painter(scene)
    small = scene.replace(canvas={"width": 256, "height": 256}, output={"tolerance": 0.0})
    kernel = create("auto", EvaluationContext.of(small))
    expected = render_window(kernel, small, Window(0, 0, 256, 256))
    found = drawer.draw(name, 2, Window(0, 0, 256, 256), go_on)
    assert_seen_alike(found, expected)


@pytest.mark.parametrize("level", [-30, -3, -1, 1, 5])
def test_levels_lie_on_each_other(level: int) -> None:
    """The corner of a pixel of a level is a corner of 2^level pixels of the canvas."""
    view = {"rotation": 12.0, "center": [0.3, -2.0]}
    scene = Scene.of(canvas={"width": 301, "height": 200}, view=view)
    own, other = scene.grid, level_context(scene, level).grid
    for corner in ((0, 0), (3, -5)):
        expected = own.points(*(np.array([[c * 2.0**level - 0.5]]) for c in corner))
        found = other.points(*(np.array([[c - 0.5]]) for c in corner))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_a_thumbnail_of_a_long_picture() -> None:
    scene = Scene.of(canvas={"width": 10_000, "height": 3})
    drawer, _ = painter(scene)
    assert drawer.thumb(scene, 64, go_on).shape == (3, 1, 64)


def test_a_store_in_work_is_darker_where_nothing_is_stored(tmp_path: Path) -> None:
    scene = Scene.of(
        canvas={"width": 900, "height": 500}, output={"tile": 256, "shard": 256, "tolerance": 0.0}
    )
    store = render(scene, tmp_path / "a.zarr", executor="local", workers=1)
    whole = pixels(stored(store.path, go_on))
    assert whole.shape == (125, 225, 3)
    for shard in (Shard(0, 0, 0), *store.plan.ancestors(Shard(0, 0, 0))):
        store.delete(shard)
    part = stored(store.path, go_on)
    assert not part.final
    found = pixels(part).astype(int)
    corner = 256 // 4
    off = np.abs(found - whole)
    assert off[corner:].mean() < 1.0  # drawn at that size instead of the mean of stored pixels
    assert found[:corner, :corner].mean() < 0.5 * whole[:corner, :corner].mean()


def test_what_nobody_waits_for_is_dropped() -> None:
    drawer, name = painter(Scene.of(output={"supersample": 16}))

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        drawer.draw(name, 0, Window(0, 0, SIDE, SIDE), stop)
