"""A point's bits do not depend on the lattice it is part of, its place, or threads."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.kernels.comparing import FINE, LATTICE, LAWS
from tests.kernels.contexts import bits, context_of, gentle
from tilecppn.kernels import KERNELS, Kernel, create
from tilecppn.kernels.torch import CPU_CHUNK
from tilecppn.scene.view import Lattices


def kernel_of(name: str, **options: Any) -> Kernel:
    """One for each dtype that a kernel works in."""
    fine = FINE if name.endswith("float64") else {}
    cppn = gentle(seed=7, **{"width": 17, "depth": 2, **options})
    kernel = create(name.split()[0], context_of(cppn, side=4096, **fine))
    if name != "reference":
        expected = np.float64 if fine else np.float32
        assert kernel.evaluate(Lattices.one(0, 0, 1, 1)).dtype == expected
    return kernel


BY_DTYPE = [*KERNELS, "torch float64", "llvm float64"]


@pytest.mark.parametrize("name", BY_DTYPE)
def test_points_bits_do_not_depend_on_the_lattice(name: str) -> None:
    kernel = kernel_of(name)
    whole = bits(kernel.evaluate(Lattices.one(0, 0, 150, 200))[:, 0].copy())

    @settings(LAWS, max_examples=20 if name == "triton" else 60)  # an interpreter is slow
    @given(
        st.integers(0, 149),
        st.integers(0, 199),
        st.integers(1, 60),
        st.integers(1, 60),
        st.integers(1, 30),
    )
    @example(149, 199, 1, 1, 1)
    @example(0, 0, 150, 7, 1)
    @example(0, 0, 7, 200, 1)
    @example(3, 0, 147, 200, 1)
    def law(row: int, col: int, rows: int, cols: int, stride: int) -> None:
        rows = min(rows, -(-(150 - row) // stride))
        cols = min(cols, -(-(200 - col) // stride))
        part = bits(kernel.evaluate(Lattices.one(row, col, rows, cols, stride))[:, 0])
        assert np.array_equal(part, whole[:, row::stride, col::stride][:, :rows, :cols])

    law()


# Triton's interpreter sums in one way at every width, and so does the reference.
@pytest.mark.parametrize(
    ("name", "width"),
    [
        (name, width)
        for name in BY_DTYPE
        for width in (1, 5, 16, 33, 130, 300)
        if name not in ("triton", "reference") or width == 33
    ],
)
def test_points_bits_do_not_depend_on_their_place_at_any_width(name: str, width: int) -> None:
    """A matrix library may sum its last columns in another way: every column is looked at."""
    kernel = kernel_of(name, width=width)
    count = CPU_CHUNK + 300
    row = bits(kernel.evaluate(Lattices.one(9, 0, 1, count))[:, 0].copy())
    for shift in (1, 64, 301):
        moved = bits(kernel.evaluate(Lattices.one(9, shift, 1, count - shift))[:, 0])
        assert np.array_equal(moved, row[:, :, shift:])


@pytest.mark.parametrize("name", BY_DTYPE)
def test_points_bits_do_not_depend_on_what_was_evaluated_before(name: str) -> None:
    one, other = kernel_of(name), kernel_of(name)
    first = bits(one.evaluate(LATTICE).copy())
    other.evaluate(Lattices.one(100, 100, 60, 170, 3))
    assert np.array_equal(bits(other.evaluate(LATTICE)), first)
    assert np.array_equal(bits(one.evaluate(LATTICE)), first)


@pytest.mark.parametrize("name", ["reference", "torch"])
def test_points_bits_do_not_depend_on_threads(name: str) -> None:
    """Many matrix libraries split their sums by the number of threads."""
    code = (
        "import sys, hashlib; from tilecppn.kernels import *;"
        "from tilecppn.scene.scene import Scene;"
        "from tilecppn.scene.view import Lattices;"
        "k = create(sys.argv[1], EvaluationContext.of(Scene.of(cppn={'width': 64})));"
        "print(hashlib.sha256(k.evaluate(Lattices.one(0, 0, 90, 130)).tobytes()).hexdigest())"
    )
    hashes = set()
    for threads in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, name],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
        )
        hashes.add(done.stdout)
    assert len(hashes) == 1
