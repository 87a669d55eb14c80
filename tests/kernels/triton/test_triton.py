"""The Triton kernel beyond what every kernel must do (`test_kernels.py`).

On the CPU, in Triton's interpreter, where there is no CUDA device (`tests/conftest.py`).
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.contexts import bits, context_of, difference, gentle, oracle, scaled
from tilecppn import machine
from tilecppn.cppn import ACTIVATIONS, CPPN
from tilecppn.errors import InvalidRequestError
from tilecppn.kernels import (
    RAW_COLOURS,
    EncodingKernel,
    EvaluationContext,
    Kernel,
    PixelFormat,
    create,
    resolve,
)
from tilecppn.pixels.colour import coloured
from tilecppn.pixels.output_encoder import OutputEncoder, encode_into
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

pytest.importorskip("triton")

from benchmarks.gpu_checks import checks
from tilecppn.kernels.torch import TorchKernel
from tilecppn.kernels.triton import program
from tilecppn.kernels.triton.activations import EXACT, FAST, interpreted
from tilecppn.kernels.triton.kernel import TritonKernel
from tilecppn.kernels.triton.program import BOUNDED, CONFIGURATIONS, Configuration, Shape, packed

LATTICE = Lattices.one(3, 5, 13, 17, 29)
SMALL = Configuration(16, 4, 16)  # many programs, many pieces
CLOSE = 1e-5


def test_every_activation_has_a_row() -> None:
    assert set(EXACT) == set(FAST) == set(ACTIVATIONS)
    assert [name for name in EXACT if EXACT[name] is not FAST[name]] == ["tanh", "sigmoid"]


def test_bounded_activations_are_those_that_stay_within_1() -> None:
    x = np.linspace(-50.0, 50.0, 100_001)
    assert {a for a in ACTIVATIONS if np.abs(ACTIVATIONS[a].function(x)).max() <= 1.0} == BOUNDED


# What evaluates a context


def test_fine_and_wide_fields_are_for_the_torch_kernel() -> None:
    fine = context_of(gentle(width=8), side=4096, center=[5.0, 3.0], scale=1e-6)
    wide = context_of(gentle(width=257, depth=1))
    for picture in (fine, wide):
        kernel = create("triton", picture)
        assert isinstance(kernel, TorchKernel)
        assert kernel.arithmetic == create("triton", context_of(gentle(width=8))).arithmetic
    assert isinstance(create("triton", context_of(gentle(width=256, depth=1))), TritonKernel)


@pytest.mark.parametrize("name", ["llvm", "torch", "reference"])
def test_fast_precision_is_refused_by_other_kernels(name: str) -> None:
    with pytest.raises(InvalidRequestError, match=r'output\.precision = "fast"') as caught:
        create(name, EvaluationContext.of(Scene.of(output={"precision": "fast"})))
    assert name in str(caught.value)


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_arithmetic_records_the_precision(precision: str) -> None:
    kernel = create("triton", EvaluationContext.of(Scene.of(output={"precision": precision})))
    assert kernel.arithmetic.precision == precision
    assert kernel.arithmetic.kernel == "triton"


@pytest.mark.parametrize(
    ("cuda", "triton", "expected"),
    [(False, True, "llvm"), (True, True, "triton"), (True, False, "torch")],
)
def test_auto_is_the_fastest_that_the_device_has(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, triton: bool, expected: str
) -> None:
    monkeypatch.setattr(machine, "has_cuda", lambda: cuda)
    monkeypatch.setattr(machine, "triton_fault", lambda: None if triton else "not installed")
    assert resolve("auto") == expected


@pytest.mark.parametrize(
    ("capability", "version", "compiler", "says"),
    [
        ((8, 0), "3.6.0", True, None),
        ((12, 0), "4.0", True, None),
        ((7, 5), "3.7.1", True, "compute capability 8.0; use --kernel torch"),
        ((9, 0), "3.5.1", True, "3.5.1 is too old: pip install"),
        ((9, 0), "3.7.1", False, "a C compiler and Python's headers (no cc)"),
    ],
)
def test_what_keeps_triton_from_running_is_said(
    monkeypatch: pytest.MonkeyPatch,
    capability: tuple[int, int],
    version: str,
    compiler: bool,
    says: str | None,
) -> None:
    class Driver:
        @property
        def active(self) -> Any:
            if not compiler:
                raise RuntimeError("no cc")
            return SimpleNamespace(utils=None)

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr("importlib.metadata.version", lambda _: version)
    monkeypatch.setattr("triton.runtime.driver", Driver())
    fault = machine.triton_fault.__wrapped__()
    assert (fault is None) == (says is None)
    assert says is None or says in (fault or "")


def test_an_edited_activation_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a tuple of functions Triton's cache knows the names alone."""
    cppn = gentle(width=4, depth=3, activations=["sin", "gaussian", "cos"])
    for name in ("gaussian", "cos"):
        monkeypatch.setitem(EXACT, name, SimpleNamespace(cache_key=f"<{name}>"))
    assert Shape.of(context_of(cppn).network, "exact").SOURCES == "<gaussian><cos>"


