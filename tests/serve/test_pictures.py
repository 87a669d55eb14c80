"""Tiles on demand are those of a store and its export, and what is missing in a store is shown."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.decoding import by_pillow
from tilecppn import export
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Plan, Shard, Window
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.serve.pictures import ScenePicture
from tilecppn.serve.pyramids import Painter, Pyramid, Tile
from tilecppn.serve.store_picture import StorePicture, missing
from tilecppn.storage.store import Store

SCENES: dict[str, dict[str, Any]] = {
    "plain": {},
    "grey uint16": {"cppn": {"channels": 1}, "output": {"dtype": "uint16"}},
    "float32 hsv": {"output": {"dtype": "float32", "color": "hsv"}},
    "palette, mirrored": {"output": {"palette": "viridis"}, "view": {"mirror": "xy"}},
    "radial, dithered": {"output": {"dither": "noise"}, "view": {"radial": 6}},
    "repeated, inverted": {"output": {"invert": True}, "view": {"repeat": "x"}},
    "turned, endpoints": {"view": {"rotation": 30.0, "grid": "endpoints", "aspect": "stretch"}},
    "supersampled, exact": {"output": {"supersample": 2, "tolerance": 0.0}},
}


def scene_of(values: dict[str, Any]) -> Scene:
    output = {"tile": 64, "shard": 128, **values.get("output", {})}
    return Scene.of(**{**values, "canvas": {"width": 300, "height": 200}, "output": output})


def tiles(scene: Scene, level: int) -> list[Tile]:
    width, height = Pyramid.of(scene).levels[level]
    side = scene.output.tile
    return [
        Tile(level, row, col)
        for row in range(-(-height // side))
        for col in range(-(-width // side))
    ]


def paint(painter: Painter, tile: Tile) -> bytes:
    drawn = painter.paint(tile, lambda: None)
    assert drawn.final
    return drawn.data


@pytest.mark.parametrize("name", SCENES)
def test_tiles_are_those_of_render_and_export(name: str, tmp_path: Path) -> None:
    scene = scene_of(SCENES[name])
    store = render(scene, tmp_path / "a.zarr", executor="local", workers=1)
    export(store.path, tmp_path / "a.dzi")
    of_scene = ScenePicture(scene, "a").painter()
    of_store = StorePicture(store, "a").painter()
    top = len(Pyramid.of(scene).levels) - 1
    for level in range(top + 1):
        for tile in tiles(scene, level):
            file = tmp_path / "a_files" / str(top - level) / f"{tile.col}_{tile.row}.png"
            expected = file.read_bytes()
            assert paint(of_store, tile) == expected
            if level == 0:
                assert paint(of_scene, tile) == expected
    assert not (tmp_path / "a_files" / str(top) / "5_0.png").exists()


def test_smaller_levels_are_the_scene_at_that_size() -> None:
    scene = scene_of({})
    painter = ScenePicture(scene, "a").painter()
    for level, (width, height) in enumerate(Pyramid.of(scene).levels):
        small = scene.replace(canvas={"width": width, "height": height})
        kernel = create("auto", EvaluationContext.of(small))
        expected = render_window(kernel, small, Window(0, 0, min(height, 64), min(width, 64)))
        drawn = painter.draw(Tile(level, 0, 0), lambda: None)
        np.testing.assert_array_equal(drawn, expected)


def test_no_tile_beyond_the_picture() -> None:
    scene = scene_of({})
    assert Pyramid.of(scene).window(Tile(0, 3, 4)) == (192, 256, 200, 300)
    for tile in (Tile(0, 4, 0), Tile(0, 0, 5), Tile(9, 1, 0), Tile(10, 0, 0), Tile(-1, 0, 0)):
        assert Pyramid.of(scene).window(tile) is None
    largest = scene.replace(canvas={"width": 2**31 - 1, "height": 1})
    assert Pyramid.of(largest).window(Tile(0, 0, 2**25 - 1)) is not None
    assert Pyramid.of(largest).window(Tile(31, 0, 0)) == (0, 0, 1, 1)


def test_a_missing_shard_is_drawn_and_darkened(tmp_path: Path) -> None:
    scene = scene_of({})
    store = render(scene, tmp_path / "a.zarr", executor="local", workers=1)
    picture = StorePicture(Store(store.path), "a")
    assert picture.progress() == (10, 10)
    whole = {level: by_pillow(paint(picture.painter(), Tile(level, 0, 0))) for level in (0, 2)}
    gone = Shard(0, 0, 1)
    for shard in (gone, *store.plan.ancestors(gone)):
        store.delete(shard)
    picture = StorePicture(Store(store.path), "a")
    assert picture.progress() == (6, 10)
    painter = picture.painter()
    assert by_pillow(paint(painter, Tile(0, 0, 0))) == pytest.approx(whole[0])
    drawn = painter.paint(Tile(2, 0, 0), lambda: None)
    assert not drawn.final
    shown = by_pillow(drawn.data).astype(float)
    right = np.s_[0:32, 32:64]  # the shard's part, four times smaller
    assert shown[right].mean() < 0.5 * whole[2][right].mean()
    assert shown[:, :32].mean() == pytest.approx(whole[2][:, :32].mean(), abs=2)
    render(scene, store.path, executor="local", workers=1)
    np.testing.assert_array_equal(by_pillow(paint(painter, Tile(2, 0, 0))), whole[2])


def test_few_shards_are_looked_for() -> None:
    plan = Plan(2**31 - 1, 2**31 - 1, 3, 1, 512, 4096)
    looked: list[Shard] = []

    def has(shard: Shard) -> bool:
        looked.append(shard)
        return shard.col % 2 == 0

    top = len(plan.levels) - 1
    parts = list(missing(plan, top, Window(0, 0, 512, 512), has))
    assert len(looked) == 1024
    assert sum(part.pixels for part in parts) == 512 * 512 // 2
    one = next(missing(plan, top + 9, Window(0, 0, 1, 1), lambda shard: False))
    assert one == (0, 0, 1, 1)


def test_a_store_in_place_of_another_is_not_shown(tmp_path: Path) -> None:
    store = render(scene_of({}), tmp_path / "a.zarr", executor="local", workers=1)
    painter = StorePicture(store, "a").painter()
    other = scene_of({"cppn": {"seed": 7}})
    render(other, store.path, executor="local", workers=1, overwrite=True)
    with pytest.raises(ValueError, match="replaced"):
        painter.paint(Tile(0, 0, 0), lambda: None)
