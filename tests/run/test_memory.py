"""Memory that does not grow with the canvas."""

import json
import subprocess
import sys

import pytest

MEASURE = """
import json, sys, tempfile
from benchmarks.measuring import peak_bytes
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render_to
from tilecppn.scene.scene import Scene
side = int(sys.argv[1])
scene = Scene.of(cppn={"width": 4, "depth": 1}, canvas={"width": side, "height": side})
with tempfile.TemporaryDirectory() as folder:
    _, outcome = render_to(scene, folder + "/a.zarr", RunOptions("local", workers=1))
print(json.dumps([peak_bytes(), outcome.rendered]))
"""


def peak(side: int) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(side)], capture_output=True, text=True, check=True
    )
    size, shards = json.loads(done.stdout)
    return size, shards


@pytest.mark.slow
def test_a_canvas_sixteen_times_larger_needs_the_same_memory() -> None:
    """From where as many halves are kept as ever."""
    small, few = peak(32768)
    large, many = peak(131072)
    assert many > 10 * few
    assert large < 1.1 * small
