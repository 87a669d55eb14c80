"""The torch kernel on the devices that there are."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from tests.kernels.comparing import CLOSE, FINE, LATTICE, compared
from tests.kernels.contexts import bits, context_of, difference, gentle
from tilecppn.cppn import PRESETS
from tilecppn.errors import RenderError
from tilecppn.kernels.torch import TorchKernel, device_for
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


DEVICES = ["cpu", pytest.param("cuda", marks=needs_cuda)]


# CUDA


@needs_cuda
@pytest.mark.parametrize("preset", PRESETS)
def test_cuda_8_bits_are_at_most_1_off_and_999_in_1000_equal(preset: str) -> None:
    scene = Scene.of(cppn={"preset": preset}, canvas={"width": 1_000_000, "height": 1_000_000})
    most, equal = compared("torch", scene, 1)
    assert most <= 1
    assert equal >= 0.999


@needs_cuda
@pytest.mark.parametrize("fine", [False, True])
def test_cuda_points_bits_do_not_depend_on_the_lattice(fine: bool) -> None:
    kernel = TorchKernel(
        context_of(gentle(seed=7, width=32), 4096, **(FINE if fine else {})), "cuda"
    )
    assert kernel.arithmetic.device == torch.cuda.get_device_name()
    more_than_a_chunk = Lattices.one(0, 0, 1100, 1000)
    whole = bits(kernel.evaluate(more_than_a_chunk)[:, 0].copy())
    for lattice in (
        Lattices.one(0, 0, 1, 1),
        Lattices.one(5, 7, 1000, 990),
        Lattices.one(1099, 999, 1, 1),
        Lattices.one(3, 1, 100, 111, 9),
    ):
        origins, rows, cols, stride = lattice
        ((row, col),) = origins.tolist()
        part = whole[:, row::stride, col::stride][:, :rows, :cols]
        assert np.array_equal(bits(kernel.evaluate(lattice)[:, 0]), part)


@pytest.mark.parametrize(
    ("cuda", "mps", "fine", "expected"),
    [
        (True, False, True, "cuda"),
        (False, True, False, "mps"),
        (False, True, True, "cpu"),  # Apple's GPUs have no float64
        (False, False, False, "cpu"),
    ],
)
def test_torch_takes_the_device_that_there_is(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, fine: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    picture = context_of(gentle(width=8), 4096, **(FINE if fine else {}))
    assert picture.needs_float64 == fine
    assert device_for(picture) == expected


@pytest.mark.parametrize("device", DEVICES)
def test_kernel_runs_on_the_device_it_is_told(device: str) -> None:
    picture = context_of(gentle(seed=1, width=12))
    kernel = TorchKernel(picture, device)
    assert difference(kernel, picture, LATTICE) < CLOSE
    assert (kernel.arithmetic.device == "cpu") == (device == "cpu")


def test_a_matrix_library_that_would_leave_seams_is_refused_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "equal", lambda one, other: False)
    with pytest.raises(RenderError, match='use kernel="llvm"'):
        TorchKernel(context_of(gentle(width=8)), "cpu")


def test_the_settings_of_the_process_come_back() -> None:
    before = torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32
    torch.set_num_threads(2)
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        picture = context_of(gentle(seed=7, width=8), 512)
        with ThreadPoolExecutor(3) as pool:
            kernels = list(pool.map(lambda _: TorchKernel(picture, "cpu"), range(3)))
            list(pool.map(lambda kernel: kernel.evaluate(Lattices.one(0, 0, 200, 200)), kernels))
            assert set(pool.map(lambda _: torch.get_num_threads(), range(6))) == {2}
        kernels[0].evaluate(LATTICE)
        assert torch.get_num_threads() == 2
        assert torch.backends.cuda.matmul.allow_tf32
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cuda.matmul.allow_tf32 = before[1]
