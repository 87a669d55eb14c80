"""The canvas: its size on paper, bleed and crop."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scene.conftest import NET
from tilecppn.errors import SceneError
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Canvas

POSTER: dict[str, Any] = {"print": "60x40in", "bleed": "3mm"}


def test_a_print_has_the_pixels_of_its_resolution_and_bleed() -> None:
    poster = Canvas(**POSTER)
    assert (poster.width, poster.height) == (18071, 12071)
    assert poster.whole == (18000, 12000)
    assert poster.origin == (-35, -35)
    assert Canvas(print="A4", dpi=150).whole == (1240, 1754)


def test_a_stored_scene_is_the_same() -> None:
    scene = Scene.of(cppn=NET, canvas={**POSTER, "crop": [0.25, 0.5, 0.125, 0.25]})
    again = Scene.parse(scene.to_toml(), whole=True)
    assert again.canvas == scene.canvas
    assert again.fingerprint == scene.fingerprint


def test_a_size_on_paper_is_no_other_picture() -> None:
    pixels = Scene.of(cppn=NET, canvas={"width": 600, "height": 400})
    paper = Scene.of(cppn=NET, canvas={"print": "6x4in", "dpi": 100})
    assert pixels.fingerprint == paper.fingerprint
    changes: list[dict[str, Any]] = [{"bleed": "1px"}, {"crop": [0.0, 0.0, 0.5, 1.0]}]
    for change in changes:
        assert paper.replace(canvas=change).fingerprint != pixels.fingerprint


def test_a_size_in_pixels_replaces_one_on_paper() -> None:
    poster = Scene.of(cppn=NET, canvas={"print": "6x4in", "dpi": 100})
    pixels = poster.replace(canvas={"width": 30, "height": 20})
    assert (pixels.canvas.width, pixels.canvas.height, pixels.canvas.print) == (30, 20, None)
    assert pixels.replace(canvas={"print": "A4"}).canvas.whole == (827, 1169)
    assert poster.replace(canvas=poster.canvas) == poster
    text = "[canvas]\nwidth = 7\nheight = 5\n"
    assert Scene.parse(text, overrides=["canvas.print=A4"]).canvas.print == "A4"


@pytest.mark.parametrize(
    ("canvas", "key"),
    [
        ({"print": "6x4"}, "canvas.print"),
        ({"print": "6x4in", "width": 600}, "canvas.print"),
        ({"bleed": "3"}, "canvas.bleed"),
        ({"bleed": 3}, "canvas.bleed"),
        ({"print": f"{'9' * 400}x1in"}, "canvas.print"),
        ({"bleed": f"{'9' * 308}in"}, "canvas.bleed"),
        ({"dpi": 0}, "canvas.dpi"),
        ({"crop": [0.5, 0.5, 0.6, 0.5]}, "canvas.crop"),
        ({"crop": [0.5, 0.5, 0.0, 0.5]}, "canvas.crop"),
        ({"crop": [0.0, 0.0, 1e-6, 1.0]}, "canvas.crop"),
        ({"print": "1x90000000cm"}, "canvas.print"),
    ],
)
def test_wrong_values_are_refused_with_their_key(canvas: dict[str, Any], key: str) -> None:
    with pytest.raises(SceneError) as caught:
        Scene.of(canvas=canvas)
    assert key in caught.value.keys


@given(
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    bleed=st.integers(0, 40),
    crop=st.sampled_from([None, [0.25, 0.125, 0.5, 0.75], [0.0, 0.3, 1.0, 0.7]]),
)
def test_another_size_has_just_the_pixels_asked_for(
    width: int, height: int, bleed: int, crop: list[float] | None
) -> None:
    scene = Scene.of(
        cppn=NET, canvas={"width": 900, "height": 700, "bleed": f"{bleed}px", "crop": crop}
    )
    small = scene.replace(canvas=scene.canvas.resized(width, height)).canvas
    assert (small.width, small.height) == (width, height)
