"""Every kernel against the oracle, and a point's bits against the lattice it is part of."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.kernels.fields import bits, difference, field, gentle, oracle, scaled
from tilecppn.cppn import ACTIVATIONS, CPPN, PRESETS
from tilecppn.cppn.structure import INPUTS
from tilecppn.errors import InvalidRequestError, RenderError, SceneError
from tilecppn.kernels import KERNELS, Arithmetic, EvaluationContext, Kernel, create, resolve
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.kernels.torch import CPU_CHUNK, ROWS, TorchKernel, device_for
from tilecppn.pixels.window import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import MAX_SIDE
from tilecppn.scene.view import Lattices

LAWS = settings(max_examples=30)

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=needs_cuda)]

LATTICE = Lattices.one(3, 5, 13, 17, 29)
CLOSE = 1e-5  # float32, a few sums deep

# The table of kernels


def test_torch_kernel_has_a_row_for_every_activation() -> None:
    assert set(ROWS) == set(ACTIVATIONS)


def test_auto_is_one_of_the_kernels() -> None:
    assert resolve("auto") in KERNELS
    assert [resolve(name) for name in KERNELS] == list(KERNELS)


@pytest.mark.parametrize(
    ("name", "words"),
    [("torhc", 'did you mean "torch"?'), ("", "known: auto, "), ("zzz", "known:")],
)
def test_unknown_kernel_is_refused(name: str, words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        create(name, field(gentle(width=2)))
    assert "unknown kernel" in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# Revisions that stores have: with a lower one other bytes would be taken for the same.
LEAST = {"reference": 3, "llvm": 3, "torch": 4, "triton": 2}


@pytest.mark.parametrize("name", KERNELS)
def test_arithmetic_names_the_kernel(name: str) -> None:
    arithmetic = create(name, field(gentle(width=2))).arithmetic
    assert isinstance(arithmetic, Arithmetic)
    assert arithmetic.kernel == name
    assert arithmetic.precision == "exact"
    assert arithmetic.revision >= LEAST[name]
    if not torch.cuda.is_available():
        assert arithmetic.device == "cpu"


# Against the oracle


@pytest.mark.parametrize("place", ["hidden", "first and last", "output"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_activation_agrees_with_the_oracle(name: str, activation: str, place: str) -> None:
    hidden = {
        "hidden": ["tanh", activation, "tanh"],
        "first and last": [activation, "sin", activation],
        "output": ["tanh", "tanh"],
    }[place]
    cppn = gentle(seed=4, width=16, activations=hidden)
    if place == "output":
        cppn = CPPN(replace(cppn.structure, output=activation), cppn.layers)
    picture = field(cppn)
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_residual_activation_agrees_with_the_oracle(name: str, activation: str) -> None:
    for hidden in ([activation] * 3, ["tanh", activation, "softplus", "tanh"]):
        picture = field(gentle(seed=4, width=16, activations=hidden, residual=True))
        assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize(
    "inputs", [["x"], ["y", "z"], ["r", "one"], ["one"], ["z"], ["x", "y"], list(INPUTS)]
)
@pytest.mark.parametrize("name", KERNELS)
def test_every_choice_of_inputs_agrees_with_the_oracle(name: str, inputs: list[str]) -> None:
    cppn = gentle(seed=4, width=16, inputs=inputs)
    picture = field(CPPN(replace(cppn.structure, origin=(0.5, -1.5)), cppn.layers))
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("width", [1, 2, 3, 7, 16, 31, 32, 33, 64, 100, 300])
@pytest.mark.parametrize("name", KERNELS)
def test_every_width_agrees_with_the_oracle(name: str, width: int) -> None:
    picture = field(gentle(seed=1, width=width, depth=3))
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("depth", [1, 2, 3, 10, 40])
@pytest.mark.parametrize("name", KERNELS)
def test_every_depth_agrees_with_the_oracle(name: str, depth: int) -> None:
    picture = field(gentle(seed=1, width=12, depth=depth))
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("z_dim", [0, 1, 8, 100])
@pytest.mark.parametrize("name", KERNELS)
def test_every_latent_and_channel_count_agrees_with_the_oracle(
    name: str, z_dim: int, channels: int
) -> None:
    picture = field(gentle(seed=1, width=12, z_dim=z_dim, channels=channels))
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_preset_agrees_with_the_oracle(name: str, preset: str) -> None:
    picture = field(CPPN.from_preset(preset, seed=2), scale=10.0)
    # N(0, 1) weights: errors of the sums are steep in the colour.
    assert difference(create(name, picture), picture, LATTICE) < 2e-3


VIEWS: list[dict[str, Any]] = [
    {"rotation": 30.0},
    {"aspect": "stretch", "grid": "endpoints"},
    {"swap": True},
    {"swap": True, "rotation": 30.0},
    {"mirror": "xy"},
    {"radial": 7},
    {"repeat": "xy", "rotation": 30.0},
    {"repeat": "x", "mirror": "y", "aspect": "stretch"},
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_view_agrees_with_the_oracle(name: str, view: dict[str, Any]) -> None:
    picture = field(gentle(seed=1, width=12), 1000, 2.0, **view)
    assert difference(create(name, picture), picture, LATTICE) < CLOSE


@pytest.mark.parametrize(
    "lattice",
    [
        Lattices.one(0, 0, 1, 1),
        Lattices.one(-50, -70, 5, 9, 11),  # the plane goes on outside of the canvas
        Lattices.one(999, 999, 3, 3, 1000),
        Lattices.one(0, 0, 1, 20_000),
        Lattices.one(0, 0, 20_000, 1),
        Lattices.one(2**31 - 9, 2**31 - 9, 2, 2, 4),
    ],
)
@pytest.mark.parametrize("name", KERNELS)
def test_every_lattice_agrees_with_the_oracle(name: str, lattice: Lattices) -> None:
    side = MAX_SIDE if lattice.origins.max() > 10**6 else 1000
    picture = field(gentle(seed=1, width=8, depth=2), side=side)
    assert difference(create(name, picture), picture, lattice) < CLOSE


BOUNDED = [
    a for a in ACTIVATIONS if abs(ACTIVATIONS[a].function(np.array([-99.0, 99.0]))).max() < 2
]


@pytest.mark.parametrize("activation", BOUNDED)
@pytest.mark.parametrize("name", KERNELS)
def test_bright_sums_do_not_overflow(name: str, activation: str) -> None:
    cppn = scaled(gentle(seed=1, width=4, activations=[activation]), 1e4)
    assert np.isfinite(create(name, field(cppn)).evaluate(LATTICE)).all()


# Bits

FINE: dict[str, Any] = {"center": [5.0, 3.0], "scale": 1e-6}  # float32 cannot hold these points


def kernel_of(name: str, **options: Any) -> Kernel:
    """One for each dtype that a kernel works in."""
    fine = FINE if name.endswith("float64") else {}
    cppn = gentle(seed=7, **{"width": 17, "depth": 2, **options})
    kernel = create(name.split()[0], field(cppn, side=4096, **fine))
    if name != "reference":
        expected = np.float64 if fine else np.float32
        assert kernel.evaluate(Lattices.one(0, 0, 1, 1)).dtype == expected
    return kernel


BY_DTYPE = [*KERNELS, "torch float64", "llvm float64"]


@pytest.mark.parametrize("name", BY_DTYPE)
def test_points_bits_do_not_depend_on_the_lattice(name: str) -> None:
    kernel = kernel_of(name)
    whole = bits(kernel.evaluate(Lattices.one(0, 0, 150, 200))[:, 0].copy())

    @settings(LAWS, max_examples=60)
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


@pytest.mark.parametrize("width", [1, 2, 5, 8, 16, 32, 33, 64, 130, 300])
@pytest.mark.parametrize("name", BY_DTYPE)
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


@pytest.mark.parametrize("name", [name for name in KERNELS if name != "triton"])
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


# Pixels


def compared(name: str, scene: Scene, seed: int, windows: int = 6) -> tuple[int, float]:
    """Largest difference and share of equal values, a kernel against the oracle, 64² windows."""
    rng = np.random.default_rng(seed)
    picture = EvaluationContext.of(scene)
    fast, slow = create(name, picture), ReferenceKernel(picture)
    most, equal = 0, 0.0
    for _ in range(windows):
        top = int(rng.integers(0, scene.canvas.height - 64))
        left = int(rng.integers(0, scene.canvas.width - 64))
        window = Window(top, left, top + 64, left + 64)
        a, b = (render_window(k, scene, window).astype(np.int64) for k in (fast, slow))
        most = max(most, int(np.abs(a - b).max()))
        equal += float(np.mean(a == b)) / windows
    return most, equal


FAST = [name for name in KERNELS if name != "reference"]
SIZES = [(1024, 1024), (1_000_000, 1_000_000), (1_000_000, 1000)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("name", "seed"),
    [
        *(("llvm", seed) for seed in (0, 5)),
        *(pytest.param("llvm", seed, marks=pytest.mark.slow) for seed in (1, 19, 20)),
        ("torch", 0),
        pytest.param("torch", 5, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("preset", PRESETS)
def test_8_bits_are_at_most_1_off_and_999_in_1000_equal(
    preset: str, name: str, seed: int, size: tuple[int, int]
) -> None:
    scene = Scene.of(
        cppn={"preset": preset, "seed": seed},
        latent={"seed": seed},
        canvas={"width": size[0], "height": size[1]},
    )
    most, equal = compared(name, scene, seed)
    assert most <= 1
    assert equal >= 0.999


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("seed", [0, 1, 42])
@pytest.mark.parametrize("name", FAST)
def test_16_bits_of_tame_weights_are_at_most_1_off_and_97_in_100_equal(
    name: str, seed: int, size: tuple[int, int]
) -> None:
    tame = scaled(CPPN.from_preset("hardmaru", seed=seed), 0.1)  # weights N(0, 0.1)
    scene = Scene.of(
        canvas={"width": size[0], "height": size[1]}, output={"dtype": "uint16"}
    ).replace(cppn=tame)
    most, equal = compared(name, scene, seed)
    assert most <= 1
    assert equal >= 0.97


# float64 where float32 is too coarse


@pytest.mark.parametrize(
    ("view", "side", "fine"),
    [
        ({}, 1024, False),
        ({}, 1_000_000, False),
        ({}, MAX_SIDE, True),
        ({"center": [5.0, 3.0], "scale": 1e-6}, 4096, True),
        ({"center": [0.0, 0.0], "scale": 1e-6}, 4096, False),  # around 0 float32 is as fine
    ],
)
def test_float64_is_taken_where_float32_is_too_coarse(
    view: dict[str, Any], side: int, fine: bool
) -> None:
    picture = field(gentle(width=2, depth=1), side, **{"scale": 10.0, **view})
    assert picture.needs_float64 == fine
    for name in FAST:
        dtype = create(name, picture).evaluate(Lattices.one(0, 0, 1, 1)).dtype
        assert dtype == (np.float64 if fine else np.float32)


@LAWS
@given(st.floats(-20, 20), st.floats(-8, 2), st.integers(1, MAX_SIDE))
def test_float64_is_taken_from_a_sixteenth_of_a_pixel_on(
    center: float, scale: float, side: int
) -> None:
    """Where the nearest float32 of a corner may lie that far from it, and not long before."""
    try:
        picture = field(gentle(width=2, depth=1), side, 10.0**scale, center=[center, 0.0])
    except SceneError:  # not even float64 tells its pixels apart
        assume(False)
    step = min(picture.grid.step)
    x, y = picture.grid.points(np.array([[0.0], [side - 1.0]]), np.array([[0.0, side - 1.0]]))
    corner = max(np.abs(x).max(), np.abs(y).max())
    coarse = corner * 2.0**-24  # half a unit in the last place, at most
    if coarse > step / 16:
        assert picture.needs_float64
    if 2 * coarse + step * 2.0**-24 < step / 16:
        assert not picture.needs_float64


@pytest.mark.parametrize(
    ("network", "fine"),
    [
        ({}, False),
        ({"width": 64, "depth": 8}, False),
        ({"depth": 16}, True),
        ({"activations": ["sin"] * 4}, True),
        ({"preset": "flux"}, True),
        ({"preset": "hardmaru-gan-vae"}, False),
        ({"preset": "hardmaru-sine"}, True),
        ({"preset": "guibas"}, False),
    ],
)
def test_float64_is_taken_where_layers_or_output_magnify_the_rounding(
    network: dict[str, Any], fine: bool
) -> None:
    assert EvaluationContext.of(Scene.of(cppn=network)).needs_float64 == fine


@pytest.mark.parametrize("network", [{"depth": 16}, {"preset": "flux", "depth": 20}])
@pytest.mark.parametrize("name", FAST)
def test_8_bits_of_deep_networks_are_equal(name: str, network: dict[str, Any]) -> None:
    assert compared(name, Scene.of(cppn=network), 1, windows=2) == (0, 1.0)


@pytest.mark.parametrize("name", FAST)
def test_deep_zoom_agrees_with_the_oracle(name: str) -> None:
    picture = field(gentle(seed=1, width=12), side=4096, center=[5.0, 3.0], scale=1e-9)
    kernel = create(name, picture)
    lattice = Lattices.one(0, 0, 20, 20, 200)
    values = kernel.evaluate(lattice)[:, 0].copy()
    assert np.abs(values - oracle(picture, lattice)).max() < 1e-13
    assert len(np.unique(values)) > 1000  # neither flat nor in steps


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
    kernel = TorchKernel(field(gentle(seed=7, width=32), 4096, **(FINE if fine else {})), "cuda")
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
    picture = field(gentle(width=8), 4096, **(FINE if fine else {}))
    assert picture.needs_float64 == fine
    assert device_for(picture) == expected


@pytest.mark.parametrize("device", DEVICES)
def test_kernel_runs_on_the_device_it_is_told(device: str) -> None:
    picture = field(gentle(seed=1, width=12))
    kernel = TorchKernel(picture, device)
    assert difference(kernel, picture, LATTICE) < CLOSE
    assert (kernel.arithmetic.device == "cpu") == (device == "cpu")


def test_a_matrix_library_that_would_leave_seams_is_refused_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "equal", lambda one, other: False)
    with pytest.raises(RenderError, match="use --kernel llvm"):
        TorchKernel(field(gentle(width=8)), "cpu")
