"""Variations and children: each is a scene that can be drawn, and the same each time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilecppn.errors import InvalidRequestError
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio.scenes import checked_changes
from tilecppn.serve.studio.variations import KINDS, children, variations

BASES = [
    Scene.of(),
    Scene.of(cppn={"preset": "silk", "seed": 3}, view={"radial": 6}),
    Scene.of(cppn={"preset": "jupiter", "mutations": [{"seed": 1, "amount": 0.1}]}),
    Scene.of(output={"color": "hsv"}, latent={"z": [0.5] * 8}),
    Scene.of(cppn={"preset": "guibas"}),
]
bases = st.sampled_from(BASES)


@settings(max_examples=40)
@given(bases, st.sampled_from(list(KINDS)), st.integers(0, 10**6), st.floats(0, 1))
def test_every_variation_is_a_scene(base: Scene, kind: str, start: int, amount: float) -> None:
    first = start if kind not in ("presets", "symmetry") else start % 3
    found = variations(base, kind, first, 2, amount)
    assert len(found) == 2
    for variation in found:
        scene = base.replace(**checked_changes(variation.changes))
        assert Scene.parse(scene.to_toml()).fingerprint == scene.fingerprint
    assert found == variations(base, kind, first, 2, amount)
    assert found[1:] == variations(base, kind, first + 1, 1, amount)


@settings(max_examples=40)
@given(st.lists(bases, min_size=2, max_size=4), st.integers(0, 10**6))
def test_every_child_is_a_scene(parents: list[Scene], start: int) -> None:
    found = children(parents, start, 4)
    scenes = [parents[0].replace(**checked_changes(child.changes)) for child in found]
    assert len({scene.fingerprint for scene in scenes}) == 4
    assert found == children(parents, start, 4)


def test_children_take_after_both() -> None:
    one = Scene.of(cppn={"preset": "silk", "seed": 1})
    other = Scene.of(cppn={"preset": "silk", "seed": 2}, output={"palette": "viridis"})
    found = [one.replace(**child.changes) for child in children([one, other], 0, 20)]
    assert {scene.output.palette for scene in found} == {one.output.palette, "viridis"}
    assert all(scene.source.cross is not None for scene in found)


def test_short_lists_end() -> None:
    assert len(variations(BASES[0], "presets", 0, 200, 0.1)) == len(
        {v.label for v in variations(BASES[0], "presets", 0, 200, 0.1)}
    )
    assert variations(BASES[0], "symmetry", 100, 20, 0.1) == []


def test_what_a_scene_does_not_have() -> None:
    plain = Scene.of(cppn={"z_dim": 0, "inputs": ["x", "y"]})
    for kind in ("latents", "nearby"):
        with pytest.raises(InvalidRequestError, match="no latent"):
            variations(plain, kind, 0, 3, 0.1)
