"""How many instructions drawing and encoding take, counted by valgrind: no clock is needed.

valgrind knows no AVX-512, so it counts what CPUs with AVX2 execute, whichever this one is.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind"),
    pytest.mark.skipif(
        platform.machine().lower() not in ("x86_64", "amd64"), reason="is for x86-64"
    ),
]

# Instructions for a pixel in colour, a tenth above what was counted. After PNG's filter 5 % of the
# smooth tile's bytes are not 0, and 31 % of the busy one's.
MOST = {
    "draw": 41.0,
    "halve": 2.0,
    "png, smooth": 17.1,
    "png, busy": 48.6,
    "store, smooth": 18.2,
    "store, busy": 61.4,
}
SIDE = 512
# Each call of getppid makes valgrind write what it counted since the one before.
SCRIPT = f"""
import os
import numpy as np
from tilecppn import Scene
from tilecppn.exporters.encoding.png import encode_png
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.downsample import mean2x2
from tilecppn.pixels.renderer import Renderer
from tilecppn.plan import Level, Window
from tilecppn.storage.shard_file import encode_shard

def renderer(side):
    scene = Scene.of(canvas={{"width": side, "height": side}})
    return Renderer(create("llvm", EvaluationContext.of(scene)), scene)

def window(row, col):
    return Window(row * {SIDE}, col * {SIDE}, (row + 1) * {SIDE}, (col + 1) * {SIDE})

smooth = renderer(32768)
tiles = [smooth.render(window(27, 21)), renderer(2048).render(window(1, 1))]
level = Level(0, {SIDE}, {SIDE}, {SIDE}, {SIDE})
calls = [
    lambda: smooth.render(window(27, 21)),
    lambda: mean2x2(tiles[0]),
    *(lambda tile=tile: encode_png(np.moveaxis(tile, 0, -1)) for tile in tiles),
    *(lambda tile=tile: encode_shard(tile, level) for tile in tiles),
]
for call in calls:
    call()
os.getppid()
for call in calls:
    call()
    os.getppid()
"""


def test_no_more_instructions_are_executed(tmp_path: Path) -> None:
    counter = ["valgrind", "--tool=callgrind", "--dump-before=getppid", "--callgrind-out-file=c"]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run(
        [*counter, sys.executable, "-c", SCRIPT],
        cwd=tmp_path, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    parts = sorted(tmp_path.glob("c.*"), key=lambda file: int(file.suffix[1:]))
    totals = [re.search(r"^(?:totals|summary): (\d+)", part.read_text(), re.M) for part in parts]
    counts = [int(total[1]) for total in totals if total is not None][1 : len(MOST) + 1]
    found = dict(zip(MOST, (count / SIDE**2 for count in counts), strict=True))
    assert {name: count for name, count in found.items() if count > MOST[name]} == {}
