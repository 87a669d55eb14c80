"""Mirrored, kaleidoscopic and seamless pictures: exact where pixels meet, equal in every kernel."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tilecppn as tc
from tilecppn.errors import SceneError
from tilecppn.kernels import KERNELS, EvaluationContext, create
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.symmetry import Fold, _sine
from tilecppn.scene.view import Lattices

SIZES = [(64, 64), (65, 48), (47, 33)]
AXES = ["x", "y", "xy"]
VIEWS: list[dict[str, Any]] = [
    {},
    {"rotation": 25.0, "center": [1.0, -2.0]},
    {"grid": "endpoints", "aspect": "stretch"},
]


def context(
    view: dict[str, Any], size: tuple[int, int] = (64, 64), **network: Any
) -> EvaluationContext:
    return EvaluationContext.of(
        tc.Scene.of(
            cppn={"seed": 5, "channels": 1, **network},
            canvas={"width": size[0], "height": size[1]},
            view={"scale": 6.0, **view},
        )
    )


def values(context: EvaluationContext, row: int, col: int, rows: int, cols: int) -> Any:
    return create("reference", context).evaluate(Lattices.one(row, col, rows, cols))[0, 0]


def drawn(view: dict[str, Any], size: tuple[int, int] = (64, 64)) -> Any:
    return values(context(view, size), 0, 0, size[1], size[0])


def test_a_plain_view_has_no_fold() -> None:
    assert context({}).plain
    assert context({}).fold is None
    for view in ({"mirror": "x"}, {"radial": 2}, {"repeat": "y"}):
        assert not context(view).plain


# Mirrors


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axes", AXES)
def test_mirrored_pictures_are_their_mirror_images_to_the_bit(
    axes: str, size: tuple[int, int], view: dict[str, Any]
) -> None:
    picture = drawn({**view, "mirror": axes}, size)
    assert np.array_equal(picture, picture[:, ::-1]) == ("x" in axes)
    assert np.array_equal(picture, picture[::-1]) == ("y" in axes)


@pytest.mark.parametrize("view", [{"mirror": "x"}, {"mirror": "xy"}, {"radial": 5}])
@pytest.mark.parametrize("size", [(300, 166), (128, 64)])
def test_detail_fades_on_both_sides_of_a_mirror_alike(
    size: tuple[int, int], view: dict[str, Any]
) -> None:
    width, height = size
    scene = tc.Scene.of(
        cppn={"preset": "petal"}, canvas={"width": width, "height": height}, view=view
    )
    picture = values(EvaluationContext.of(scene), 0, 0, height, width)
    assert np.array_equal(picture, picture[:, ::-1])
    assert np.array_equal(picture, picture[::-1]) == (view.get("mirror") == "xy")


@pytest.mark.parametrize("axes", AXES)
def test_the_right_and_lower_halves_are_those_of_the_plain_picture(axes: str) -> None:
    picture, plain = drawn({"mirror": axes}), drawn({})
    assert np.array_equal(picture[32:, 32:], plain[32:, 32:])


# Kaleidoscopes


def turned(n: int, u: float, v: float) -> list[tuple[float, float]]:
    """A point in all 2n places of the dihedral group around the centre."""
    angle, length = math.atan2(v, u), math.hypot(u, v)
    angles = [angle + k * math.tau / n for k in range(n)]
    angles += [math.pi - a for a in angles]  # left and right change
    return [(length * math.cos(a), length * math.sin(a)) for a in angles]


@given(st.integers(2, 30), st.floats(-9, 9), st.floats(-9, 9))
def test_all_turned_and_mirrored_places_fold_to_one(n: int, u: float, v: float) -> None:
    picture = context({"radial": n, "scale": 1.0}, (3, 3))
    rows, cols = np.zeros((1, 1)), np.zeros((1, 1))
    results = []
    for a, b in turned(n, u, v):
        # Pixel indices may be any float64: this one lies at (a, b).
        (step, _), (middle, _) = picture.grid.step, picture.grid.middle
        x, y, r = picture.points(rows + b / step + middle, cols + a / step + middle)
        results.append((x.item(), y.item(), r.item()))
    assert np.allclose(results, results[0], rtol=0, atol=1e-12)
    x, y, r = results[0]
    assert math.isclose(r, math.hypot(u, v), abs_tol=1e-12)
    if r > 1e-3:  # straight up to π/n to the right of it
        assert -1e-9 <= math.atan2(x, -y) <= math.pi / n + 1e-9


def test_a_point_in_the_wedge_stays_where_it_is() -> None:
    picture, plain = context({"radial": 6}), context({})
    rows, cols = np.array([[0.0]]), np.array([[36.0]])  # far up, a little to the right
    for got, expected in zip(picture.points(rows, cols), plain.points(rows, cols), strict=True):
        assert math.isclose(got.item(), expected.item(), abs_tol=1e-12)


@pytest.mark.parametrize("n", [2, 4, 8])
def test_kaleidoscopes_look_the_same_turned(n: int) -> None:
    picture = drawn({"radial": n}, (65, 65))
    assert np.array_equal(picture, picture[:, ::-1])
    assert np.allclose(picture, np.rot90(picture, 2 if n == 2 else 1), rtol=0, atol=1e-9)
    assert picture.std() > 0.05


# Seamless repeats


@pytest.mark.parametrize("mirror", [{}, {"mirror": "x"}, {"mirror": "xy"}])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axes", AXES)
def test_the_pixel_after_the_last_is_the_first_to_the_bit(
    axes: str, size: tuple[int, int], view: dict[str, Any], mirror: dict[str, Any]
) -> None:
    width, height = size
    picture = context({**view, **mirror, "repeat": axes}, size)
    for row, col in ((0, 0), (5, 7)):
        here = values(picture, row, col, 6, 6)
        right = values(picture, row, col + width, 6, 6)
        below = values(picture, row - height, col, 6, 6)
        assert np.array_equal(here, right) == ("x" in axes)
        assert np.array_equal(here, below) == ("y" in axes)


def steps(picture: Any) -> Any:
    """The largest change from each column to the next, the last to the first included."""
    return np.abs(picture - np.roll(picture, -1, axis=1)).max(axis=0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("grid", ["centers", "endpoints"])
def test_wrapped_pictures_show_no_seam(grid: str, seed: int) -> None:
    """Nowhere does a wrapped picture change more at its edges than it does within."""
    view = {"repeat": "xy", "grid": grid}
    picture = values(context(view, (256, 192), seed=seed), 0, 0, 192, 256)
    plain = values(context({"grid": grid}, (256, 192), seed=seed), 0, 0, 192, 256)
    for turn in (lambda p: p, np.transpose):
        seam = steps(turn(picture))
        assert seam[-1] <= 1.5 * seam[:-1].max()
        # Edges that meet are as alike as neighbours are; those of the plain picture are not.
        meeting = np.abs(turn(picture)[:, -1] - turn(picture)[:, 0]).mean()
        assert meeting < 0.5 * np.abs(turn(plain)[:, -1] - turn(plain)[:, 0]).mean()


@pytest.mark.parametrize("seed", range(4))
def test_repeated_pictures_are_not_mirrored(seed: int) -> None:
    """Neither about the centre nor about a quarter of the canvas, where the sine is the same."""
    picture = values(context({"repeat": "xy"}, seed=seed), 0, 0, 64, 64)
    for axis in (0, 1):
        for shift in (0, 32):
            other = np.roll(np.flip(picture, axis), shift, axis)
            assert np.abs(picture - other).mean() > 0.1 * picture.std()


def test_stored_pictures_wrap(tmp_path: Any) -> None:
    """In 8 bits, in tiles: the edges are neighbours like any others."""
    scene = tc.Scene.of(
        cppn={"seed": 4},
        canvas={"width": 200, "height": 130},
        view={"repeat": "xy"},
        output={"tile": 64, "shard": 64, "tolerance": 0.0},
    )
    store = tc.render(scene, tmp_path / "a.zarr", executor="local")
    whole = store.read(0, Window(0, 0, 130, 200)).astype(int)
    beyond = Window(130, 200, 190, 260)
    kernel = create("auto", EvaluationContext.of(scene))
    assert np.array_equal(render_window(kernel, scene, beyond), whole[:, :60, :60])
    interpolated = render_window(kernel, scene.replace(output={"tolerance": 0.1}), beyond)
    assert np.abs(interpolated - whole[:, :60, :60]).max() <= 1


# Arithmetic


def test_the_sine_is_the_libraries() -> None:
    t = np.linspace(-0.25, 0.25, 4001)
    assert np.abs(_sine(t) - np.sin(math.tau * t)).max() < 3e-16
    assert _sine(np.array([0.0, 0.25]))[0] == 0.0


@pytest.mark.parametrize(
    "view", [{"mirror": "xy"}, {"radial": 5}, {"repeat": "xy", "rotation": 20.0}], ids=str
)
def test_torch_and_numpy_give_the_same_points_to_the_bit(view: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    picture = context(view, (301, 203))
    rows, cols = np.arange(203.0)[:, None], np.arange(301.0)[None, :]
    ours = picture.points(rows, cols)
    theirs = picture.points(torch.from_numpy(rows), torch.from_numpy(cols))
    (x, y, r), (tx, ty, tr) = ours, theirs
    assert np.array_equal(x, tx.numpy())
    assert np.array_equal(y, ty.numpy())
    # torch's square root may be one unit in the last place off.
    assert np.all(np.abs(r - tr.numpy()) <= np.spacing(r))


@pytest.mark.parametrize("view", [{"mirror": "x"}, {"radial": 3}, {"repeat": "xy"}], ids=str)
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_points_bits_do_not_depend_on_its_window(kernel: str, view: dict[str, Any]) -> None:
    made = create(kernel, context(view, (120, 90)))
    whole = made.evaluate(Lattices.one(0, 0, 90, 120))[:, 0].copy()
    for row, col, rows, cols, stride in ((3, 5, 7, 11, 1), (40, 0, 2, 120, 1), (1, 2, 9, 9, 7)):
        part = made.evaluate(Lattices.one(row, col, rows, cols, stride))[:, 0]
        expected = whole[:, row::stride, col::stride][:, :rows, :cols]
        assert np.array_equal(part, expected)


# In a scene


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ({"mirror": "z"}, '"x", "y", "xy"'),
        ({"repeat": True}, '"x", "y", "xy"'),
        ({"radial": 1}, "from 2 to 360"),
        ({"radial": 2.5}, "from 2 to 360"),
        ({"radial": 3, "mirror": "x"}, "cannot be combined with view.mirror"),
        ({"radial": 3, "repeat": "xy"}, "cannot be combined with view.repeat"),
    ],
)
def test_symmetries_that_cannot_be_are_refused(view: dict[str, Any], words: str) -> None:
    with pytest.raises(SceneError) as caught:
        tc.Scene.of(view=view)
    assert words in str(caught.value)


def test_symmetry_is_a_part_of_the_picture_and_comes_back() -> None:
    prints = set()
    for view in ({}, {"mirror": "x"}, {"radial": 4}, {"repeat": "xy"}):
        scene = tc.Scene.of(view=view)
        assert tc.Scene.parse(scene.to_toml()) == scene
        prints.add(scene.fingerprint)
    assert len(prints) == 4


def test_r_of_a_repeat_is_measured_on_the_circles() -> None:
    """Against the library's sine and cosine, with an origin off the centre."""
    picture = context({"repeat": "xy", "center": [1.0, 2.0]}, (50, 40))
    fold = Fold.of(tc.Scene.of(view={"repeat": "xy"}).view)
    assert picture.fold == fold
    step = picture.grid.step[0]
    x, y, r = picture.points(np.array([[7.0]]), np.array([[31.0]]))
    a, b = math.tau * (31 - 24.5) / 50, math.tau * (7 - 19.5) / 40
    ra, rb = 50 * step / math.tau, 40 * step / math.tau
    assert math.isclose(x.item(), 1.0 + ra * math.sin(a), abs_tol=1e-12)
    assert math.isclose(y.item(), 2.0 + rb * math.sin(b), abs_tol=1e-12)
    height = (ra * (1 - math.cos(a))) ** 2 + (rb * (1 - math.cos(b))) ** 2
    expected = math.sqrt(x.item() ** 2 + y.item() ** 2 + height)
    assert math.isclose(r.item(), expected, abs_tol=1e-12)
