"""Colours: HSV against the standard library, palettes against matplotlib, and where they stand."""

import colorsys
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import tilecppn as tc
from tilecppn.cppn import PRESETS
from tilecppn.errors import SceneError
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.colour import (
    coloured,
    interpolate_palette,
    look_up,
    rgb_of_hsv,
    rgb_of_oklch,
)
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene import palettes
from tilecppn.scene.oklab import oklab, srgb
from tilecppn.scene.oklch import FULL, oklch_table
from tilecppn.scene.oklch import rgb_of_oklch as rgb_of_oklch_exactly
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Output
from tilecppn.scene.view import Lattices

LAWS = settings(max_examples=200)
UNIT = st.floats(0, 1)


@LAWS
@given(UNIT, UNIT, UNIT)
def test_hsv_is_the_standard_librarys(h: float, s: float, v: float) -> None:
    got = rgb_of_hsv(np.array([h, s, v]))
    assert np.allclose(got, colorsys.hsv_to_rgb(h, s, v), rtol=0, atol=1e-14)


def test_hue_goes_round_and_the_others_stay_within() -> None:
    hue = np.array([-0.75, 0.25, 1.25, 7.25])
    got = rgb_of_hsv(np.stack([hue, np.full(4, 1.5), np.full(4, 0.5)]))
    assert np.array_equal(got, np.repeat([[0.25], [0.5], [0.0]], 4, axis=1))
    clipped = rgb_of_hsv(np.array([[0.0], [-1.0], [2.0]], np.float32))
    assert clipped.dtype == np.float32
    assert clipped.ravel().tolist() == [1.0, 1.0, 1.0]


@LAWS
@given(st.lists(st.tuples(UNIT, UNIT, UNIT), min_size=2, max_size=9), st.floats(-0.5, 1.5))
def test_a_value_runs_through_the_colours(colours: Any, v: float) -> None:
    stops = np.array(colours)
    x = np.linspace(0, 1, len(stops))
    expected = [np.interp(v, x, stops[:, c]) for c in range(3)]
    got = interpolate_palette(np.array([[v]]), stops)
    assert got.shape == (3, 1, 1)
    assert np.allclose(got.ravel(), expected, rtol=0, atol=1e-14)
    single = interpolate_palette(np.array([v], np.float32), stops)
    assert single.dtype == np.float32
    assert np.allclose(single.ravel(), expected, rtol=0, atol=1e-5)


def test_ends_of_a_palette_are_its_colours() -> None:
    stops = palettes.stops(("#0b1d51", "#fff", "#f2a65a"))
    got = interpolate_palette(np.array([0.0, 0.5, 1.0, np.nan]), stops)
    assert np.array_equal(np.rint(255 * got[:, 0]), [0x0B, 0x1D, 0x51])
    assert got[:, 1].tolist() == [1.0, 1.0, 1.0]
    assert np.array_equal(np.rint(255 * got[:, 2]), [0xF2, 0xA6, 0x5A])
    assert np.array_equal(got[:, 3], got[:, 0])


@pytest.mark.parametrize("name", palettes.names())
def test_colour_maps_are_matplotlibs(name: str) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    for each in (name, f"{name}_r"):
        theirs = matplotlib.colormaps[each]
        at = np.arange(theirs.N) / max(theirs.N - 1, 1)
        expected = theirs(np.arange(theirs.N))[:, :3].T
        assert np.abs(interpolate_palette(at, palettes.stops(each)) - expected).max() < 2e-4


def test_every_colour_map_of_matplotlib_is_there() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    theirs = {name for name in matplotlib.colormaps if not name.endswith("_r")}
    assert theirs <= set(palettes.names())


def test_other_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(SceneError, match='unknown palette "virdis"; did you mean "viridis"'):
        palettes.stops("virdis")
    with pytest.raises(SceneError, match=r"known: viridis, .*, …") as unlike:
        Scene.of(output={"palette": "1"})
    assert len(str(unlike.value)) < 600


@pytest.mark.parametrize("palette", ["viridis", "viridis_r", ("#000000", "#ffffff")])
def test_nobody_can_repaint_a_palette(palette: str | tuple[str, ...]) -> None:
    """They are made once for a process."""
    with pytest.raises(ValueError, match="read-only"):
        palettes.stops(palette)[0] = 0.5


# In a scene


def scene(**changes: Any) -> tc.Scene:
    sections: dict[str, Any] = {
        "cppn": {"seed": 3, "width": 8, "depth": 2},
        "canvas": {"width": 70, "height": 50},
        "output": {"tolerance": 0.0},
    }
    for name, change in changes.items():
        sections[name] = {**sections.get(name, {}), **change}
    return tc.Scene.of(**sections)


