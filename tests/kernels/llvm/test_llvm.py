"""The CPU kernel: the same bits on every machine, one function a shape, no GIL, soon compiled."""

import hashlib
import platform
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests import presets
from tests.kernels.contexts import bits, context_of, gentle, oracle
from tilecppn.codegen import HOST, Target
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.fineness import NOTHING
from tilecppn.kernels.llvm import stage
from tilecppn.kernels.llvm.kernel import REVISION, LLVMKernel
from tilecppn.kernels.llvm.layers import Tiling, products
from tilecppn.kernels.llvm.network import Network, network_module
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

DTYPES = ["float32", "float64"]
X86 = platform.machine().lower() in ("x86_64", "amd64")
on_x86 = pytest.mark.skipif(not X86, reason="needs an x86-64 CPU")

LATTICE = Lattices.one(100, 200, 7, 30, 11)
WIDTHS = [replace(HOST, vector_bits=size) for size in (128, 256, 512) if size != HOST.vector_bits]
AVX2 = Target("x86-64-v3", vector_bits=256, registers=16)
BASELINE = Target("x86-64", vector_bits=128, registers=16, fma=False)
TILINGS = [Tiling(1, 1), Tiling(2, 5), Tiling(6, 3)]


def preset(name: str, **network: Any) -> EvaluationContext:
    return EvaluationContext.of(Scene.of(cppn={"preset": name, "seed": 3, **network}))


def evaluated(picture: EvaluationContext, lattice: Lattices = LATTICE, **options: Any) -> Any:
    return bits(LLVMKernel(picture, **options).evaluate(lattice))


# The same bits


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", presets.ALL)
def test_bits_do_not_depend_on_the_vectors_width(name: str, dtype: str) -> None:
    picture = preset(name)
    expected = evaluated(picture, dtype=dtype)
    for target in WIDTHS:
        assert np.array_equal(evaluated(picture, dtype=dtype, target=target), expected), target


@on_x86
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", presets.ALL)
def test_bits_of_avx2_are_those_of_this_cpu(name: str, dtype: str) -> None:
    if "+avx2" not in HOST.features:
        pytest.skip("this CPU has no AVX2")
    picture = preset(name)
    expected = evaluated(picture, dtype=dtype)
    assert np.array_equal(evaluated(picture, dtype=dtype, target=AVX2), expected)


@on_x86
@pytest.mark.parametrize("name", presets.ALL)
def test_bits_without_fma_are_the_same_with_a_warning(name: str) -> None:
    picture = preset(name)
    lattice = LATTICE._replace(rows=2, cols=9)
    expected = evaluated(picture, lattice)
    with pytest.warns(RuntimeWarning, match="no fused multiply-add"):
        slow = evaluated(picture, lattice, target=BASELINE)
    assert np.array_equal(slow, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["hardmaru-residual", "flux"])
def test_bits_do_not_depend_on_the_blocks_shape(name: str, dtype: str) -> None:
    picture = preset(name)
    expected = evaluated(picture, dtype=dtype)
    for tiling in TILINGS:
        assert np.array_equal(evaluated(picture, dtype=dtype, tiling=tiling), expected), tiling


# SHA-256 of the colours' bytes, little-endian. They change when an algorithm changes its bytes,
# which raises the kernel's REVISION, and for no other reason.
PICTURES: dict[str, dict[str, Any]] = {
    "hardmaru": {"cppn": {"preset": "hardmaru"}},
    "softplus": {"cppn": {"preset": "hardmaru-softplus", "seed": 7}},
    "sine, float64": {"cppn": {"preset": "hardmaru-sine"}},
    "sqrt": {"cppn": {"preset": "hardmaru-sqrt", "seed": 91}, "latent": {"seed": 1}},
    "residual": {"cppn": {"preset": "hardmaru-residual"}},
    "gan-vae": {"cppn": {"preset": "hardmaru-gan-vae"}},
    "flux, float64": {"cppn": {"preset": "flux"}},
    "guibas, swapped": {"cppn": {"preset": "guibas"}},
    "rotated": {"view": {"rotation": 30.0, "aspect": "stretch", "grid": "endpoints"}},
    "deep, float64": {"view": {"center": [5.0, 3.0], "scale": 1e-6}},
    "waves": {"cppn": {"activations": ["sin", "gaussian", "cos", "half-sine", "sigmoid-sin"]}},
}
PINNED: dict[str, str] = {
    "hardmaru": "01fd21965a46492179840499ebc78f6c0a20d549b4d685056b8fafe77105a3d2",
    "softplus": "2ea2d3b42bdf2792bcd992ea569355ad858957bec077fe1f159feb68a29ecb2e",
    "sine, float64": "338e67e1a3b398b7388a7650305c105f16476572e08cb4b36b2d6918b0d96320",
    "sqrt": "d18112f2e79c2f03e67408939cac0459d85f51a3402368ec4c6d599c288490dc",
    "residual": "0501d264ec4e33738875e444471036e2b7d75f0c8f850bedc807cda3ccf0c24f",
    "gan-vae": "e5e765eb9594e0f7b603c603bc61810ce992fde11f847c1c45a245c0d8d5b767",
    "flux, float64": "94c3b1d135297b27fa874ee68bd4f81e716811229854f9738209909c24f83fff",
    "guibas, swapped": "8c8e079619d6f145b4c3ba486ae573244bef38e943200fdc49bc8031a068289c",
    "rotated": "b05c434cf5d8cf33291e1e3252248d90858ac698f26e77f679ca5697a3614d37",
    "deep, float64": "8a121d83b500e2782c279116c3cde3bf059a516410bd3a3d11da1072a08968b9",
    "waves": "68485b06f11fab3a006fab9dbf74aee0d24233b8c4e39a3ef5ca9e42f4db3f2d",
}


