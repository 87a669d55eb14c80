"""The Sampler: the originals' methods, parameters, defaults and files."""

import re
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tilecppn as tc
from tests.notebook.samplers import exact
from tilecppn.errors import InvalidRequestError
from tilecppn.exporters.encoding.png import scene_of
from tilecppn.kernels import EvaluationContext
from tilecppn.notebook.defaults import DEFAULTS
from tilecppn.notebook.display import picture_png
from tilecppn.pixels.picture import Picture
from tilecppn.plan import Window
from tilecppn.storage.store import Store

# Parameters and defaults


def test_defaults_are_those_of_the_original() -> None:
    sampler = tc.Sampler()
    assert (sampler.z_dim, sampler.c_dim, sampler.scale, sampler.net_size) == (8, 1, 10.0, 32)
    assert sampler.preset == "hardmaru"
    assert sum(w.size + b.size for w, b in sampler.cppn.layers) == 3_585
    scene = sampler.scene()
    assert (scene.canvas.width, scene.canvas.height) == (1080, 1060)
    assert (scene.view.scale, scene.view.aspect, scene.view.grid) == (10.0, "stretch", "endpoints")


@pytest.mark.parametrize(
    ("preset", "z_dim", "scale", "net_size", "size", "half"),
    [
        ("hardmaru-softplus", 8, 10.0, 32, (1080, 1060), 10.0),
        ("hardmaru-gan-vae", 32, 8.0, 128, (512, 512), 8.0),
        ("flux", 2, 1.0, 14, (512, 512), 0.5),
        ("guibas", 8, 0.1, 32, (256, 256), 12.75),
    ],
)
def test_presets_own_values_stand(
    preset: str, z_dim: int, scale: float, net_size: int, size: tuple[int, int], half: float
) -> None:
    sampler = tc.Sampler(preset=preset, seed=0)
    assert (sampler.z_dim, sampler.scale, sampler.net_size) == (z_dim, scale, net_size)
    assert sampler.c_dim == 1
    scene = sampler.scene()
    assert (scene.canvas.width, scene.canvas.height) == size
    assert (scene.view.scale, scene.view.aspect, scene.view.grid) == (half, "stretch", "endpoints")


def test_parameters_of_the_call_stand_before_the_presets() -> None:
    sampler = tc.Sampler(4, 3, 5.0, 16, 7, "hardmaru-sine")
    assert repr(sampler) == (
        'Sampler(z_dim=4, c_dim=3, scale=5.0, net_size=16, seed=7, preset="hardmaru-sine")'
    )
    assert sampler.generate_z().shape == (4,)
    assert sampler.generate(x_dim=20, y_dim=10).shape == (10, 20, 3)


def test_the_networks_scale_moves_guibas_plane_with_it() -> None:
    sampler = tc.Sampler(preset="guibas", scale=0.2, seed=1)
    context = EvaluationContext.of(sampler.scene())
    index = np.arange(256.0)
    x, _, r = context.points(index[:, None], index[None, :])
    assert np.allclose(x.ravel(), 0.2 * index, rtol=0, atol=1e-12)
    assert int(np.argmin(r)) == 128 * 256 + 128


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"preset": "hardmary"}, 'did you mean "hardmaru'),
        ({"scale": 0.0}, "scale = 0.0"),
        ({"scale": float("nan")}, "scale = nan"),
        ({"c_dim": 2}, "1 or 3"),
        ({"net_size": 0}, "width = 0"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=re.escape(words)):
        tc.Sampler(**parameters)


# Randomness


def test_a_seed_gives_the_same_networks_latents_and_pictures_again() -> None:
    one, other = (tc.Sampler(seed=5) for _ in range(2))
    for _ in range(3):
        assert one.cppn == other.cppn
        z = one.generate_z()
        assert np.array_equal(z, other.generate_z())
        assert np.array_equal(one.generate(z, 30, 20), other.generate(z, 30, 20))
        one.reinit()
        other.reinit()


def test_without_a_seed_each_is_another_and_repr_brings_it_back() -> None:
    one, other = tc.Sampler(), tc.Sampler()
    assert one.seed != other.seed
    assert not np.array_equal(one.generate_z(), other.generate_z())
    again = eval(repr(one), {"Sampler": tc.Sampler})
    assert again.cppn == one.cppn


def test_latents_and_networks_are_those_of_a_scenes_seeds() -> None:
    sampler = tc.Sampler(seed=5, c_dim=3)
    latents = [sampler.generate_z() for _ in range(3)]
    assert np.array_equal(latents[2], tc.Scene.of(latent={"seed": 7}).z)
    sampler.reinit()
    assert sampler.cppn == tc.Scene.of(cppn={"seed": 6}).cppn
    assert sampler.seed == 6


