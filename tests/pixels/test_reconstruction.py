"""Reconstruction: the same bits whatever is asked for, and as if every pixel were evaluated."""

import hashlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.pixels import hard
from tilecppn.cppn import CPPN, PRESETS
from tilecppn.kernels import KERNELS, PIXELS, EvaluationContext, Kernel, create
from tilecppn.pixels import window as drawing
from tilecppn.pixels.output_encoder import BLOCK
from tilecppn.pixels.prediction_error import HALO
from tilecppn.pixels.reconstruction import BATCH, FINER, FIRST, RegionState
from tilecppn.pixels.window import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

LAWS = settings(max_examples=25)

Pixels = NDArray[Any]


def whole(scene: Scene) -> Window:
    return Window(0, 0, scene.canvas.height, scene.canvas.width)


def drawn(scene: Scene, window: Window | None = None, kernel: str = "auto") -> Pixels:
    evaluator = create(kernel, EvaluationContext.of(scene))
    return render_window(evaluator, scene, window or whole(scene))


def evaluated(scene: Scene, window: Window | None = None, kernel: str = "auto") -> Pixels:
    return drawn(scene.replace(output={"tolerance": 0.0}), window, kernel)


class Agreement(NamedTuple):
    worst: int
    equal: float  # share

    @classmethod
    def of(cls, got: Pixels, expected: Pixels) -> "Agreement":
        difference = np.abs(got.astype(np.int64) - expected.astype(np.int64))
        return cls(int(difference.max()), float(np.mean(difference == 0)))


