"""The notebook, executed with a training of seconds."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "learned.ipynb"


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINUTES", "0.01")
    names: dict[str, Any] = {}
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(codes) >= 8
    for i, code in enumerate(codes):
        exec(compile(code, f"cell {i}", "exec"), names)
    assert names["z_seven"].shape == (32,)
    assert (names["small"].shape, names["large"].shape) == ((26, 26, 1), (1300, 1300, 1))
    assert len(names["frames"]) == 120
    with Image.open("morph.gif") as gif, Image.open("seven.png") as seven:
        assert gif.size == (48, 48)
        assert seven.size == (512, 512)
    assert Path("large.png").stat().st_size > 0
