"""Palettes whose colours have places: what they are, and what is none."""

from typing import Any

import numpy as np
import pytest

from tests.scene.conftest import refusal
from tilecppn.pixels.window import preview
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
    "palette",
    [
        ["#000 0%", "#fff"],
        ["#000 50%", "#fff 20%"],
        ["#000 20%", "#fff 20%"],
        ["#000 -5%", "#fff 20%"],
        ["#000 0%", "#fff 101%"],
        ["#000 0%", "#fff 33.3%"],
        ["#000 0%", "#fff 050%"],
        ["#000  0%", "#fff 50%"],
        ["#000 ", "#fff "],
        ["black 0%", "#fff 50%"],
        ["#000 0%"],
    ],
    ids=str,
)
def test_what_has_no_such_places_is_refused(palette: list[str]) -> None:
    message = refusal(f"[output]\npalette = {palette}".replace("'", '"'))
    assert "output.palette" in message
    assert "increasing from 0% to 100%" in message