class Counting:
    """A kernel that counts the points it is asked for."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.points = 0
        self.arithmetic, self.noise, self.batch = kernel.arithmetic, kernel.noise, kernel.batch

    def evaluate(self, lattices: Lattices) -> NDArray[np.floating]:
        self.points += math.prod(lattices.shape)
        return self.kernel.evaluate(lattices)

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        self.points += math.prod(lattices.shape)
        return self.kernel.trace(lattices)


def evaluations(scene: Scene, window: Window | None = None) -> float:
    """A pixel."""
    kernel = Counting(create("auto", EvaluationContext.of(scene)))
    window = window or whole(scene)
    render_window(kernel, scene, window)
    return kernel.points / (window.height * window.width)


# The same bits whatever is asked for

# Blocks of every kind: some accepted at once, some on each finer lattice, some evaluated.
MIXED = Scene.of(
    cppn={"seed": 3, "width": 8, "depth": 2},
    canvas={"width": 501, "height": 333},
    view={"rotation": 20.0, "scale": 2.0},
)
OUTPUTS: list[dict[str, Any]] = [
    {"dtype": "uint8"},
    {"dtype": "uint16"},
    {"dtype": "float32"},
    {"dtype": "uint8", "dither": "noise"},
    {"dtype": "uint8", "tolerance": 20.0},
    {"dtype": "uint8", "supersample": 2},
    {"dtype": "uint16", "supersample": 3, "dither": "noise", "invert": True},
    {"dtype": "float32", "supersample": 2},
]


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda o: " ".join(map(str, o.values())))
def test_pixels_do_not_depend_on_window_or_regions(
    output: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = MIXED.replace(output=output)
    kernel = create("auto", EvaluationContext.of(scene))
    expected = render_window(kernel, scene, whole(scene))
    assert len(np.unique(expected)) > 50

    @LAWS
    @given(
        st.integers(0, 332),
        st.integers(0, 500),
        st.integers(1, 333),
        st.integers(1, 501),
        st.sampled_from([64, 128, 192, 4096]),
        st.sampled_from([1, 37, 64, 1024]),
    )
    def law(top: int, left: int, height: int, width: int, region: int, samples: int) -> None:
        window = Window(top, left, min(top + height, 333), min(left + width, 501))
        if samples < 37:
            window = Window(top, left, min(top + 5, 333), min(left + 5, 501))
        with monkeypatch.context() as patch:
            patch.setattr(drawing, "REGION", region)
            patch.setattr(drawing, "SAMPLES", samples)
            part = render_window(kernel, scene, window)
        assert np.array_equal(part, expected[:, top : window.bottom, left : window.right])

    law()


@pytest.mark.parametrize("name", KERNELS)
def test_pixels_of_every_kernel_do_not_depend_on_the_window(name: str) -> None:
    scene = MIXED.replace(output={"dtype": "uint16"})
    expected = drawn(scene, kernel=name)
    for window in (Window(0, 0, 1, 1), Window(63, 60, 200, 131), Window(300, 400, 333, 501)):
        top, left, bottom, right = window
        assert np.array_equal(drawn(scene, window, name), expected[:, top:bottom, left:right])


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (63, 65), (64, 64), (7, 130)])
def test_canvases_smaller_than_a_block_are_drawn(size: tuple[int, int]) -> None:
    scene = MIXED.replace(canvas={"width": size[0], "height": size[1]}, view={"scale": 0.3})
    got = drawn(scene)
    assert got.shape == (3, size[1], size[0])
    assert Agreement.of(got, evaluated(scene)).worst <= 1


# SHA-256 of MIXED's pixels. They change when reconstruction or finish change their bytes, which
# raises PIXELS, when the kernel changes its own, and for no other reason.
PINNED: list[tuple[dict[str, Any], str]] = [
    ({}, "002af4dc10435de33ae074b3d0db06cc10c110661994af61d47c25236d2f4522"),
    (
        {"dither": "noise", "invert": True},
        "d92702c5ca3e1ece4cbcd4ed55eba498e89c353c23a3d31483013ca286656b1f",
    ),
    ({"supersample": 2}, "cc9049e26d5d5ee2fc9898b66e4c55051c313677a8993fc70d12f0b971653b69"),
]


@pytest.mark.parametrize(("output", "digest"), PINNED)
def test_pixels_are_those_of_every_machine(output: dict[str, Any], digest: str) -> None:
    pixels = np.ascontiguousarray(drawn(MIXED.replace(output=output), kernel="llvm"))
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == digest
    assert PIXELS == 1


# What is asked for


@LAWS
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from(FINER),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_each_block_that_is_asked_for_lies_in_one_lattice(
    down: int, right: int, stride: int, crowded: bool, seed: int
) -> None:
    region = Window(640, -128, 640 + down * BLOCK, -128 + right * BLOCK)
    drawing = RegionState.of(region, np.empty((1, region.height, region.width)))
    rng = np.random.default_rng(seed)
    drawing.stride[:] = rng.choice([FIRST, *FINER, 1], (down, right), p=[0.1, 0.3, 0.3, 0.2, 0.1])
    drawing.crowded[:] = rng.random((down, right)) < 0.5
    found = np.zeros((down, right), int)
    for lattices in drawing.lattices(stride, crowded):
        assert lattices.stride == stride
        assert math.prod(lattices.shape) <= BATCH
        across = (lattices.rows - 1 - 2 * HALO) * stride // BLOCK
        corners = lattices.origins + HALO * stride - np.array([region.top, region.left])
        assert not (corners % BLOCK).any()
        for row, col in corners // BLOCK:
            found[row : row + across, col : col + across] += 1
    asked = drawing.asked(stride, crowded)
    assert (found[asked] == 1).all()
    assert found.sum() <= 2 * asked.sum()  # what lies beside them in squares


# How much is evaluated


def test_tolerance_0_evaluates_every_pixel_once() -> None:
    assert evaluations(MIXED.replace(output={"tolerance": 0.0})) == 1.0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_an_evaluated_window_is_the_kernels_colours(dtype: str) -> None:
    scene = MIXED.replace(output={"tolerance": 0.0, "dtype": dtype})
    window = Window(11, 60, 141, 200)
    colours = create("auto", EvaluationContext.of(scene)).evaluate(Lattices.one(11, 60, 130, 140))[
        :, 0
    ]
    full = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[dtype]
    expected = colours if dtype == "float32" else np.rint(np.float32(full) * colours)
    assert np.array_equal(drawn(scene, window), expected)


@pytest.mark.parametrize(
    ("side", "most"), [(1024, 1.3), (4096, 0.5), (16384, 0.03), (131072, 0.0055)]
)
def test_the_larger_the_canvas_the_fewer_evaluations_a_pixel(side: int, most: float) -> None:
    scene = Scene.of(canvas={"width": side, "height": side})
    top = max(0, side // 3 // 64 * 64 - 512)
    window = Window(top, top, top + 1024, top + 1024)
    assert evaluations(scene, window if side > 1024 else None) <= most


def test_a_larger_tolerance_takes_fewer_evaluations_and_stays_within_it() -> None:
    scene = Scene.of(canvas={"width": 8192, "height": 8192})
    window = Window(2048, 2048, 2560, 2560)
    exact = evaluated(scene, window)
    shares = []
    for tolerance in (0.01, 0.1, 1.0, 8.0):
        loose = scene.replace(output={"tolerance": tolerance})
        shares.append(evaluations(loose, window))
        assert Agreement.of(drawn(loose, window), exact).worst <= 1 + tolerance
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.5 * shares[0]


def test_a_tolerance_below_the_kernels_noise_is_that_noise() -> None:
    """So that smooth 16-bit pictures are not evaluated pixel by pixel for float32's rounding."""
    scene = Scene.of(canvas={"width": 2**18, "height": 2**18}, output={"dtype": "uint16"})
    window = Window(2**17 + 4096, 4096, 2**17 + 4608, 4608)
    assert evaluations(scene.replace(output={"tolerance": 1e-9}), window) < 0.02


