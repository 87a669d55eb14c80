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
from PIL import Image

from tests.commands import accepts, commands
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


def test_the_pictures_are_those_of_the_scenes(drawn: dict[str, Any]) -> None:
    assert {path.name for path in (EXAMPLES / "images").iterdir()} == set(drawn)
    for name, expected in drawn.items():
        path = EXAMPLES / "images" / name
        assert path.stat().st_size < 100_000
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"), float)
        assert pixels.shape == expected.shape, name
        assert np.abs(pixels - expected).mean() < 6, name  # JPEG's own


def test_every_scene_is_shown_and_every_link_leads_somewhere() -> None:
    links = set(re.findall(r"\]\(([^)]+)\)", README))
    assert {path.name for path in EXAMPLES.glob("*.toml")} <= links
    for link in links:
        assert (EXAMPLES / link).exists(), link


def test_the_commands_have_the_options_of_their_verbs() -> None:
    found = commands(README)
    assert len(found) >= 2
    for words in found:
        accepts(words)


def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Image.Image] = []
    display = types.ModuleType("IPython.display")
    display.display = shown.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
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