def test_latents_follow_the_presets_distribution() -> None:
    for preset, low, high in (("hardmaru", -1, 1), ("flux", 0, 1), ("hardmaru-gan-vae", -9, 9)):
        sampler = tc.Sampler(preset=preset, seed=0)
        z = np.concatenate([sampler.generate_z() for _ in range(400)])
        assert low <= z.min()
        assert z.max() <= high
        assert z.std() > 0.25 * min(high - low, 3)


# Pictures


@pytest.mark.parametrize("preset", DEFAULTS)
def test_generate_draws_the_presets_numbers(preset: str) -> None:
    sampler = tc.Sampler(preset=preset, seed=1)
    z = sampler.generate_z()
    image = sampler.generate(z, x_dim=33, y_dim=21)
    assert image.shape == (21, 33, 1)
    assert image.dtype == np.float32
    # N(0, 1) weights are steep; the kernel works in float32.
    assert np.abs(image - exact(sampler, z, 33, 21)).max() < 2e-3
    careful = tc.Sampler(preset=preset, seed=1, kernel="reference").generate(z, 33, 21)
    assert np.abs(careful - exact(sampler, z, 33, 21)).max() < 1e-7


def test_drawing_at_another_scale_zooms_and_leaves_the_latent_alone() -> None:
    sampler = tc.Sampler(seed=3, kernel="reference")
    z = sampler.generate_z()
    far = sampler.generate(z, 41, 41, scale=20.0)
    near = sampler.generate(z, 21, 21, scale=10.0)
    assert np.allclose(far[10:31, 10:31], near, rtol=0, atol=1e-6)
    assert np.abs(far[10:31, 10:31].std()) > 0.05


def test_generate_without_a_latent_takes_a_new_one_and_keeps_it() -> None:
    sampler = tc.Sampler(seed=3)
    first = sampler.generate(x_dim=20, y_dim=20)
    z = sampler.z
    assert z is not None
    second = sampler.generate(x_dim=20, y_dim=20)
    assert not np.array_equal(first, second)
    assert np.array_equal(sampler.generate(z, 20, 20), first)
    assert np.array_equal(sampler.generate([z.tolist()], 20, 20), first)  # (1, z_dim), as there


def test_a_scene_of_a_sampler_is_the_same_picture_at_any_size(tmp_path: Path) -> None:
    sampler = tc.Sampler(seed=3)
    z = sampler.generate_z()
    scene = sampler.scene(z, 64, 48)
    expected = np.asarray(sampler.to_image(sampler.generate(z, 64, 48)))
    assert np.array_equal(tc.preview(scene, 64)[:, :, 0], expected)
    store = tc.render(scene, tmp_path / "a.zarr", executor="local")
    assert store.plan.width == 64


def test_a_given_network_has_a_sampler(tmp_path: Path) -> None:
    net = tc.CPPN.from_preset("hardmaru-gan-vae", seed=2)
    net.save(tmp_path / "net.safetensors")
    sampler = tc.Sampler.of(tc.CPPN.load(tmp_path / "net.safetensors"), seed=4)
    assert (sampler.z_dim, sampler.scale, sampler.net_size) == (32, 8.0, 128)
    z = sampler.generate_z()
    assert np.array_equal(z, net.seeded_latent(4))
    drawn = tc.Sampler(preset="hardmaru-gan-vae", seed=2).generate(z, 26, 26)
    assert np.array_equal(sampler.generate(z, 26, 26), drawn)
    assert "gan-vae" in repr(sampler)
    with pytest.raises(InvalidRequestError, match="make a new Sampler"):
        sampler.reinit()


# Images and files


def test_images_are_inverted_and_rounded_for_hardmaru_and_upright_for_flux() -> None:
    values = np.array([[[0.0], [1.0], [0.5], [100 / 255]]])
    assert np.asarray(tc.Sampler(seed=0).to_image(values)).tolist() == [[255, 0, 128, 155]]
    upright = tc.Sampler(seed=0, preset="flux").to_image(values)
    assert upright.mode == "L"
    assert np.asarray(upright).tolist() == [[0, 255, 128, 100]]
    assert tc.Sampler(seed=0).to_image(np.zeros((4, 5, 3))).mode == "RGB"


def test_images_of_bytes_count_from_0_to_255() -> None:
    values = np.array([[0, 100, 255]], np.uint8)
    assert np.asarray(tc.Sampler(seed=0, preset="flux").to_image(values)).tolist() == [
        [0, 100, 255]
    ]
    assert np.asarray(tc.Sampler(seed=0).to_image(values)).tolist() == [[255, 155, 0]]
    colour = np.full((4, 5, 3), 100, np.uint8)
    assert np.asarray(tc.Sampler(seed=0, preset="flux").to_image(colour)).tolist() == (
        colour.tolist()
    )