# As if every pixel were evaluated


# uint8's tolerance, and colours before they are rounded.
UNROUNDED: dict[str, Any] = {"dtype": "float32", "tolerance": 0.1 * 65535 / 255}


def random_windows(side: int, count: int, seed: int, size: int = 192) -> list[Window]:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, side - size, (count, 2), endpoint=True).tolist()
    middle = side // 2 - size // 3  # r has its tip there
    places = [[middle, middle], *corners]
    return [Window(top, left, top + size, left + size) for top, left in places]


def preset_scene(preset: str, seed: int, side: int, dtype: str) -> Scene:
    return Scene.of(
        cppn={"preset": preset, "seed": seed},
        latent={"seed": seed},
        canvas={"width": side, "height": side},
        output={"dtype": dtype},
    )


def agreement(scene: Scene, windows: list[Window]) -> Agreement:
    kernel, exact = (
        create("auto", EvaluationContext.of(scene)),
        scene.replace(output={"tolerance": 0.0}),
    )
    each = [
        Agreement.of(render_window(kernel, scene, w), render_window(kernel, exact, w))
        for w in windows
    ]
    return Agreement(max(a.worst for a in each), float(np.mean([a.equal for a in each])))


def check_8_bits(preset: str, seed: int, side: int, windows: int) -> None:
    """At most 1 off and 99.9 % equal."""
    found = agreement(
        preset_scene(preset, seed, side, "uint8"), random_windows(side, windows, seed)
    )
    assert found.worst <= 1
    assert found.equal >= 0.999


def check_16_bits(preset: str, seed: int, side: int, windows: int) -> None:
    """At most 2 off and 97 % equal; more only where float32 itself is as far from the oracle."""
    scene = preset_scene(preset, seed, side, "uint16")
    places = random_windows(side, windows, seed, size=128)
    found = agreement(scene, places)
    if found.worst <= 2 and found.equal >= 0.97:
        return
    exact = [evaluated(scene, w, "reference") for w in places]
    alone = [Agreement.of(evaluated(scene, w), e) for w, e in zip(places, exact, strict=True)]
    ours = [Agreement.of(drawn(scene, w), e) for w, e in zip(places, exact, strict=True)]
    assert max(a.worst for a in ours) <= max(a.worst for a in alone) + 2
    mean = float(np.mean([a.equal for a in ours]))
    assert mean >= min(0.97, float(np.mean([a.equal for a in alone])) - 0.03)


SIDES = [1024, 4096, 16384, 131072]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("preset", PRESETS)
def test_8_bits_are_at_most_1_off_and_999_in_1000_equal(preset: str, side: int) -> None:
    check_8_bits(preset, 1, side, 2)


@pytest.mark.parametrize("side", [1024, 16384])
@pytest.mark.parametrize("preset", PRESETS)
def test_16_bits_are_as_good_as_evaluation(preset: str, side: int) -> None:
    check_16_bits(preset, 1, side, 1)


@pytest.mark.slow
@pytest.mark.parametrize("side", [*SIDES, 2048, 8192, 32768, 65536])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_seed_and_canvas_is_as_good_as_evaluation(
    preset: str, seed: int, side: int
) -> None:
    check_8_bits(preset, seed, side, 8)
    check_16_bits(preset, seed, side, 4)