def pixels(picture: tc.Scene) -> Any:
    window = Window(0, 0, picture.canvas.height, picture.canvas.width)
    return render_window(create("reference", EvaluationContext.of(picture)), picture, window)


def network(picture: tc.Scene) -> Any:
    lattice = Lattices.one(0, 0, picture.canvas.height, picture.canvas.width)
    return create("reference", EvaluationContext.of(picture)).evaluate(lattice)[:, 0]


@pytest.mark.parametrize("palette", ["viridis", ["#000", "#ff8800", "#ffffff"]])
def test_a_palette_gives_a_grey_network_three_channels(palette: Any) -> None:
    picture = scene(output={"palette": palette})
    assert (picture.cppn.channels, picture.channels) == (1, 3)
    expected = interpolate_palette(
        network(picture)[0], palettes.stops(picture.output.palette or "")
    )
    assert np.array_equal(pixels(picture), np.rint(255 * expected))
    assert np.array_equal(tc.preview(picture, 70).shape, (50, 70, 3))


def test_inversion_comes_after_the_palette() -> None:
    upright = pixels(scene(output={"palette": "magma"})).astype(int)
    inverted = pixels(scene(output={"palette": "magma", "invert": True})).astype(int)
    assert np.abs(upright + inverted - 255).max() <= 1  # halves round to even


def test_hsv_colours_a_network_of_three_channels() -> None:
    picture = scene(cppn={"preset": "guibas"}, output={"color": "hsv"})
    assert picture.cppn.channels == 3  # guibas alone has one
    assert np.array_equal(pixels(picture), np.rint(255 * rgb_of_hsv(network(picture))))


def test_rgb_is_what_the_network_gives() -> None:
    kernel = create("reference", EvaluationContext.of(scene()))
    assert coloured(kernel, Output(), 3) is kernel


STEEP = ["#000", "#fff"] * 12


@pytest.mark.parametrize(
    "output",
    [
        {"palette": "viridis"},
        {"palette": "tab10"},
        {"palette": STEEP},
        {"color": "hsv"},
        {"color": "oklch"},
    ],
    ids=["viridis", "tab10", "steep", "hsv", "oklch"],
)
@pytest.mark.parametrize("preset", ["hardmaru", "guibas", "flux"])
def test_what_lies_between_nodes_has_the_colours_of_every_pixel(
    preset: str, output: dict[str, Any]
) -> None:
    """Also where a palette changes many times while the network's value changes once."""
    every = scene(
        cppn={"preset": preset, "width": None, "depth": None},
        canvas={"width": 2000, "height": 2000},
        output=output,
    )
    window = Window(700, 900, 700 + 320, 900 + 320)
    interpolated = every.replace(output={"tolerance": 0.1})
    exact, drawn = (
        render_window(create("llvm", EvaluationContext.of(s)), s, window).astype(int)
        for s in (every, interpolated)
    )
    # One step where the tolerance tips a rounding; more only along the kinks of a steep palette.
    assert np.mean(np.abs(exact - drawn) > 1) < 1e-4
    assert np.abs(exact - drawn).max() <= (8 if output.get("palette") == STEEP else 2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cppn": {"channels": 3}, "output": {"palette": "viridis"}}, "cppn.channels = 1"),
        ({"cppn": {"channels": 1}, "output": {"color": "hsv"}}, "cppn.channels = 3"),
        ({"cppn": {"channels": 1}, "output": {"color": "oklch"}}, "cppn.channels = 3"),
        ({"output": {"color": "hsv", "palette": "viridis"}}, "cannot be combined"),
        ({"output": {"palette": []}}, "from 2 to"),
        ({"output": {"palette": ["#fff"]}}, "from 2 to"),
        ({"output": {"palette": ["#fff", "red"]}}, 'colour 2, "red"'),
        ({"output": {"palette": ["#fff", 3]}}, "colour 2, 3"),
        ({"output": {"palette": 3}}, "2 at least"),
        ({"output": {"palette": "viridis_r_r"}}, "unknown palette"),
        ({"output": {"color": "hsl"}}, '"rgb", "hsv"'),
    ],
)
def test_colours_that_cannot_be_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SceneError) as caught:
        scene(**changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "output",
    [{"palette": "viridis"}, {"palette": ["#000", "#fff"]}, {"color": "hsv"}, {"color": "oklch"}],
)
def test_colours_are_a_part_of_the_picture(output: dict[str, Any], tmp_path: Path) -> None:
    picture = scene(output=output)
    again = tc.Scene.parse(picture.to_toml())
    assert again == picture
    assert picture.fingerprint != scene(cppn={"channels": picture.cppn.channels}).fingerprint
    store = tc.render(picture, tmp_path / "a.zarr", executor="local")
    assert np.array_equal(
        store.read(0, Window(0, 0, 50, 70)), np.moveaxis(tc.preview(picture, 70), -1, 0)
    )
    tc.export(tmp_path / "a.zarr", tmp_path / "a.png")


