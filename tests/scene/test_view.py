"""Pixel index → plane, by the contract's formula, from the index alone."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tilecppn.errors import SceneError
from tilecppn.pixels.preview import preview
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import MAX_SIDE, Canvas, View
from tilecppn.scene.view import Grid, Lattices

LAWS = settings(max_examples=150)

SIDES = st.one_of(st.integers(1, 40), st.integers(1, MAX_SIDE), st.just(MAX_SIDE))
SCALES = st.floats(1e-3, 1e6)
CENTERS = st.tuples(st.floats(-10, 10), st.floats(-10, 10))
ASPECTS = st.sampled_from(["preserve", "stretch"])
GRIDS = st.sampled_from(["centers", "endpoints"])


def steps(view: View, w: int, h: int) -> tuple[float, float]:
    """Plane units a pixel, (x, y), as the contract has them."""
    n, m = (w - 1, h - 1) if view.grid == "endpoints" else (w, h)
    if view.aspect == "preserve":
        # An axis of one pixel has no two ends to lay on ±scale.
        n = m = min([k for k in (n, m) if k > 0], default=1)
    return 2.0 * view.scale / max(n, 1), 2.0 * view.scale / max(m, 1)


def point(view: View, w: int, h: int, i: int, j: int) -> tuple[float, float]:
    """(x, y) of the pixel at row i and column j, without rotation."""
    sx, sy = steps(view, w, h)
    if view.grid == "centers":
        u, v = j + 0.5 - w / 2, i + 0.5 - h / 2
    else:
        u, v = j - (w - 1) / 2, i - (h - 1) / 2
    return view.center[0] + u * sx, view.center[1] + v * sy


def test_swap_makes_x_run_down_and_y_to_the_right() -> None:
    plain, swapped = (
        Grid.of(View(center=(1.0, 2.0), rotation=30.0, swap=swap), Canvas(30, 20))
        for swap in (False, True)
    )
    rows, cols = np.arange(20.0)[:, None], np.arange(30.0)[None, :]
    x, y = plain.points(rows, cols)
    right, down = x - 1.0, y - 2.0
    x, y = swapped.points(rows, cols)
    assert np.allclose(x, 1.0 + down, rtol=0, atol=1e-12)
    assert np.allclose(y, 2.0 + right, rtol=0, atol=1e-12)


def grid_or_none(view: View, w: int, h: int) -> Grid | None:
    try:
        return Grid.of(view, Canvas(w, h))
    except SceneError:
        return None


def point_of(grid: Grid, i: int, j: int) -> tuple[float, float]:
    x, y = grid.points(np.array([[float(i)]]), np.array([[float(j)]]))
    return x.item(), y.item()


@LAWS
@given(CENTERS, SCALES, ASPECTS, GRIDS, SIDES, SIDES, st.data())
def test_points_are_the_contracts_formula_to_the_bit(
    center: tuple[float, float],
    scale: float,
    aspect: str,
    grid: str,
    w: int,
    h: int,
    data: st.DataObject,
) -> None:
    view = View(center, scale, 0.0, aspect, grid)
    made = grid_or_none(view, w, h)
    assume(made is not None)
    assert made is not None
    for i, j in (
        (0, 0),
        (h - 1, w - 1),
        (data.draw(st.integers(0, h - 1)), data.draw(st.integers(0, w - 1))),
    ):
        assert point_of(made, i, j) == point(view, w, h, i, j)


@LAWS
@given(SCALES, ASPECTS, st.integers(1, MAX_SIDE), st.integers(1, MAX_SIDE), st.data())
def test_points_are_right_to_the_last_bits(
    scale: float, aspect: str, w: int, h: int, data: st.DataObject
) -> None:
    """Against the formula in fractions, which round nothing."""
    view = View((0.0, 0.0), scale, 0.0, aspect, "centers")
    i, j = data.draw(st.integers(0, h - 1)), data.draw(st.integers(0, w - 1))
    n, m = (min(w, h),) * 2 if aspect == "preserve" else (w, h)
    x = (j + Fraction(1, 2) - Fraction(w, 2)) * 2 * Fraction(scale) / n
    y = (i + Fraction(1, 2) - Fraction(h, 2)) * 2 * Fraction(scale) / m
    for got, exact in zip(point_of(Grid.of(view, Canvas(w, h)), i, j), (x, y), strict=True):
        assert abs(Fraction(got) - exact) <= abs(exact) * Fraction(1, 2**52)


def test_centers_of_a_small_canvas() -> None:
    grid = Grid.of(View((1.0, 2.0), 4.0), Canvas(4, 2))
    x, y = grid.points(np.array([[0.0], [1.0]]), np.array([[0.0, 1.0, 2.0, 3.0]]))
    assert x.tolist() == [[-5.0, -1.0, 3.0, 7.0]]  # step 2·4/2: the nearer edges lie on ±4
    assert y.tolist() == [[0.0], [4.0]]  # y points down


def test_stretch_lets_each_axis_span_the_scale() -> None:
    grid = Grid.of(View(scale=4.0, aspect="stretch"), Canvas(4, 2))
    x, y = grid.points(np.array([[0.0], [1.0]]), np.array([[0.0, 3.0]]))
    assert x.tolist() == [[-3.0, 3.0]]
    assert y.tolist() == [[-2.0], [2.0]]


@LAWS
@given(SCALES, st.integers(2, MAX_SIDE), st.integers(2, MAX_SIDE))
def test_endpoints_lie_on_plus_and_minus_scale(scale: float, w: int, h: int) -> None:
    """As the originals' grids: scale · (2k/(N-1) - 1) on each axis."""
    grid = Grid.of(View(scale=scale, aspect="stretch", grid="endpoints"), Canvas(w, h))
    for place, sign in (((0, 0), -1.0), ((h - 1, w - 1), 1.0)):
        for value in point_of(grid, *place):
            assert abs(value - sign * scale) <= 2 * math.ulp(scale)
    k = w // 3
    x, _ = point_of(grid, 0, k)
    assert math.isclose(x, scale * (2 * k / (w - 1) - 1), rel_tol=0, abs_tol=4 * math.ulp(scale))


