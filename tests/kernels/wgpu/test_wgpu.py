"""The wgpu kernel beyond what every kernel must do: on whatever adapter there is, in CI software.

Software compiles each program for seconds, so fast tests have few and small ones, and share them.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import require_wgpu
from tests.kernels.comparing import CLOSE, LATTICE, compared
from tests.kernels.contexts import bits, context_of, difference, gentle
from tilecppn import machine
from tilecppn.cppn import PRESETS
from tilecppn.errors import InvalidRequestError
from tilecppn.kernels import (
    EncodingKernel,
    EvaluationContext,
    PixelFormat,
    create,
    require,
    resolve,
    table,
)
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.kernels.wgpu import device as devices
from tilecppn.kernels.wgpu import kernel as kernels
from tilecppn.kernels.wgpu.kernel import WgpuKernel, supports
from tilecppn.kernels.wgpu.places import parts, places_of
from tilecppn.kernels.wgpu.source import BLOCK, OFFSET
from tilecppn.pixels.output_encoder import OutputEncoder, encode_into
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

SMALL = context_of(gentle(seed=4, width=6, depth=2))
DETAILED = [name for name, preset in PRESETS.items() if preset.detail is not None]


@pytest.fixture(scope="module")
def small() -> WgpuKernel:
    require_wgpu()
    kernel = create("wgpu", SMALL)
    assert isinstance(kernel, WgpuKernel)
    return kernel


# Places, without a GPU


@given(
    st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(-300, 300)), min_size=1),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 300),
)
def test_every_point_is_found_in_its_block(
    origins: list[tuple[int, int]], rows: int, cols: int, stride: int
) -> None:
    lattices = Lattices(np.array(origins, np.int64), rows, cols, stride)
    places = places_of(lattices)
    n = len(origins)
    _, down, across, numbers = np.split(places.words, np.cumsum([2 * n, n * rows, n * cols]))
    down, across = down.reshape(n, rows, 1), across.reshape(n, 1, cols)
    row, col = lattices.indices()
    corner = (BLOCK - 1) / 2
    found_rows = places.rows[places.numbers] - corner + (down & BLOCK - 1)
    found_cols = places.cols[places.numbers] - corner + (across & BLOCK - 1)
    assert np.array_equal(found_rows, np.broadcast_to(row, lattices.shape))
    assert np.array_equal(found_cols, np.broadcast_to(col, lattices.shape))
    # As the shader looks it up.
    of_lattice = numbers.reshape(n, places.down, places.across)
    number = of_lattice[np.arange(n)[:, None, None], down >> OFFSET, across >> OFFSET]
    assert np.array_equal(number, places.numbers)


@settings(max_examples=30)
@given(
    st.integers(1, 3), st.integers(1, 20), st.integers(1, 20), st.integers(1, 200),
    st.integers(50, 200), st.integers(5, 20),
)  # fmt: skip
def test_parts_are_the_whole_and_small(
    n: int, rows: int, cols: int, stride: int, points: int, blocks: int
) -> None:
    origins = np.stack([np.arange(n) * 7, np.arange(n) * -11], axis=1)
    whole = Lattices(origins, rows, cols, stride)
    found = np.full((2, *whole.shape), -1.0)
    for place, part in parts(whole, points, blocks):
        target = found[:, *place]
        assert (target == -1.0).all()
        assert target.shape[1:] == part.shape
        target[...] = np.stack(np.broadcast_arrays(*part.indices()))
        assert np.prod(part.shape) <= points
        assert len(places_of(part).rows) <= blocks or np.prod(part.shape) == 1
    assert np.array_equal(found, np.stack(np.broadcast_arrays(*whole.indices())))


# What evaluates a context, and which kernel `auto` is


def test_fine_and_wide_fields_are_for_the_llvm_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "device_name", lambda: "a GPU")
    monkeypatch.setattr(table, "adapter", lambda: None)
    fine = context_of(gentle(width=8), side=4096, center=[5.0, 3.0], scale=1e-6)
    wide = context_of(gentle(width=129, depth=1))
    for picture in (fine, wide):
        kernel = create("wgpu", picture)
        assert isinstance(kernel, LLVMKernel)
        assert kernel.arithmetic[:3] == ("wgpu", "exact", "a GPU")
        assert kernel.arithmetic.revision == LLVMKernel(picture).arithmetic.revision
    assert supports(SMALL)


@pytest.mark.parametrize("preset", DETAILED)
@pytest.mark.parametrize("scale", [1.0, 1e-9])
def test_detail_is_for_the_shader_however_deep(preset: str, scale: float) -> None:
    scene = Scene.of(cppn={"preset": preset}, view={"center": [0.3, 0.2], "scale": scale})
    assert supports(EvaluationContext.of(scene))


@pytest.mark.parametrize(
    ("cuda", "gpu", "expected"),
    [(False, False, "llvm"), (False, True, "wgpu"), (True, True, "triton")],
)
def test_auto_takes_a_gpu_that_is_no_software(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, gpu: bool, expected: str
) -> None:
    kind = "IntegratedGPU" if gpu else "CPU"
    monkeypatch.setattr(table, "has_gpu", devices.has_gpu.__wrapped__)  # without its cache
    monkeypatch.setattr(devices, "find_spec", lambda name: object())
    monkeypatch.setattr(Path, "exists", lambda path: True)
    monkeypatch.setattr(devices, "adapter", lambda: SimpleNamespace(info={"adapter_type": kind}))
    monkeypatch.setattr(machine, "has_cuda", lambda: cuda)
    monkeypatch.setattr(machine, "triton_fault", lambda: None)
    assert resolve("auto") == expected


def test_without_wgpu_or_a_driver_the_refusal_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> None:
        raise ModuleNotFoundError("No module named 'wgpu'")

    monkeypatch.setattr(table, "adapter", missing)
    with pytest.raises(InvalidRequestError, match=r'pip install "tilecppn\[gpu\]"'):
        require("wgpu", "exact")
    with pytest.raises(InvalidRequestError, match="only the kernel triton"):
        require("wgpu", "fast")


def test_an_adapter_that_is_not_there_is_refused_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_wgpu()
    monkeypatch.setenv("WGPUPY_WGPU_ADAPTER_NAME", "Voodoo 2")
    with pytest.raises(InvalidRequestError, match=r'"Voodoo 2".*kernel="llvm"'):
        devices.adapter.__wrapped__()


# On an adapter


def test_colours_and_sums_are_the_oracles(small: WgpuKernel) -> None:
    assert difference(small, SMALL, LATTICE) < CLOSE
    plain = small.evaluate(LATTICE).tobytes()
    colours, sums = small.trace(LATTICE)
    assert colours.tobytes() == plain
    assert np.abs(sums - ReferenceKernel(SMALL).trace(LATTICE)[1]).max() < CLOSE
    info = devices.adapter().info
    assert small.arithmetic.kernel == "wgpu"
    assert small.arithmetic.device == devices.device_name()
    assert info["device"] in small.arithmetic.device
    assert info["backend_type"] in small.arithmetic.device


def test_a_points_bits_do_not_depend_on_the_lattice(small: WgpuKernel) -> None:
    whole = bits(small.evaluate(Lattices.one(0, 0, 300, 200))[:, 0].copy())

    @settings(max_examples=15)
    @given(
        st.integers(0, 299), st.integers(0, 199), st.integers(1, 60), st.integers(1, 60),
        st.integers(1, 30),
    )  # fmt: skip
    def law(row: int, col: int, rows: int, cols: int, stride: int) -> None:
        rows, cols = min(rows, -(-(300 - row) // stride)), min(cols, -(-(200 - col) // stride))
        part = bits(small.evaluate(Lattices.one(row, col, rows, cols, stride))[:, 0])
        assert np.array_equal(part, whole[:, row::stride, col::stride][:, :rows, :cols])

    law()


def test_a_call_in_many_parts_has_the_same_bits(
    small: WgpuKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lattices = Lattices(np.array([[0, 0], [130, -40], [7, 990]], np.int64), 40, 50, 5)
    whole = [values.copy() for values in small.trace(lattices)]
    monkeypatch.setattr(kernels, "BATCH", 700)
    for one, other in zip(small.trace(lattices), whole, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("invert", "dither"), [(False, True), (True, False)])
def test_stored_pixels_are_those_of_the_encoder(
    small: WgpuKernel, dtype: str, invert: bool, dither: bool
) -> None:
    assert isinstance(small, EncodingKernel)
    lattices = Lattices.one(100, 901, 37, 53)
    encoder = OutputEncoder(dtype, invert, dither)
    colours, expected = small.evaluate(lattices), np.empty((3, 37, 53), dtype)
    encode_into(encoder, colours, 100, 901, expected)
    stored = small.encode(lattices, PixelFormat(dtype, invert, dither))
    # A driver may fuse a product and a sum, and round once where the CPU rounds twice.
    assert np.abs(stored[:, 0].astype(float) - expected).max() <= 1
    assert (stored[:, 0] == expected).mean() > 0.999


def test_threads_have_devices_of_their_own_and_the_same_bits(small: WgpuKernel) -> None:
    expected, found, used = small.evaluate(LATTICE).tobytes(), [], []

    def draw() -> None:
        kernel = WgpuKernel(SMALL)
        used.append(kernel.device)
        found.append(kernel.evaluate(LATTICE).tobytes())

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected, expected]
    assert len({id(device) for device in (*used, small.device)}) == 3


def test_a_lost_device_is_a_lost_worker_and_the_next_kernel_has_another() -> None:
    require_wgpu()
    caught: list[Exception] = []

    def lose() -> None:
        kernel = WgpuKernel(SMALL)
        kernel.device.device.destroy()
        for use in (lambda: kernel.evaluate(LATTICE), lambda: WgpuKernel(SMALL).evaluate(LATTICE)):
            _catch(use, caught)

    thread = threading.Thread(target=lose)
    thread.start()
    thread.join()
    (error,) = caught
    assert machine.is_lost_device(error)
    assert "\n" not in str(error)


def _catch(use: Callable[[], Any], caught: list[Exception]) -> None:
    try:
        use()
    except Exception as error:
        caught.append(error)


def test_detail_is_as_the_oracle_has_it_8_bits_and_sums() -> None:
    require_wgpu()
    scene = Scene.of(
        cppn={"preset": "ink", "width": 8},
        canvas={"width": 64, "height": 64},
        view={"center": [0.31, -0.17], "scale": 1e-3, "mirror": "x"},
    )
    picture = EvaluationContext.of(scene)
    kernel, oracle = create("wgpu", picture), ReferenceKernel(picture)
    whole = Lattices.one(0, 0, 64, 64)
    assert np.abs(kernel.evaluate(whole) - oracle.evaluate(whole)).max() < 1e-3
    lattice = Lattices.one(-3, 5, 9, 7, 11)
    for got, expected in zip(kernel.trace(lattice), oracle.trace(lattice), strict=True):
        assert np.abs(got - expected).max() < 1e-3


# More of them, slowly


@pytest.mark.slow
@pytest.mark.parametrize("width", [7, 16])
def test_layers_written_out_are_those_in_loops(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one is for GPUs, the other for software, with which the rest of the tests runs."""
    require_wgpu()
    for software in (False, True):
        monkeypatch.setattr(kernels, "is_software", lambda software=software: software)
        for residual in (False, True):
            picture = context_of(gentle(seed=4, width=width, depth=3, residual=residual))
            kernel = create("wgpu", picture)
            assert difference(kernel, picture, LATTICE) < CLOSE
            sums = kernel.trace(LATTICE)[1]
            assert np.abs(sums - ReferenceKernel(picture).trace(LATTICE)[1]).max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-2, 1e-6, 1e-12])
@pytest.mark.parametrize("preset", DETAILED)
def test_deep_zooms_into_detail_are_as_the_oracle_has_them(preset: str, scale: float) -> None:
    require_wgpu()
    view = {"center": [0.31, -0.17], "scale": scale}
    most, equal = compared("wgpu", Scene.of(cppn={"preset": preset}, view=view), 1, windows=2)
    assert most <= 1
    assert equal >= 0.999
