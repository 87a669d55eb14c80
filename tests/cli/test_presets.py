"""`tilecppn presets`."""

import json

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import ok, record
from tilecppn.cppn import ACTIVATIONS, PRESETS


def test_presets_lists_presets_and_activations(cli: Cli) -> None:
    listed = record(cli("presets", "--json"))
    assert set(listed["presets"]) == set(PRESETS)
    assert set(listed["activations"]) == set(ACTIVATIONS)
    assert listed["presets"]["hardmaru"]["activations"] == ["tanh"] * 4
    words = ok(cli("presets")).split()
    assert set(words) >= {*PRESETS, *ACTIVATIONS}


def test_presets_fit_a_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, most in (("60", 80), ("90", 90), ("400", 100)):
        monkeypatch.setenv("COLUMNS", columns)
        lines = ok(cli("presets")).splitlines()
        assert max(map(len, lines)) <= most
        assert [line for line in lines if line.startswith("  jupiter ")]
        assert not [line for line in lines if line.rstrip().endswith(" =")]
        assert not [line for line in lines if line.lstrip().startswith("= ")]


def test_presets_say_what_they_set_and_over_how_many_octaves_they_have_detail(cli: Cli) -> None:
    listed = record(cli("presets", "--json"))["presets"]
    assert listed["hardmaru"]["octaves"] == 0
    assert {name: p["octaves"] for name, p in listed.items()} == {
        name: preset.octaves for name, preset in PRESETS.items()
    }
    assert listed["silk"]["sets"]["view.scale"] == 4.0
    assert listed["guibas"]["sets"]["view.swap"] is True
    for name, preset in PRESETS.items():
        palette = None if preset.palette is None else json.loads(json.dumps(preset.palette))
        assert listed[name]["sets"].get("output.palette") == palette
