"""How many instructions the CPU kernel is: what a timing would show, without a clock.

Code is made for two kinds of CPUs, whichever this one is, and only read.
"""

import platform
import re
from collections import Counter
from functools import cache

import pytest

from tilecppn.codegen import ArrayOf, Module, Target, assembly
from tilecppn.codegen.activations import FUNCTIONS
from tilecppn.codegen.values import F32, F64
from tilecppn.kernels.llvm.layers import Layer, Tiling
from tilecppn.kernels.llvm.network import network_module

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="needs LLVM for x86-64"
)

AVX2 = Target("x86-64-v3", vector_bits=256, registers=16)
AVX512 = Target("x86-64-v4", "-prefer-256-bit", vector_bits=512, registers=32)
TARGETS = {"AVX2": AVX2, "AVX-512": AVX512}
REALS = {"float32": F32, "float64": F64}

# Operations on a vector, moves not counted, in float32 and float64; then how many of them are
# divisions or square roots, each of which takes as long as several others.
OPERATIONS = {
    "tanh": (13, 26, 1),
    "sigmoid": (20, 26, 1),
    "softplus": (30, 42, 1),
    "relu": (2, 2, 0),
    "leaky-relu": (2, 2, 0),
    "sin": (14, 18, 0),
    "cos": (18, 22, 0),
    "gaussian": (18, 24, 0),
    "abs": (1, 1, 0),
    "square": (1, 1, 0),
    "identity": (0, 0, 0),
    "half-sine": (15, 19, 0),
    "sqrt-tanh": (20, 26, 2),
    "sigmoid-sin": (34, 44, 1),
}


def functions(text: str) -> dict[str, list[str]]:
    """The instructions and labels of each function."""
    found = re.findall(r"^(\w+):.*?\n(.*?)^\.Lfunc_end", text, re.M | re.S)
    return {
        name: [line.strip() for line in body.splitlines() if re.match(r"\s*[a-z]|\.L", line)]
        for name, body in found
    }


def operations(lines: list[str]) -> Counter[str]:
    """The vector instructions that compute something, by name."""
    names = (line.split()[0] for line in lines)
    return Counter(n for n in names if n.startswith("v") and not re.match("vmov|vbroad|vzero", n))


@cache
def activations(target: Target, dtype: str) -> dict[str, list[str]]:
    module, real = Module(), REALS[dtype]
    for name, apply in FUNCTIONS.items():
        f = module.function(name.replace("-", "_"), x=ArrayOf(real), y=ArrayOf(real))
        f.array("y").store(apply(f.array("x").load(0, target.lanes(real))))
        f.end()
    return functions(assembly(module, target))


@cache
def layers(target: Target, dtype: str) -> dict[str, list[str]]:
    """The functions of a network with layers of tanh and sin."""
    shape = tuple(Layer(32, ((name, 32),)) for name in ("tanh", "sin"))
    split = len(shape) if dtype == "float64" else 0
    module = network_module(shape, split, target, Tiling.of(target), keep_hidden=False)
    return functions(assembly(module, target))


def loops(lines: list[str]) -> list[list[str]]:
    """The instructions of the innermost loops: from a label to the jump back to it."""
    found: list[list[str]] = []
    for end, line in enumerate(lines):
        target = line.split()[-1] if line.startswith("j") else ""
        body = lines[lines.index(f"{target}:") + 1 : end + 1] if f"{target}:" in lines[:end] else []
        if body and not any(other.startswith((".L", "j")) for other in body[:-1]):
            found.append(body)
    return found


both = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


@pytest.mark.parametrize("dtype", REALS)
@both
@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations_take_no_more_operations(name: str, target: Target, dtype: str) -> None:
    found = operations(activations(target, dtype)[name.replace("-", "_")])
    slow = sum(count for n, count in found.items() if n.startswith(("vdiv", "vsqrt")))
    assert found.total() <= OPERATIONS[name][list(REALS).index(dtype)]
    assert slow == OPERATIONS[name][-1]


@pytest.mark.parametrize("dtype", REALS)
@both
def test_products_are_multiply_adds_and_what_they_load(target: Target, dtype: str) -> None:
    neurons, vectors = Tiling.of(target)
    for name in ("tanh", "sin"):
        inner = loops(layers(target, dtype)[f"{name}_{neurons}_f{dtype[5:]}"])
        assert len(inner) == 2  # the first inputs, and more of them
        for body in inner:
            found = Counter(line.split()[0] for line in body)
            assert sum(found[n] for n in found if n.startswith("vfmadd")) == neurons * vectors
            assert len(body) <= neurons * vectors + vectors + neurons + 5  # loads, and the loop
            assert not any("sp)" in line or "bp)" in line for line in body)  # nothing is spilled


@pytest.mark.parametrize("dtype", REALS)
@both
def test_vectors_on_the_stack_lie_within_cache_lines(target: Target, dtype: str) -> None:
    for lines in layers(target, dtype).values():
        kept = [line for line in lines if re.match(r"vmov[au]p.*[ymz]mm", line) and "%rsp)" in line]
        assert not kept or any(re.match(r"andq\s+\$-64, %rsp", line) for line in lines)
        assert not any(line.startswith("vmovu") for line in kept)