@pytest.mark.parametrize("name", PICTURES)
def test_bytes_are_those_of_every_machine(name: str) -> None:
    kernel = LLVMKernel(EvaluationContext.of(Scene.of(**PICTURES[name])))
    values = kernel.evaluate(Lattices.one(37, 41, 40, 50, 19))
    assert values.dtype == ("float64" if "float64" in name else "float32")
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    assert hashlib.sha256(little.tobytes()).hexdigest() == PINNED[name]
    assert REVISION == 3


# One function a shape


def test_one_function_serves_all_seeds_of_a_shape() -> None:
    pictures = [context_of(gentle(seed=seed, width=12, depth=2)) for seed in (1, 2)]
    one, other = (LLVMKernel(picture) for picture in pictures)
    assert one.network is other.network
    for kernel, picture in zip((one, other), pictures, strict=True):
        assert np.abs(kernel.evaluate(LATTICE)[:, 0] - oracle(picture, LATTICE)).max() < 1e-5
    assert LLVMKernel(context_of(gentle(seed=1, width=13, depth=2))).network is not one.network


def test_threads_that_compile_at_once_share_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Network] = []

    def network(*arguments: Any) -> Network:
        time.sleep(0.05)  # the others come meanwhile
        made.append(Network(*arguments))
        return made[-1]

    monkeypatch.setattr(stage, "Network", network)
    picture = context_of(gentle(width=37, depth=1))  # of a shape that no other test has
    together, kernels = threading.Barrier(4), []

    def work() -> None:
        together.wait()
        kernels.append(LLVMKernel(picture))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert [kernel.network for kernel in kernels] == made * 4


# Threads


def test_other_threads_run_during_a_call() -> None:
    """Nobody is made to give the GIL up here, so another thread runs only when it is released."""
    kernel = LLVMKernel(preset("hardmaru"))
    whole = 4000 * kernel.batch
    inputs, out = np.zeros((3, whole), np.float32), np.empty((3, whole), np.float32)
    double, single = zip(kernel.weights, kernel.scratch, strict=True)
    arguments = (inputs, whole, NOTHING, *double, *single, out, out, 0)
    ended, ticks = threading.Event(), [0]

    def tick() -> None:
        while not ended.is_set():
            ticks[0] += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    other = threading.Thread(target=tick)
    try:
        other.start()
        sys.setswitchinterval(1000.0)
        for _ in range(100):
            before = ticks[0]
            kernel.network.call(*arguments)
            if ticks[0] > before:
                break
        else:
            pytest.fail("the call held the GIL")
    finally:
        sys.setswitchinterval(interval)
        ended.set()
        other.join()


def test_kernels_in_many_threads_do_not_disturb_each_other() -> None:
    picture = preset("hardmaru-residual")
    lattices = [Lattices.one(50 * k, 0, 40, 300) for k in range(8)]
    kernel = LLVMKernel(picture)
    expected = [bits(kernel.evaluate(lattice)).copy() for lattice in lattices]
    found: dict[int, bool] = {}

    def work(number: int) -> None:
        own = LLVMKernel(picture)
        for _ in range(5):
            same = np.array_equal(bits(own.evaluate(lattices[number])), expected[number])
            found[number] = found.get(number, True) and same

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(8), True)


# Compiling


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_compiled_does_not_grow_with_width_and_little_with_depth(dtype: str) -> None:
    """LLVM's time goes with the instructions: neurons are loops, a layer is one call."""

    def lines(width: int, depth: int) -> int:
        parts = products(context_of(gentle(width=width, depth=depth)).network)
        split = len(parts) if dtype == "float64" else 0
        shape = tuple(part.layer for part in parts)
        module = network_module(shape, split, HOST, Tiling.of(HOST), keep_hidden=False)
        return str(module).count("\n")

    assert lines(128, 16) == lines(32, 16) < 2500
    assert lines(128, 16) - lines(128, 4) < 12 * 15
