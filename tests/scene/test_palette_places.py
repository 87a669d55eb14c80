"""Palettes whose colours have places: what they are, and what is none."""

import json
from typing import Any

import numpy as np
import pytest

from tests.scene.conftest import refusal
from tilecppn.pixels.preview import preview
from tilecppn.scene.oklab import oklab, srgb
from tilecppn.scene.palettes import lab_stops, light_of, stops
from tilecppn.scene.scene import Scene

FREE = ("#0b1d51 10%", "#ffffff 35%", "#f2a65a 100%")


def test_a_colour_lies_at_its_place() -> None:
    colours = stops(FREE)
    assert len(colours) == 21  # every 5 %, the least that has all places
    dark, white, warm = stops(("#0b1d51", "#ffffff", "#f2a65a"))
    for place, colour in ((0, dark), (2, dark), (7, white), (20, warm)):
        np.testing.assert_array_equal(colours[place], colour)
    np.testing.assert_allclose(colours[12], white + (warm - white) * 25 / 65)
    np.testing.assert_allclose(srgb(lab_stops(FREE))[[2, 7, 20]], [dark, white, warm], atol=1e-5)
    mixed = (oklab(white) * 40 + oklab(warm) * 25) / 65
    np.testing.assert_allclose(lab_stops(FREE)[12], mixed)


@pytest.mark.parametrize("preset", ["silk", "jupiter"])  # of one channel, and of two
def test_even_places_change_nothing(preset: str) -> None:
    def picture(palette: list[str]) -> Any:
        scene = Scene.of(cppn={"preset": preset}, output={"palette": palette})
        return preview(Scene.parse(scene.to_toml()), 60)

    plain = ["#001", "#fff", "#a31", "#ffe080", "#123"]
    placed = [f"{colour} {25 * i}%" for i, colour in enumerate(plain)]
    np.testing.assert_array_equal(picture(placed), picture(plain))
    assert light_of(tuple(placed)) == light_of(tuple(plain))
    moved = [*placed[:2], "#a31 70%", *placed[3:]]
    assert (picture(moved) != picture(plain)).any()


@pytest.mark.parametrize(
    ("palette", "words"),
    [
        (["#000 0%", "#fff"], 'colour 2, "#fff": must have a place, as others have'),
        (["#000 50%", "#fff 20%"], 'colour 2, "#fff 20%": must have a place after the 50%'),
        (["#000 20%", "#fff 20%"], "after the 20%"),
        (["#000 -5%", "#fff 20%"], 'colour 1, "#000 -5%": must have a place'),
        (["#000 0%", "#fff 101%"], 'colour 2, "#fff 101%"'),
        (["#000 0%", "#fff 33.3%"], 'colour 2, "#fff 33.3%"'),
        (["#000 0%", "#fff 050%"], 'colour 2, "#fff 050%"'),
        (["#000  0%", "#fff 50%"], 'colour 1, "#000  0%"'),
        (["#000 ", "#fff "], 'colour 1, "#000 "'),
        (["black 0%", "#fff 50%"], 'colour 1, "black 0%": must be #rgb or #rrggbb'),
        (["#000", "#fff", "#ff0g00"], 'colour 3, "#ff0g00": must be #rgb'),
        (["#000", "#fff", ""], 'colour 3, "": must be #rgb'),
        (["#000", 7], "colour 2, 7: must be #rgb"),
        (["#000 0%"], "must have from 2 to 4,096 colours"),
        (["#000"] * 4097, "must have from 2 to 4,096 colours"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_colour_at_fault_is_named(palette: list[object], words: str) -> None:
    message = refusal(f"[output]\npalette = {json.dumps(palette)}")
    assert "output.palette = " in message
    assert words in message
