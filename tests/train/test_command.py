"""`train` as a process, interrupted by signals."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.train.runs import TINY, images
from tilecppn.cppn import CPPN
from tilecppn.train.checks import checkpoints

TINY_OPTIONS = [
    f"--{name.replace('_', '-')}={value}" for name, value in TINY.items() if name != "epochs"
]


def write_images(folder: Path) -> None:
    folder.mkdir()
    for i, pixels in enumerate(images().pixels):
        Image.fromarray(pixels[..., 0]).save(folder / f"{i}.png")


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tilecppn", "train", "data", "-o", "m.safetensors"),
            *TINY_OPTIONS,
            *arguments,
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "signal_",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_command_goes_on(tmp_path: Path, signal_: signal.Signals) -> None:
    write_images(tmp_path / "data")
    process = start(tmp_path, "--epochs=100000")
    first = tmp_path / "m.training/checkpoints/00000004"
    until = time.monotonic() + 60
    while not first.is_dir() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal_)
    _, errors = process.communicate(timeout=60)
    if signal_ != signal.SIGKILL:
        assert process.returncode == 130, errors
        assert errors.rstrip().splitlines()[-1].startswith("error: stopped"), errors
    last = int(checkpoints(tmp_path / "m.training")[-1].name)
    again = start(tmp_path, f"--epochs={last // 2 + 2}", "--json")
    output, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert f"going on after {last} batches" in errors
    assert json.loads(output)["batches"] == (last // 2 + 2) * 2
    assert CPPN.load(tmp_path / "m.safetensors").width == 6