# Made to fool it


class Error(NamedTuple):
    """Of colours, in steps of 8 bits. The mean is the share of pixels that come out 1 off."""

    worst: float
    mean: float


def error(cppn: CPPN) -> Error:
    """What uint8's tolerance lets pass, before it is rounded: pixels at a tie tell nothing."""
    scene = hard.canvas(cppn, **UNROUNDED)
    exact = evaluated(scene)
    assert exact.max() > exact.min()  # there is something to miss
    off = 255.0 * np.abs(drawn(scene).astype(np.float64) - exact)
    return Error(float(off.max()), float(off.mean()))


def assert_seen(cppn: CPPN) -> None:
    found = error(cppn)
    assert found.worst <= 0.5  # so at most 1 off
    assert found.mean <= 0.001  # so 99.9 % equal


PLACES = np.linspace(120.0, 136.0, 9).tolist()  # node to node: on one, and between two
DEGREES = [0.0, 90.0, 45.0, 135.0, 30.0, 3.0, 80.0, 60.0, 45.0]
WIDTHS = [1.0, 2.0, 3.0, 5.0]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("ridge", hard.RIDGES)
def test_thin_ridges_are_seen(ridge: str, width: float) -> None:
    for i, place in enumerate(PLACES):
        degrees = [0.0, 90.0, 45.0, 7.0][i % 4]
        assert_seen(hard.RIDGES[ridge](hard.line(degrees, place + 0.13), width))


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [0.0, 90.0, 45.0, 135.0, 30.0, 3.0, 107.0])
@pytest.mark.parametrize("width", [*WIDTHS, 8.0, 12.0])
@pytest.mark.parametrize("ridge", hard.RIDGES)
def test_thin_ridges_are_seen_at_every_place_and_slant(
    ridge: str, width: float, degrees: float
) -> None:
    for place in np.arange(120.0, 136.0, 0.37):
        assert_seen(hard.RIDGES[ridge](hard.line(degrees, place), width))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("spot", hard.SPOTS)
def test_spots_and_rings_are_seen(spot: str, width: float) -> None:
    for place in [(128.0, 128.0), (136.0, 136.0), (128.2, 136.0), (131.3, 140.9), (64.0, 64.0)]:
        assert_seen(hard.SPOTS[spot](place, width))


@pytest.mark.slow
@pytest.mark.parametrize("width", [*WIDTHS, 8.0, 12.0])
@pytest.mark.parametrize("spot", hard.SPOTS)
def test_spots_and_rings_are_seen_at_every_place(spot: str, width: float) -> None:
    for place in np.random.default_rng(0).uniform(120.0, 136.0, (60, 2)).tolist():
        assert_seen(hard.SPOTS[spot]((place[0], place[1]), width))


PERIODS = [2.0, 4.0, 8.0, 16.0, 32.0, 33.3]
PHASES = [0.1, 1.0, 2.0, 4.0]


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("activation", ["sin", "cos", "half-sine", "sigmoid-sin"])
def test_waves_that_repeat_with_the_lattice_are_seen(activation: str, period: float) -> None:
    for phase, degrees in zip(PHASES, (0.0, 90.0, 45.0, 20.0), strict=True):
        assert_seen(hard.waves(period, degrees, phase, activation))


@pytest.mark.parametrize("width", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("period", PERIODS[1:])
def test_ridges_on_waves_are_seen(period: float, width: float) -> None:
    for phase, degrees in zip([0.0, *PHASES[1:]], (0.0, 90.0, 45.0, 20.0), strict=True):
        assert_seen(hard.ridges_on_waves(period, degrees, phase, width))


@pytest.mark.parametrize("period", [64.0, 100.0, 128.0, 256.0])
@pytest.mark.parametrize("make", [hard.waves, hard.faint_waves])
def test_waves_that_just_fit_the_tolerance_are_off_by_a_sixteenth_of_it(
    make: Callable[..., CPPN], period: float
) -> None:
    """The worst case of a smooth picture: each block has as large an error as is accepted."""
    for phase, degrees in zip(PHASES, (0.0, 90.0, 45.0, 20.0), strict=True):
        found = error(make(period, degrees, phase))
        assert found.worst <= 0.1
        assert found.mean <= 0.1 / 16


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "abs", "sqrt-tanh"])
def test_kinks_are_seen(activation: str) -> None:
    """Along a kink that is faint enough to be accepted the error is up to the tolerance."""
    stored = []
    for place, degrees in zip(PLACES, DEGREES, strict=True):
        for slope in (1 / 20, 1 / 100, 1 / 500):
            fold = hard.times(hard.line(degrees, place), slope)
            both: tuple[list[tuple[str, list[hard.Row]]], ...] = (
                [(activation, [fold]), ("sigmoid", [(1.0, -0.5)])],
                [("tanh", [fold]), (activation, [(1.0, 0.01)])],
            )
            for layers in both:
                network = hard.network(*layers)
                found = error(network)
                assert found.worst <= 0.1
                assert found.mean <= 0.0015
                scene = hard.canvas(network)
                stored.append(Agreement.of(drawn(scene), evaluated(scene)))
    assert max(one.worst for one in stored) <= 1
    assert np.mean([one.equal for one in stored]) >= 0.999


