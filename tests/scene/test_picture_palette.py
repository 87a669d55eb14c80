"""Palettes from pictures: main colours by lightness; in a scene the colours stand, not the path."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tilecppn as tc
from tests.scene.conftest import refusal
from tests.test_pictures import wide_profile
from tilecppn.errors import SceneError
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.oklab import oklab
from tilecppn.scene.palettes import stops
from tilecppn.scene.picture_palette import STOPS, main_colours
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

SMALL: dict[str, Any] = {"cppn": {"width": 4, "depth": 1}, "canvas": {"width": 40, "height": 30}}
FLAG = ["#102040", "#c03020", "#e8d8a0"]


def flag(colours: list[str] = FLAG) -> Image.Image:
    """Stripes, three pixels of each colour."""
    rows = [np.rint(255 * rgb).astype(np.uint8) for rgb in stops(tuple(colours))]
    return Image.fromarray(np.repeat(np.stack(rows)[:, None], 3, axis=1).repeat(3, axis=0))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    flag().save(path)
    return path


def test_the_main_colours_of_a_picture_are_found_from_dark_to_light() -> None:
    found = main_colours(np.asarray(flag()))
    assert found == tuple(FLAG)
    noise = np.random.default_rng(0).integers(0, 256, (90, 50, 3), np.uint8)
    many = main_colours(noise)
    assert len(many) == STOPS
    assert (np.diff(oklab(stops(many))[:, 0]) > 0.0).all()


def test_a_small_colourful_part_has_a_stop_of_its_own() -> None:
    picture = np.full((60, 60, 3), 128, np.uint8)
    picture[:, :30] = 90
    picture[:9, :9] = (230, 30, 40)
    assert "#e61e28" in main_colours(picture)


@pytest.mark.parametrize("value", [0, 119, 255])
def test_a_picture_of_one_colour_gives_that_colour(value: int) -> None:
    found = main_colours(np.full((5, 7), value, np.uint8))
    assert found == (f"#{value:02x}{value:02x}{value:02x}",) * 2


def test_a_scene_takes_its_colours_relative_to_its_file(photo: Path) -> None:
    file = photo.with_name("scene.toml")
    file.write_text('[output]\npalette = "photo.png"\n')
    scene = Scene.load(file)
    assert scene.output.palette == main_colours(np.asarray(flag()))
    assert (scene.cppn.channels, scene.channels) == (1, 3)
    by_colours = Scene.of(output={"palette": scene.output.palette})
    assert scene.fingerprint == by_colours.fingerprint
    assert "photo" not in scene.to_toml()
    photo.unlink()
    assert scene.replace(canvas={"width": 9}).output.palette == scene.output.palette
    with pytest.raises(SceneError, match=r"output\.palette"):
        Scene.load(file)


def test_a_picture_is_read_in_srgb_by_its_profile(photo: Path) -> None:
    flag(["#2060a0", "#2060a0"]).save(photo, icc_profile=wide_profile())
    (colour,) = set(Scene.of(output={"palette": str(photo)}).output.palette or ())
    assert np.abs(255 * stops((colour, colour))[0] - (0x60, 0x20, 0xA0)).max() <= 2


def test_two_numbers_take_a_pictures_colours_too(photo: Path) -> None:
    scene = Scene.of(cppn={"preset": "tide"}, output={"palette": str(photo)})
    assert scene.cppn.channels == 2
    assert scene.output.shadow is None


@pytest.mark.parametrize("name", ["nowhere.jpg", "scene.toml", "../"])
def test_what_is_no_picture_is_refused_in_one_line(photo: Path, name: str) -> None:
    photo.with_name("scene.toml").write_text("[output]")
    message = refusal(f'[output]\npalette = "{name}"\n', folder=photo.parent)
    assert "output.palette" in message
    assert message.startswith("poster.toml: ")


def test_a_store_renders_on_its_own(photo: Path, tmp_path: Path) -> None:
    scene = Scene.of(**SMALL, output={"palette": str(photo)})
    tc.render(scene, tmp_path / "a.zarr", executor="local")
    tc.export(tmp_path / "a.zarr", tmp_path / "a.png")
    photo.unlink()
    assert Store(tmp_path / "a.zarr").scene.output.palette == scene.output.palette
    for kept in ("a.zarr", "a.png"):
        again = Scene.load(tmp_path / kept)
        assert again.fingerprint == scene.fingerprint
    flag().save(photo)
    path = f"output.palette={photo}"
    assert Scene.load(tmp_path / "a.png", [path]).output.palette == main_colours(np.asarray(flag()))


def test_a_path_in_a_stored_scene_is_not_followed(photo: Path) -> None:
    scene = Scene.of(**SMALL, output={"palette": "viridis"})
    text = scene.to_toml().replace('"viridis"', f'"{photo}"')
    assert "stored scene" in refusal(text, whole=True)
    assert "stored scene" in refusal(text, embedded=scene.cppn.to_bytes())
    with pytest.raises(SceneError, match="stored scene"):
        Timeline.parse(text, embedded={"weights.safetensors": scene.cppn.to_bytes()})


def test_a_keyframe_takes_no_picture(photo: Path) -> None:
    keyframes = f'[[keyframe]]\ntime = 0\noutput = {{palette = "{photo}"}}\n'
    with pytest.raises(SceneError, match=r"output\.palette"):
        Timeline.parse("[film]\nseconds = 1\n" + keyframes)
