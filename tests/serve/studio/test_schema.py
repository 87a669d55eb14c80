"""The schema of the controls says what the scene's own checks say."""

from dataclasses import fields
from typing import Any

import pytest

from tilecppn.film.timeline.interpolation import EASINGS
from tilecppn.scene.sections import SECTIONS
from tilecppn.scene.validation import Check
from tilecppn.serve.studio.schema import colours_of, schema

KEYS = [
    (f"{name}.{field.name}", field.metadata["check"], schema()["sections"][name][field.name])
    for name, section in SECTIONS.items()
    for field in fields(section)
]


def accepts(check: Check, value: Any) -> bool:
    try:
        check.parse(value)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


@pytest.mark.parametrize(("key", "check", "said"), KEYS, ids=[key for key, *_ in KEYS])
def test_a_key_allows_what_its_schema_says(key: str, check: Check, said: dict[str, Any]) -> None:
    assert said["help"]
    assert "`" not in said["help"]
    assert {"type", "enum", "format"} & said.keys()
    assert accepts(check, None) == said.get("nullable", False)
    assert accepts(check, said["default"])
    for value in said.get("enum", ()):
        assert accepts(check, value)
    if said.get("type") in ("integer", "number"):
        kind = int if said["type"] == "integer" else float
        for bound, beyond in (("minimum", -1), ("maximum", 1)):
            if bound in said:
                assert accepts(check, kind(said[bound]))
                assert not accepts(check, kind(said[bound] + beyond))
    assert not accepts(check, object())


def test_every_palette_has_colours() -> None:
    for name, colours in schema()["palettes"].items():
        assert 2 <= len(colours) <= 16
        assert colours_of(f"{name}_r")[0] == colours[-1]


def test_every_easing_has_a_curve() -> None:
    curves = schema()["easings"]
    assert curves.keys() == EASINGS.keys()
    assert curves["linear"][6] == 0.25
    assert all(curve[0] == 0.0 and max(curve) <= 1.0 for curve in curves.values())