# Weights


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 40),
    st.floats(-25, 30),
    st.sampled_from(["tanh", "relu"]),
)
@settings(max_examples=40)
def test_split_weights_hold_22_bits_whatever_their_scale(
    seed: int, width: int, exponent: float, activation: str
) -> None:
    cppn = gentle(seed=seed, width=width, activations=[activation] * 3)
    picture = context_of(scaled(cppn, 10.0**exponent))
    shape = Shape.of(picture.network, "exact")
    vectors, high, low = packed(picture, shape)
    assert np.isfinite(high).all()
    assert np.isfinite(low).all()
    for layer, (weight, bias) in enumerate(picture.cppn.layers[1:-1]):
        scale, offset = vectors[4 + 2 * layer].astype(np.float64), vectors[5 + 2 * layer]
        scale[:width] *= shape.SCALE or 1.0
        whole = high[layer].astype(np.float64) + low[layer].astype(np.float64)
        assert not whole[width:].any()
        assert not whole[:, width:].any()
        back = (whole * scale)[:width, :width].T
        largest = np.abs(weight).max(axis=1, keepdims=True)
        assert (np.abs(back - weight) <= 2.0**-21 * np.abs(weight) + 2.0**-35 * largest).all()
        assert np.array_equal(offset[:width], bias)


@pytest.mark.parametrize(
    ("names", "pattern", "repeats", "tail"),
    [
        (["tanh"], 0, 0, 0),
        (["sin", "tanh"], 1, 1, 0),
        (["sin", "tanh", "tanh", "tanh"], 1, 3, 0),
        (["cos", "sin", "cos", "sin", "cos", "sin"], 2, 2, 1),
        (["cos", "abs", "tanh", "sin"], 3, 1, 0),
    ],
)
def test_layers_that_repeat_are_a_loop(
    names: list[str], pattern: int, repeats: int, tail: int
) -> None:
    shape = Shape.of(context_of(gentle(width=4, activations=names)).network, "exact")
    assert (len(shape.PATTERN), shape.REPEATS, shape.TAIL) == (pattern, repeats, tail)
    between = shape.PATTERN * shape.REPEATS + shape.PATTERN[: shape.TAIL]
    assert between == tuple((EXACT[name],) for name in names[1:])
    assert (EXACT[names[0]],) == shape.FIRST


# Against the oracle


@pytest.mark.parametrize(
    ("activation", "width"), [("tanh", 16), ("softplus", 20), ("softplus", 33), ("tanh", 64)]
)
def test_layers_in_pieces_agree_with_the_oracle(activation: str, width: int) -> None:
    picture = context_of(
        gentle(seed=3, width=width, activations=["sin", activation, "cos", activation])
    )
    kernel = TritonKernel(picture, SMALL)
    assert difference(kernel, picture, Lattices.one(3, 5, 5, 7, 29)) < CLOSE


@pytest.mark.parametrize("activation", ["relu", "softplus", "identity", "abs"])
@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_large_and_small_values_keep_their_digits(activation: str, size: float) -> None:
    """Between layers, where float16 would overflow or have no digit left."""
    layers = list(gentle(seed=2, width=16, activations=[activation] * 3, depth=3).layers)
    layers[0] = (size * layers[0][0], size * layers[0][1])
    layers[-1] = (layers[-1][0] / size, layers[-1][1])
    cppn = CPPN(gentle(width=16, activations=[activation] * 3).structure, layers)
    picture = replace(context_of(cppn), precision="exact")
    kernel = TritonKernel(picture)
    assert difference(kernel, picture, LATTICE) < CLOSE


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_those_of_float32(activation: str) -> None:
    """As outputs of one unit that passes x on: largest error where |x| ≤ 20.

    In the interpreter a fused multiply-add is not fused, which sines of large x suffer from.
    """
    base = gentle(width=16, activations=["identity"], inputs=["x"])
    first, last = np.zeros((16, 1)), np.zeros((3, 16))
    first[0] = last[0, 0] = 1.0
    cppn = CPPN(
        replace(base.structure, output=activation), [(first, np.zeros(16)), (last, np.zeros(3))]
    )
    picture = context_of(cppn, side=20_001, scale=20.0)
    got = TritonKernel(picture).evaluate(Lattices.one(10_000, 0, 1, 20_001))[0, 0, 0]
    rows, cols = np.array([[10_000.0]]), np.arange(20_001.0)[None]
    x = picture.points(rows, cols)[0].astype(np.float32).astype(np.float64)
    expected = ACTIVATIONS[activation].function(x)[0]
    unit = 2.0**-23 * np.maximum(1.0, np.abs(expected))
    allowed = 2.0 + ("sin" in activation or activation == "cos") * np.abs(x[0])
    assert np.max(np.abs(got - expected) / unit - allowed) < 0.0


