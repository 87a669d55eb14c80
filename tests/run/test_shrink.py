"""output.shrink: every place that makes smaller pixels follows it."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.stores import level_pixels
from tilecppn import export
from tilecppn.errors import SceneError
from tilecppn.exporters.source import Source
from tilecppn.pixels.downsample import mean2x2
from tilecppn.plan import Window
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene

SIZE = {"width": 300, "height": 200}


def scene(**output: object) -> Scene:
    return Scene.of(
        cppn={"seed": 3},
        view={"scale": 60.0},
        canvas=SIZE,
        output={"tile": 64, "shard": 128, **output},
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_levels_and_small_tiles_are_means_of_light(dtype: str, tmp_path: Path) -> None:
    linear = scene(dtype=dtype, shrink="linear", profile="adobe-rgb")
    store = render(linear, tmp_path / "a.zarr", executor="local", workers=1)
    levels = [level_pixels(store, k).transpose(2, 0, 1) for k in range(len(store.plan.levels))]
    for larger, smaller in pairwise(levels):
        assert np.array_equal(smaller, mean2x2(larger, profile="adobe-rgb"))
    smallest = Source(store).read(len(Source(store).sizes) - 1, Window(0, 0, 1, 1))
    last = levels[-1]
    while last.shape[1:] != (1, 1):
        last = mean2x2(last, profile="adobe-rgb")
    assert np.array_equal(smallest, last)


def test_it_is_another_picture_and_the_default_none(tmp_path: Path) -> None:
    assert scene(shrink="stored").fingerprint == scene().fingerprint
    assert scene(shrink="linear").fingerprint != scene().fingerprint
    plain, linear = (
        render(scene(shrink=shrink), tmp_path / f"{shrink}.zarr", executor="local", workers=1)
        for shrink in ("stored", "linear")
    )
    assert np.array_equal(level_pixels(plain, 0), level_pixels(linear, 0))
    mean = [level_pixels(store, 2).astype(float).mean() for store in (plain, linear)]
    assert mean[1] > mean[0]
    for store in (plain, linear):
        export(store.path, store.path.with_suffix(".png"), max_size=90)
    small = [np.asarray(Image.open(s.path.with_suffix(".png"))).mean() for s in (plain, linear)]
    assert small[1] > small[0]


def test_floats_are_refused() -> None:
    with pytest.raises(SceneError, match="only integers"):
        scene(shrink="linear", dtype="float32")
