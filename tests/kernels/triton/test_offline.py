"""The Triton kernel compiled for GPUs that are not here: what the assembler made of it.

In a process of its own, since the tests' process interprets Triton.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tilecppn import machine

pytest.importorskip("triton")

Figures = dict[tuple[int, str], dict[str, Any]]


def compiled(*options: str) -> Figures:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.offline", "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TRITON_INTERPRET": "0"},
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {(line["architecture"], line["case"]): line for line in lines}


# Bytes of stack that the widest may use: a few registers of 128 or 64 threads.
SPILLED = {"width 128": 16, "width 256": 64}


def check(found: Figures) -> None:
    for (architecture, case), code in found.items():
        where = f"sm_{architecture}, {case}"
        allowed = next((most for width, most in SPILLED.items() if width in case), 0)
        fits = code["stack"] <= allowed
        assert fits, f"{where}: spills {code['stack']} bytes"
        assert fits or not code["local"], f"{where}: uses local memory"
        assert code["shared"] <= 99 * 1024, f"{where}: more shared memory than sm_86 has"
        assert code["matrix"] >= 3, f"{where}: not on the matrix units"
        float64 = code["float64"] >= 10
        assert float64 == ("folded" not in case), f"{where}: coordinates are not in float64"
        assert not code["div"], f"{where}: divides"
        assert bool(code["tanh.approx"]) == ("fast" in case), f"{where}: wrong tanh"
        assert code["instructions"] > 500, f"{where}: no code"


def test_benchmark_of_gpus_says_that_there_is_none() -> None:
    if machine.has_cuda():
        pytest.skip("there is one")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("python -m benchmarks.gpu: there is no CUDA device")
    assert done.stderr.count("\n") == 1


def test_default_network_neither_spills_nor_leaves_the_matrix_units() -> None:
    found = compiled("--main", "--architecture=90")
    assert {architecture for architecture, _ in found} == {90}
    check(found)
    for (_, case), code in found.items():
        if "fast" in case:
            assert not code["ex2.approx"]  # tanh and sigmoid are all that there is
        assert code["registers"] <= 168  # three programs of 128 threads a multiprocessor
    assert found[90, "net (32,4)"]["bound"] >= 14.0  # Gpixel/s
    assert found[90, "net (32,4), fast"]["bound"] >= 20.0


@pytest.mark.slow
def test_no_network_spills() -> None:
    found = compiled()
    assert {architecture for architecture, _ in found} == {80, 90, 100}
    check(found)