def test_trace_has_the_sums_and_the_colours_of_evaluate() -> None:
    picture = context_of(
        gentle(seed=1, width=20, activations=["tanh", "relu", "sin"], residual=True)
    )
    for kernel in (TritonKernel(picture), TritonKernel(picture, SMALL)):
        lattice = Lattices.one(3, 5, 5, 7, 29)
        colours, sums = (v[:, 0].copy() for v in kernel.trace(lattice))
        assert np.array_equal(bits(colours), bits(kernel.evaluate(lattice)[:, 0]))
        expected = create("reference", picture).trace(lattice)[1][:, 0]
        assert sums.shape == expected.shape == (63, 5, 7)
        assert np.abs(sums - expected).max() < CLOSE


# Pixels


@pytest.mark.parametrize("dither", ["none", "noise"])
@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_stored_pixels_are_those_of_its_colours(dtype: str, invert: bool, dither: str) -> None:
    output = {"dtype": dtype, "invert": invert, "dither": dither}
    scene = Scene.of(
        cppn={"width": 8, "activations": ["sin", "sin"], "seed": 2}, output=output,
        canvas={"width": 2**31 - 1, "height": 1000},
    )  # fmt: skip
    cppn = CPPN(replace(scene.cppn.structure, output="identity"), scene.cppn.layers)  # also < 0
    scene = scene.replace(cppn=cppn, view={"scale": 100.0, "center": [-0.2 * 2**30, 0.0]})
    kernel = TritonKernel(replace(EvaluationContext.of(scene), precision="exact"))
    encoder = OutputEncoder.of(scene.output)
    lattices = Lattices(np.array([[500, 2**31 - 40], [900, 5]], np.int64), 9, 33, 1)
    got = kernel.encode(lattices, encoder).copy()
    colours = kernel.evaluate(lattices)
    expected = np.empty_like(got)
    for i, (row, col) in enumerate(lattices.origins.tolist()):
        encode_into(encoder, colours[:, i, None], row, col, expected[:, i])
    assert got.dtype == np.dtype(dtype)
    assert len(np.unique(got)) > 50
    assert np.array_equal(got, expected)


def test_not_a_number_is_stored_as_0() -> None:
    cppn = gentle(width=4, depth=1)
    layers = [cppn.layers[0], (np.full((3, 4), np.nan), cppn.layers[1][1])]
    kernel = TritonKernel(context_of(CPPN(cppn.structure, layers)))
    assert np.isnan(kernel.evaluate(LATTICE)).all()
    for dtype in ("uint8", "uint16"):
        pixel_format = PixelFormat(dtype, invert=False, dither=False)
        assert not kernel.encode(LATTICE, pixel_format).any()


def test_nothing_is_written_beyond_the_last_point() -> None:
    kernel = TritonKernel(context_of(gentle(width=4, depth=2)), SMALL)
    lattices = Lattices.one(0, 0, 5, 7)
    units = sum(len(w) for w, _ in kernel.context.cppn.layers)
    memory = torch.full((3 + units + 2, 5, 7), 7.0, device=kernel.device)
    kernel.program.launch(lattices, RAW_COLOURS, memory[:3][:, None], memory[4:-1][:, None])
    values = memory.cpu().numpy()
    assert (values[[3, -1]] == 7.0).all()
    assert not (values[:3] == 7.0).any()
    assert not (values[4:-1] == 7.0).any()


PICTURE = Scene.of(
    cppn={"width": 8, "depth": 2, "seed": 3},
    canvas={"width": 200, "height": 130},
    output={"tolerance": 0.0, "dither": "noise"},
)


def whole(scene: Scene, kernel: Kernel | None = None) -> Any:
    window = Window(0, 0, scene.canvas.height, scene.canvas.width)
    return render_window(kernel or create("triton", EvaluationContext.of(scene)), scene, window)


