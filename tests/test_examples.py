"""The examples: scenes, their pictures, the notebook."""

import importlib.util
import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tilecppn as tc
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.notebook.display import scene_png

EXAMPLES = Path(__file__).parent.parent / "examples"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    """What `python examples/render.py` draws."""
    spec = importlib.util.spec_from_file_location("render", EXAMPLES / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pictures: dict[str, Any] = module.pictures()
    return pictures


@pytest.mark.slow
def test_the_pictures_are_those_of_the_scenes(drawn: dict[str, Any]) -> None:
    assert {path.name for path in (EXAMPLES / "images").iterdir()} == set(drawn)
    for name, expected in drawn.items():
        path = EXAMPLES / "images" / name
        assert path.stat().st_size < 100_000
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"), float)
        assert pixels.shape == expected.shape, name
        assert np.abs(pixels - expected).mean() < 6, name  # JPEG's own


def test_every_scene_is_shown() -> None:
    links = set(re.findall(r"\]\(([^)]+)\)", README))
    assert {path.name for path in EXAMPLES.glob("*.toml")} <= links


def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Image.Image] = []
    display = types.ModuleType("IPython.display")
    display.display = shown.append  # type: ignore[attr-defined]
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "abstract-patterns.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for i, cell in enumerate(cells):
        exec(compile(cell, f"cell {i}", "exec"), names)
    assert [image.size for image in shown[:4]] == [(1080, 1060)] * 3 + [(270, 265)]
    assert len(shown) == 12
    assert all(np.asarray(image).std() > 1 for image in shown)
    with Image.open("morph.gif") as gif:
        assert gif.n_frames == 23  # type: ignore[attr-defined]
    with Image.open("z1.png") as saved:
        assert np.array_equal(np.asarray(saved), np.asarray(shown[0]))
    assert (tmp_path / "colour.html").exists()
    assert scene_png(names["scene"]).startswith(b"\x89PNG")


# Pictures with detail, in small


def test_a_print_is_rendered_and_exported(tmp_path: Path) -> None:
    small = ["canvas.width=180", "canvas.height=120", "output.tile=64", "output.shard=64"]
    scene = tc.Scene.load(EXAMPLES / "jupiter.toml", small)
    tc.render(scene, tmp_path / "a.zarr", executor="local")
    tc.export(tmp_path / "a.zarr", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), tc.preview(scene, 180))


def frames(name: str, count: int) -> list[NDArray[np.float64]]:
    """`count` frames, evenly spaced, of a film of this folder."""
    film = Timeline.load(EXAMPLES / f"{name}.toml", ["canvas.width=128", "canvas.height=128"])
    chosen = np.linspace(0, film.frames - 1, count).astype(int).tolist()
    return [tc.preview(film.scene(frame), 128).astype(np.float64) for frame in chosen]


def test_an_endless_zoom_shows_structure_all_the_way() -> None:
    assert min(image.std() for image in frames("zoom", 5)) > 20


def test_a_loop_leads_back_and_moves_on_the_way() -> None:
    first, *between, last = frames("loop", 5)
    assert np.abs(last - first).mean() < 4
    assert min(np.abs(image - first).mean() for image in between) > 10


def test_a_wallpapers_edges_match() -> None:
    image = tc.preview(EXAMPLES / "marble.toml", 256).astype(np.float64)
    for axis in (0, 1):
        steps = np.abs(np.diff(image, axis=axis)).mean()
        seam = np.abs(image.take(0, axis) - image.take(-1, axis)).mean()
        assert seam < 1.5 * steps
        middle = image.shape[axis] // 2  # nor is one half the other's mirror image
        one, other = np.split(image, [middle], axis=axis)
        assert np.abs(one - np.flip(other, axis)).mean() > 15