@LAWS
@given(CENTERS, SCALES, ASPECTS, GRIDS, st.integers(1, 10**6), st.floats(-360, 360))
def test_an_axis_of_one_pixel_lies_on_the_centre(
    center: tuple[float, float], scale: float, aspect: str, grid: str, n: int, rotation: float
) -> None:
    for w, h in ((n, 1), (1, n)):
        made = Grid.of(View(center, scale, 0.0, aspect, grid), Canvas(w, h))
        x, y = point_of(made, h // 2, w // 2)
        assert (y if h == 1 else x) == center[h == 1]
    one = Grid.of(View(center, scale, rotation, aspect, grid), Canvas(1, 1))
    assert point_of(one, 0, 0) == center


@LAWS
@given(SCALES, st.integers(1, 10**6), st.integers(1, 10**6), ASPECTS, GRIDS)
def test_pictures_are_laid_symmetrically_about_the_centre(
    scale: float, w: int, h: int, aspect: str, grid: str
) -> None:
    made = Grid.of(View((0.0, 0.0), scale, 0.0, aspect, grid), Canvas(w, h))
    for i, j in ((0, 0), (h // 3, w // 5)):
        x, y = point_of(made, i, j)
        assert point_of(made, h - 1 - i, w - 1 - j) == (-x, -y)


@LAWS
@given(
    CENTERS,
    SCALES,
    st.floats(-400, 400),
    ASPECTS,
    GRIDS,
    st.integers(1, MAX_SIDE),
    st.integers(1, MAX_SIDE),
    st.data(),
)
def test_a_point_depends_on_its_index_alone(
    center: tuple[float, float],
    scale: float,
    rotation: float,
    aspect: str,
    grid: str,
    w: int,
    h: int,
    data: st.DataObject,
) -> None:
    made = grid_or_none(View(center, scale, rotation, aspect, grid), w, h)
    assume(made is not None)
    assert made is not None
    i, j = data.draw(st.integers(0, h - 1)), data.draw(st.integers(0, w - 1))
    stride = data.draw(st.integers(1, 1000))
    before, after = data.draw(st.integers(0, 9)), data.draw(st.integers(1, 9))
    steps = np.arange(-before, after, dtype=np.float64) * stride
    x, y = made.points((i + steps)[:, None], (j + steps)[None, :])
    shape = (before + after, before + after)
    x, y = np.broadcast_to(x, shape), np.broadcast_to(y, shape)
    assert (x[before, before], y[before, before]) == point_of(made, i, j)


@LAWS
@given(
    CENTERS, SCALES, st.one_of(st.floats(-400, 400), st.sampled_from([0.0, 90.0, 180.0])), ASPECTS
)
@example((0.0, 0.0), 10.0, 45.0, "preserve")
def test_numpy_and_torch_give_the_same_bits(
    center: tuple[float, float], scale: float, rotation: float, aspect: str
) -> None:
    torch = pytest.importorskip("torch")
    grid = Grid.of(View(center, scale, rotation, aspect), Canvas(1001, 77))
    rows, cols = np.arange(0.0, 77.0, 7.0)[:, None], np.arange(-3.0, 1001.0, 10.0)[None, :]
    ours = grid.points(rows, cols)
    theirs = grid.points(torch.from_numpy(rows), torch.from_numpy(cols))
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == np.float64
        assert np.array_equal(a, b.numpy())


def test_shapes_stay_small_without_rotation() -> None:
    rows, cols = np.zeros((5, 1)), np.zeros((1, 7))
    x, y = Grid.of(View(), Canvas(9, 9)).points(rows, cols)
    assert (x.shape, y.shape) == ((1, 7), (5, 1))
    x, y = Grid.of(View(rotation=1.0), Canvas(9, 9)).points(rows, cols)
    assert (x.shape, y.shape) == ((5, 7), (5, 7))


# Rotation


@LAWS
@given(CENTERS, st.floats(-720, 720), st.integers(1, 1000), st.integers(1, 1000), st.data())
def test_rotation_turns_about_the_centre(
    center: tuple[float, float], rotation: float, w: int, h: int, data: st.DataObject
) -> None:
    i, j = data.draw(st.integers(0, h - 1)), data.draw(st.integers(0, w - 1))
    view = View(center, 10.0)
    x, y = point(view, w, h, i, j)
    # The picture turns counter-clockwise on the screen, y down: its points turn the other way.
    turned = complex(x - center[0], y - center[1]) * complex(
        math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    )
    got = point_of(Grid.of(View(center, 10.0, rotation), Canvas(w, h)), i, j)
    reach = abs(turned) + 20.0
    assert abs(complex(*got) - complex(*center) - turned) <= 1e-14 * reach


@pytest.mark.parametrize("rotation", [0.0, 33.0, 90.0, -725.5, 1e6, 1e15, 1e17, 1e20, 1e300])
def test_rotation_keeps_lengths(rotation: float) -> None:
    grid = Grid.of(View(rotation=rotation), Canvas(8, 8))
    assert math.isclose(grid.cosine**2 + grid.sine**2, 1.0, rel_tol=1e-12)


PICTURE = Scene.of(cppn={"seed": 3, "width": 8, "depth": 2}, view={"scale": 3.0})


@pytest.mark.parametrize("quarters", [1, 2, 3, 4, 5, -1, -2])
@pytest.mark.parametrize("grid", ["centers", "endpoints"])
def test_quarter_turns_turn_the_picture_counter_clockwise_exactly(quarters: int, grid: str) -> None:
    scene = PICTURE.replace(canvas={"width": 40, "height": 40}, view={"grid": grid})
    turned = scene.replace(view={"rotation": 90.0 * quarters})
    expected = np.rot90(preview(scene, 40), quarters)
    assert np.array_equal(preview(turned, 40), expected)
    if quarters % 4:
        assert not np.array_equal(expected, preview(scene, 40))


def test_a_quarter_turn_of_a_wide_picture_is_a_tall_one() -> None:
    wide = PICTURE.replace(canvas={"width": 60, "height": 40})
    tall = PICTURE.replace(canvas={"width": 40, "height": 60}, view={"rotation": 90.0})
    assert np.array_equal(preview(tall, 40), np.rot90(preview(wide, 60)))


@pytest.mark.parametrize("turns", [1, -1, 3, 1000])
def test_whole_turns_change_nothing(turns: int) -> None:
    plain, turned = (
        Grid.of(View((1.0, 2.0), 5.0, r), Canvas(9, 7)) for r in (30.0, 30.0 + 360.0 * turns)
    )
    assert math.isclose(plain.cosine, turned.cosine, rel_tol=1e-12)
    assert math.isclose(plain.sine, turned.sine, rel_tol=1e-12)


# Zooming in


@LAWS
@given(SCALES, ASPECTS, GRIDS, SIDES, SIDES, CENTERS, st.floats(0, 360))
def test_reach_bounds_the_plane_of_the_canvas(
    scale: float,
    aspect: str,
    grid: str,
    w: int,
    h: int,
    center: tuple[float, float],
    rotation: float,
) -> None:
    made = grid_or_none(View(center, scale, rotation, aspect, grid), w, h)
    assume(made is not None)
    assert made is not None
    for i, j in ((0, 0), (0, w - 1), (h - 1, 0), (h - 1, w - 1), (h // 2, w // 2)):
        assert max(map(abs, point_of(made, i, j))) <= made.reach


@settings(LAWS, max_examples=50)
@given(
    st.floats(-1000, 1000),
    st.integers(2, MAX_SIDE),
    st.floats(0.0, 4.0),
    GRIDS,
)
def test_neighbouring_pixels_never_share_a_point(
    center: float, side: int, above: float, grid: str
) -> None:
    """A view so small that float64 cannot tell them apart is refused; around that edge."""
    assume(abs(center) > 1e-3)
    scale = math.ulp(center) * side * 2.0 ** (above - 2.0)
    made = grid_or_none(View((center, 0.0), scale, 0.0, "preserve", grid), side, side)
    assume(made is not None)
    assert made is not None
    for start in (0, side // 2, max(0, side - 200)):
        cols = np.arange(start, min(start + 200, side), dtype=np.float64)
        x, _ = made.points(np.zeros((1, 1)), cols[None, :])
        assert np.all(np.diff(x[0]) > 0)


def test_deep_zooms_that_float64_can_hold_are_not_refused() -> None:
    Grid.of(View((0.7, -0.3), 1e-9), Canvas(4096, 4096))
    Grid.of(View((0.0, 0.0), 1e-100), Canvas(MAX_SIDE, MAX_SIDE))


@pytest.mark.parametrize(
    ("center", "scale", "side"),
    [((1.0, 0.0), 1e-16, 2), ((0.0, -5.0), 1e-12, 10**6), ((0.0, 0.0), 1e-299, MAX_SIDE)],
)
def test_zoom_beyond_float64_is_refused(
    center: tuple[float, float], scale: float, side: int
) -> None:
    with pytest.raises(SceneError) as caught:
        Grid.of(View(center, scale), Canvas(side, side))
    message = str(caught.value)
    assert f"view.scale = {scale:g}" in message
    assert "view.center" in message
    assert "\n" not in message


@pytest.mark.parametrize("scale", [1e308, 1.7e308])
def test_plane_beyond_float64_is_refused(scale: float) -> None:
    with pytest.raises(SceneError, match="view"):
        Grid.of(View((1e308, 0.0), scale), Canvas(4, 4))


# Lattices


def test_lattices_have_the_pixels_a_stride_apart_from_their_origins() -> None:
    lattices = Lattices(np.array([[5, -7], [0, MAX_SIDE]], np.int64), 3, 2, 4)
    rows, cols = lattices.indices()
    assert np.broadcast(rows, cols).shape == lattices.shape == (2, 3, 2)
    assert rows[:, :, 0].tolist() == [[5, 9, 13], [0, 4, 8]]
    assert cols[:, 0].tolist() == [[-7, -3], [MAX_SIDE, MAX_SIDE + 4]]


def test_one_lattice_is_lattices_with_one_origin() -> None:
    lattice = Lattices.one(5, -7, 3, 2)
    assert lattice.origins.dtype == np.int64
    assert lattice.origins.tolist() == [[5, -7]]
    assert (lattice.shape, lattice.stride) == ((1, 3, 2), 1)