# Presets with colours of their own

OWN = [name for name, preset in PRESETS.items() if preset.palette is not None]


@pytest.mark.parametrize("name", OWN)
def test_a_presets_palette_stands_where_the_scene_says_nothing(name: str) -> None:
    own = tc.Scene.of(cppn={"preset": name})
    assert own.output.palette == PRESETS[name].palette
    assert (own.cppn.channels, own.channels) == (PRESETS[name].channels, 3)
    assert tc.Scene.parse(own.to_toml()) == own
    other = tc.Scene.of(cppn={"preset": name}, output={"palette": "viridis"})
    assert other.output.palette == "viridis"
    for channels in (1, 3):
        plain = tc.Scene.of(cppn={"preset": name, "channels": channels})
        assert (plain.output.palette, plain.channels) == (None, channels)
    for space in ("hsv", "oklch"):
        other = tc.Scene.of(cppn={"preset": name}, output={"color": space})
        assert (other.output.palette, other.cppn.channels) == (None, 3)


@pytest.mark.parametrize("name", ["ink", "lagoon"])
def test_a_presets_palette_colours_its_sampler(name: str) -> None:
    sampler = tc.Sampler(preset=name, seed=2)
    image = sampler.generate(x_dim=40, y_dim=30)
    assert image.shape == (30, 40, 3)
    scene = sampler.scene(sampler.z, 40, 30).replace(output={"tolerance": 0.0})
    assert np.array_equal(np.asarray(sampler.to_image(image)), tc.preview(scene, 40))
    assert tc.Sampler(preset=name, seed=2, c_dim=3).generate(x_dim=4, y_dim=3).shape == (3, 4, 3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", OWN)
def test_every_seed_of_a_preset_of_ours_uses_much_of_its_palette(name: str, seed: int) -> None:
    values = network(
        tc.Scene.of(cppn={"preset": name, "seed": seed}, canvas={"width": 64, "height": 64})
    )
    assert np.ptp(values) > 0.6
    assert values.std() > 0.1


# Place and lightness


def plainly_lit(
    place: NDArray[Any], light: NDArray[Any], table: NDArray[np.float64]
) -> NDArray[Any]:
    """`looked_up`, one rounding after another in the same order, in NumPy."""
    real = place.dtype
    rows, cols = (n - 1 for n in table.shape[:2])
    y, x = (np.fmin(np.fmax(v, 0.0), 1.0) * real.type(n) for v, n in ((place, rows), (light, cols)))
    i, j = np.minimum(y.astype(int), rows - 1), np.minimum(x.astype(int), cols - 1)
    down, along = y - i.astype(real), x - j.astype(real)
    t = table.astype(real)
    out = []
    for c in range(3):
        upper = t[i, j, c] + along * (t[i, j + 1, c] - t[i, j, c])
        lower = t[i + 1, j, c] + along * (t[i + 1, j + 1, c] - t[i + 1, j, c])
        out.append(upper + down * (lower - upper))
    return np.stack(out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_place_and_lightness_are_looked_up_between_four_colours(dtype: type) -> None:
    rng = np.random.default_rng(0)
    table = rng.random((5, 4, 3))
    values: NDArray[Any] = rng.uniform(-0.5, 1.5, (2, 3, 41)).astype(dtype)
    values[:, 0, :3] = (np.nan, np.inf, -np.inf), (1.0, 0.0, np.nan)
    got = look_up(values, table)
    assert got.dtype == dtype
    assert np.array_equal(got, plainly_lit(values[0], values[1], table))
    corners = look_up(np.array([[0, 1], [0, 1]], dtype), table)
    assert np.allclose(corners, np.stack([table[0, 0], table[-1, -1]], -1), atol=1e-7)


def test_a_preset_with_detail_brings_its_colours_and_a_scene_may_change_them() -> None:
    own = Scene.of(cppn={"preset": "tide"})
    assert own.channels == 3
    assert own.cppn.channels == 2
    assert own.output.shadow is not None
    other = Scene.of(cppn={"preset": "tide"}, output={"palette": "seed:12"})
    assert other.cppn.channels == 2
    assert other.output.shadow is None
    again = Scene.parse(own.to_toml())
    assert again.fingerprint == own.fingerprint
    with pytest.raises(SceneError, match=r"output\.glow"):
        Scene.of(output={"glow": 0.5})


@pytest.mark.parametrize("seed", range(40))
def test_seeded_palettes_are_colourful_and_reach_from_dark_to_light(seed: int) -> None:
    colours = oklab(palettes.stops(f"seed:{seed}"))
    assert colours[:, 0].min() < 0.5
    assert colours[:, 0].max() > 0.8
    assert np.hypot(colours[:, 1], colours[:, 2]).max() > 0.08


def test_oklab_is_the_published_one() -> None:
    # Ottosson's own figures for white, and for X, Y, Z = 1, 0, 0 the inverse goes back.
    assert np.allclose(oklab(np.array([1.0, 1.0, 1.0])), [1.0, 0.0, 0.0], atol=1e-7)
    colours = np.random.default_rng(1).random((100, 3))
    assert np.allclose(srgb(oklab(colours)), colours, atol=1e-5)


# OKLCH


def plain_oklch(values: NDArray[Any]) -> NDArray[np.float64]:
    """Red, green, blue (3, …) of lightness, chroma and hue: the eight colours around, weighted."""
    table = oklch_table()
    within = np.stack([*np.clip(values[:2], 0.0, 1.0), values[2] % 1.0])
    place = np.moveaxis(within, 0, -1) * (np.array(table.shape[:3]) - 1)
    low = np.minimum(place.astype(int), np.array(table.shape[:3]) - 2)
    out = np.zeros((*values.shape[1:], 3))
    for corner in itertools.product((0, 1), repeat=3):
        weights = np.where(corner, place - low, 1.0 - (place - low)).prod(axis=-1)
        out += weights[..., None] * table[tuple(np.moveaxis(low + corner, -1, 0))]
    return np.moveaxis(out, -1, 0)


def test_oklch_is_between_the_colours_of_its_table() -> None:
    values = np.random.default_rng(2).uniform(-0.5, 1.5, (3, 40, 50))
    assert np.allclose(rgb_of_oklch(values, oklch_table()), plain_oklch(values), atol=1e-13)
    picture = scene(output={"color": "oklch"})
    assert (picture.cppn.channels, picture.channels) == (3, 3)
    expected = np.rint(255 * plain_oklch(network(picture)))
    assert np.abs(pixels(picture) - expected).max() <= 1
    assert np.mean(pixels(picture) != expected) < 1e-3


def test_colours_that_the_screen_has_are_those_of_oklch() -> None:
    """Lightness is OKLab's, chroma 1 is FULL, and a hue is a turn: from the colours back."""
    rng = np.random.default_rng(3)
    values = np.stack([rng.uniform(0.45, 0.85, 5000), rng.random(5000) * 0.15, rng.random(5000)])
    lab = oklab(np.asarray(rgb_of_oklch(values, oklch_table()).T, np.float64))
    chroma, hue = np.hypot(lab[:, 1], lab[:, 2]), np.arctan2(lab[:, 2], lab[:, 1]) / (2 * np.pi)
    assert np.abs(lab[:, 0] - values[0]).max() < 2e-3
    assert np.abs(chroma - FULL * values[1]).max() < 2e-3
    colourful = chroma > 0.02
    assert np.abs((hue - values[2] + 0.5) % 1.0 - 0.5)[colourful].max() < 0.01


def test_more_chroma_than_the_screen_has_is_not_clipped() -> None:
    """At all lightnesses and hues each chroma has a colour of its own, to the last."""
    light, turns = np.meshgrid(np.linspace(0.1, 0.95, 18), np.linspace(0, 1, 24, endpoint=False))
    chroma = FULL * np.linspace(0.0, 1.0, 50)[:, None, None]
    light, chroma, turns = np.broadcast_arrays(light, chroma, turns)
    lab = oklab(rgb_of_oklch_exactly(light, chroma, turns))
    found = np.hypot(lab[..., 1], lab[..., 2])
    assert (np.diff(found, axis=0) > 1e-6).all()
    assert np.abs(lab[..., 0] - light).max() < 1e-5


def test_hue_goes_round_in_oklch() -> None:
    values = np.random.default_rng(4).random((3, 100))
    turned = values + np.array([[0.0], [0.0], [-3.0]])
    one, other = (rgb_of_oklch(v, oklch_table()) for v in (values, turned))
    assert np.allclose(one, other, rtol=0, atol=1e-12)
