"""`tilecppn presets`."""

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