def test_folds_of_many_layers_are_seen() -> None:
    """A zigzag: |…||x| - a| - b| …, whose folds are made by earlier ones."""
    for degrees in (0.0, 45.0, 20.0):
        fold: list[tuple[str, list[hard.Row]]] = [
            ("abs", [hard.times(hard.line(degrees, 100.3), 1 / 64)])
        ]
        fold += [("abs", [(1.0, -(2.0**-k))]) for k in range(1, 5)]
        assert_seen(hard.network(*fold, ("identity", [(4.0, 0.0)])))


@pytest.mark.parametrize("place", [(128.0, 128.0), (136.0, 136.0), (120.3, 131.7), (0.0, 255.0)])
def test_the_tip_of_r_is_seen(place: tuple[float, float]) -> None:
    for slope in (1 / 4, 1 / 64, 1 / 1000):
        cone = ("tanh", [(slope, 0.0)]), ("identity", [(1.0, 0.0)])
        assert_seen(hard.network(*cone, inputs=("r",), origin=place))


@pytest.mark.parametrize("steepness", [0.5, 8.0, 1e3, 1e6])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_saturated_edges_are_seen(activation: str, steepness: float) -> None:
    for place, degrees in zip(PLACES, DEGREES, strict=True):
        edge = hard.times(hard.line(degrees, place + 0.21), steepness)
        assert_seen(hard.network((activation, [edge]), ("identity", [(0.7, 0.2)])))


@pytest.mark.parametrize("activation", ["tanh", "sin", "gaussian", "relu", "abs", "softplus"])
@pytest.mark.parametrize("seed", [0, 1])
def test_chaotic_deep_networks_are_seen(activation: str, seed: int) -> None:
    scene = Scene.of(
        cppn={"seed": seed, "width": 24, "activations": (activation,) * 8},
        canvas={"width": 4096, "height": 4096},
    )
    found = agreement(scene, random_windows(4096, 2, seed))
    assert found.worst <= 1
    assert found.equal >= 0.999


def test_colours_that_are_no_numbers_are_evaluated() -> None:
    """inf - inf right of a line, 0.5 left of it."""
    grown = [("square", [(1e30, 0.0)])] * 5
    cppn = hard.network(
        ("relu", [hard.line(0.0, 100.0)]),
        *grown,
        ("relu", [(1.0, 0.0), (1.0, 0.0)]),
        ("identity", [(1.0, -1.0, 0.5)]),
    )
    for dtype in ("uint8", "float32"):
        scene = hard.canvas(cppn, dtype=dtype)
        expected = evaluated(scene)
        assert np.isnan(expected[:, :, 102:]).all() or not expected[:, :, 102:].any()
        assert np.all(expected[:, :, :100] == (128 if dtype == "uint8" else 0.5))
        assert np.array_equal(drawn(scene), expected, equal_nan=True)


@pytest.mark.parametrize("colour", [0.0, 1.0, 0.31, -5.0, 7.0])
def test_constant_networks_are_flat_and_cost_the_least(colour: float) -> None:
    scene = hard.canvas(hard.network(("tanh", [(0.0, 0.0, 0.5)]), ("identity", [(0.0, colour)])))
    assert np.all(drawn(scene) == round(255 * min(max(colour, 0.0), 1.0)))
    assert evaluations(scene) == (256 // 16 + 5) ** 2 / 256**2
