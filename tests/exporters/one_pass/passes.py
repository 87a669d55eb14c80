"""A render and its export, in one pass or in two, and what they left."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.conftest import SMALL_NET
from tests.stores import tree
from tilecppn import export
from tilecppn.exporters.one_pass import render_and_export
from tilecppn.exporters.parallel import Progress
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene


def scene_of(width: int, height: int, *, channels: int = 3, **output: Any) -> Scene:
    return Scene.of(
        cppn={**SMALL_NET, "channels": channels},
        canvas={"width": width, "height": height},
        output={"tile": 64, "shard": 256, **output},
    )


SCENE = scene_of(700, 501)


def made(folder: Path) -> dict[str, bytes | str | None]:
    """All that a render and its export left: a.zarr, a.dzi, a.html, a_files."""
    assert sorted(p.name for p in folder.iterdir()) == ["a.dzi", "a.html", "a.zarr", "a_files"]
    return tree(folder)


def two_passes(scene: Scene, folder: Path) -> dict[str, bytes | str | None]:
    render(scene, folder / "a.zarr", executor="local")
    export(folder / "a.zarr", folder / "a.dzi")
    return made(folder)


def one_pass(
    scene: Scene,
    folder: Path,
    *,
    progress: Progress = lambda done, total: None,
    **choices: Any,
) -> dict[str, bytes | str | None]:
    run = RunOptions(**{"executor": "local", **choices})
    store, dest = folder / "a.zarr", folder / "a.dzi"
    _, _, files = render_and_export(scene, store, dest, run, progress)
    assert files == [folder / "a.dzi", folder / "a.html", folder / "a_files"]
    return made(folder)


def assert_same(
    found: dict[str, bytes | str | None], expected: dict[str, bytes | str | None]
) -> None:
    """Assert that two trees are equal; says which files differ, and of PNGs whether pixels do."""
    differing = {
        name: _pixels_equal(found.get(name), expected.get(name))
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    }
    assert differing == {}


def _pixels_equal(one: bytes | str | None, other: bytes | str | None) -> str:
    if not (isinstance(one, bytes) and isinstance(other, bytes) and one[1:4] == b"PNG"):
        return "differs"
    a, b = (np.asarray(Image.open(io.BytesIO(data))) for data in (one, other))
    return "equal pixels" if np.array_equal(a, b) else "other pixels"
