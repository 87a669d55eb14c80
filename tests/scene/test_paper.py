"""Sizes on paper, against the sizes of ISO 216 and of printers."""

import re

import pytest

from tilecppn.scene import paper

ISO = {
    "A0": (841, 1189),
    "A1": (594, 841),
    "A3": (297, 420),
    "A4": (210, 297),
    "A10": (26, 37),
    "B0": (1000, 1414),
    "B5": (176, 250),
}


@pytest.mark.parametrize("name", ISO)
def test_series_have_the_millimetres_of_iso_216(name: str) -> None:
    upright = pytest.approx(tuple(mm / 25.4 for mm in ISO[name]))
    assert paper.sheet(name) == upright
    assert paper.sheet(f"{name.lower()} Portrait") == upright
    assert paper.sheet(f"{name} landscape")[::-1] == upright


@pytest.mark.parametrize("text", ["60x40in", "60 in x 40 in", "152.4x101.6cm", "1524 × 1016 mm"])
def test_units_and_spaces_are_taken_as_meant(text: str) -> None:
    assert paper.sheet(text) == pytest.approx((60.0, 40.0))


@pytest.mark.parametrize("text", ["60x40", "A11", "C4", "0x4in", "-3x4in", "3x4in landscape"])
def test_another_text_is_no_sheet(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        paper.sheet(text)


def test_a_length_in_pixels() -> None:
    assert paper.length("0.125in", 300.0) == 37.5
    assert paper.length("25.4 mm", 300.0) == pytest.approx(300.0)
    assert paper.length("7px", 300.0) == 7.0
    with pytest.raises(ValueError, match="-3mm"):
        paper.length("-3mm", 300.0)