def test_images_of_other_shapes_are_refused() -> None:
    for shape in ((3,), (4, 5, 2), (1, 4, 5, 3)):
        with pytest.raises(InvalidRequestError, match="must be"):
            tc.Sampler(seed=0).to_image(np.zeros(shape))


@pytest.mark.parametrize("c_dim", [1, 3])
def test_save_png_writes_the_image_with_its_scene(tmp_path: Path, c_dim: int) -> None:
    sampler = tc.Sampler(c_dim=c_dim, seed=1)
    image = sampler.generate(x_dim=40, y_dim=30)
    sampler.save_png(image, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as saved:
        assert saved.size == (40, 30)
        assert np.array_equal(np.asarray(saved), np.asarray(sampler.to_image(image)))
    toml = scene_of(tmp_path / "a.png")
    assert toml is not None
    scene = tc.Scene.parse(toml)
    assert scene.cppn == sampler.cppn
    again = tc.preview(scene, 40).reshape(30, 40, -1)
    assert np.array_equal(again.squeeze(), np.asarray(sampler.to_image(image)))


def test_save_png_at_a_size_repeats_pixels(tmp_path: Path) -> None:
    sampler = tc.Sampler(seed=1)
    image = sampler.generate(x_dim=26, y_dim=26)
    sampler.save_png(image, str(tmp_path / "a.png"), (52, 78))
    with Image.open(tmp_path / "a.png") as saved:
        pixels = np.asarray(saved)
    small = np.asarray(sampler.to_image(image))
    assert np.array_equal(pixels, small.repeat(3, axis=0).repeat(2, axis=1))


def test_show_image_displays_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Image.Image] = []
    module = types.ModuleType("IPython.display")
    module.display = shown.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    sampler = tc.Sampler(seed=1)
    z = sampler.generate_z()
    sampler.show_image(sampler.generate(z, 20, 10))
    sampler.show_image_from_z(z)
    assert [image.size for image in shown] == [(20, 10), (1080, 1060)]


class Formatter:
    """IPython's formatter, as far as we use it."""

    def __init__(self) -> None:
        self.functions: dict[type, Any] = {}

    def for_type(self, kind: type, function: Any) -> None:
        self.functions[kind] = function


def test_show_image_outside_of_a_notebook_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(InvalidRequestError, match="save_png"):
        tc.Sampler(seed=1).show_image(np.zeros((4, 4)))


@pytest.mark.parametrize(
    "thing",
    [tc.Sampler(seed=1), tc.CPPN.from_preset("guibas"), tc.Scene.of(canvas={"width": 10**6})],
    ids=lambda thing: type(thing).__name__,
)
def test_objects_show_themselves_in_notebooks(
    thing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shown(thing, tmp_path, monkeypatch) as image:
        assert max(image.size) == 512
        assert np.asarray(image).std() > 1


def test_stores_and_timelines_show_themselves_in_notebooks(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shown(small_store, tmp_path, monkeypatch) as image:
        whole = np.moveaxis(small_store.read(0, Window(0, 0, 501, 700)), 0, -1)
        assert np.array_equal(np.asarray(image), whole)
    assert "700 × 501 uint8" in repr(small_store)
    end = tc.Keyframe(1, view={"scale": 0.1})
    start = tc.Keyframe(0, view={"scale": 1.0})
    timeline = tc.Timeline.of(small_store.scene, [start, end], seconds=1, fps=4)
    with shown(timeline, tmp_path, monkeypatch) as sheet:
        assert sheet.width >= 3 * 320


@pytest.mark.parametrize("profile", ["srgb", "display-p3"])
def test_previews_and_galleries_show_themselves(
    profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = tc.Scene.of(canvas={"width": 40, "height": 30}, output={"profile": profile})
    picture = tc.preview(scene, 40)
    for part in (picture, picture[5:10]):
        image = shown(part, tmp_path, monkeypatch)
        assert np.array_equal(np.asarray(image), part)
        assert ("icc_profile" in image.info) == (profile != "srgb")
    sheet = tc.gallery(scene, seeds=[1], width=32)
    assert np.array_equal(np.asarray(shown(sheet, tmp_path, monkeypatch)), sheet)
    for computed in (picture / 255, picture + 1, picture.astype(float).mean(axis=2) * 2):
        assert type(computed) is np.ndarray
    assert isinstance(picture.mean(), np.floating)
    assert picture_png(Picture.of(picture[..., 0])) is None
    assert picture_png(Picture.of(picture[:0])) is None


def shown(thing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image.Image:
    formatter = Formatter()
    display = SimpleNamespace(formatters={"image/png": formatter})
    shell = SimpleNamespace(display_formatter=display)
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    _ = tc.Scene  # registers them all
    show = formatter.functions.get(type(thing), lambda thing: thing._repr_png_())
    (tmp_path / "a.png").write_bytes(show(thing))
    return Image.open(tmp_path / "a.png")
