"""The wheel: built from the sources, it draws and exports on its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_wheel_holds_all_that_a_picture_and_its_page_need(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    there = tmp_path / "installed"
    install = ["pip", "install", "--no-deps", "--no-index", "--target", str(there), str(wheel)]
    subprocess.run([sys.executable, "-m", *install], check=True, capture_output=True)
    env = {**os.environ, "PYTHONPATH": str(there)}
    (tmp_path / "a.toml").write_text("[cppn]\npreset = 'tide'\n[canvas]\nwidth = 80\nheight = 60\n")
    code = "import tilecppn; print(tilecppn.__file__)"
    for words in (
        ["-c", code],
        ["-m", "tilecppn", "render", "a.toml", "-o", "a.zarr", "--export", "a.dzi"],
    ):
        run = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        if words[0] == "-c":
            assert Path(run.stdout.strip()).is_relative_to(there)
    assert (tmp_path / "a.html").exists()
    assert (tmp_path / "a_files" / "openseadragon.min.js").exists()