@pytest.mark.parametrize("reconstructed", [False, True])
def test_pixels_do_not_depend_on_the_window(reconstructed: bool) -> None:
    scene = PICTURE.replace(output={"tolerance": 0.1})
    kernel = TritonKernel(EvaluationContext.of(scene))
    kernel.prefer_full_evaluation = not reconstructed
    picture = whole(scene, kernel)
    for window in (Window(0, 0, 1, 1), Window(63, 65, 130, 129), Window(1, 3, 40, 200)):
        part = picture[:, window.top : window.bottom, window.left : window.right]
        assert np.array_equal(render_window(kernel, scene, window), part)


def test_all_pixels_are_evaluated_where_that_is_quicker_than_reconstruction() -> None:
    small = {"width": 8, "height": 8}
    quick = EvaluationContext.of(Scene.of(cppn={"width": 64, "depth": 8}, canvas=small))
    slow = EvaluationContext.of(Scene.of(cppn={"width": 64, "depth": 9}, canvas=small))
    assert [TritonKernel(context).prefer_full_evaluation for context in (quick, slow)] == [
        True,
        False,
    ]
    coarse = PICTURE.replace(output={"tolerance": 200.0, "dither": "none"})
    exact = coarse.replace(output={"tolerance": 0.0})
    assert np.array_equal(whole(coarse), whole(exact))
    kernel = TritonKernel(EvaluationContext.of(coarse))
    kernel.prefer_full_evaluation = False
    assert not np.array_equal(whole(coarse, kernel), whole(exact))


def test_pixels_are_the_cpus_but_for_one_step() -> None:
    difference = whole(PICTURE).astype(int) - whole(
        PICTURE, create("llvm", EvaluationContext.of(PICTURE))
    )
    assert np.abs(difference).max() <= 1
    assert np.mean(difference != 0) < 0.001


@pytest.mark.parametrize("colours", [{"palette": "magma"}, {"color": "oklch"}])
def test_colour_maps_and_samples_are_made_of_its_colours(colours: dict[str, str]) -> None:
    """What happens between network and storage is not the kernel's: it must give colours."""
    scene = Scene.of(
        cppn={"width": 8, "depth": 2},
        canvas={"width": 60, "height": 50},
        output={"tolerance": 0.0, "supersample": 2, **colours},
    )
    kernel = create("triton", EvaluationContext.of(scene))
    assert isinstance(kernel, EncodingKernel)
    assert not isinstance(coloured(kernel, scene.output, scene.cppn.channels), EncodingKernel)
    difference = whole(scene, kernel).astype(int) - whole(
        scene, create("llvm", EvaluationContext.of(scene))
    )
    assert np.abs(difference).max() <= 1


@pytest.mark.slow
def test_checks_of_the_gpu_benchmark_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m benchmarks.gpu` runs the same on a GPU, larger."""
    monkeypatch.setattr(program, "INTERPRETED", Configuration(512, 1, 32))
    found = list(checks(np.random.default_rng(0), networks=2, side=21, widest=40))
    assert len(found) == 10
    assert all(check.passed for check in found), found


def test_checks_of_the_gpu_benchmark_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "INTERPRETED", Configuration(512, 1, 32))
    monkeypatch.setitem(EXACT, "sigmoid", EXACT["sin"])
    monkeypatch.setattr("benchmarks.gpu_checks.encode_into", lambda *_: None)
    found = list(checks(np.random.default_rng(0), networks=1, side=21, widest=40))
    passed = [check.passed for check in found]
    # The last is of the fast precision, of which nothing is asked.
    assert passed == [False, True, True, False, False, True]


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("width", CONFIGURATIONS)
@pytest.mark.parametrize("residual", [False, True])
def test_every_width_and_activation_in_its_own_configuration(
    activation: str, width: int, residual: bool
) -> None:
    picture = context_of(
        gentle(seed=4, width=width, activations=[activation] * 3, residual=residual)
    )
    kernel = TritonKernel(picture, CONFIGURATIONS[width])
    assert difference(kernel, picture, LATTICE) < CLOSE
    row = bits(kernel.evaluate(Lattices.one(9, 0, 1, 700))[:, 0].copy())
    for shift in (1, 17, 333):
        moved = bits(kernel.evaluate(Lattices.one(9, shift, 1, 700 - shift))[:, 0])
        assert np.array_equal(moved, row[:, :, shift:])


@pytest.mark.skipif(not interpreted(), reason="needs the interpreter")
def test_the_interpreter_is_what_ran_here() -> None:
    assert create("triton", context_of(gentle(width=2))).arithmetic.device == "cpu"
    assert oracle(context_of(gentle(width=2)), LATTICE).shape == (3, 13, 17)
