"""`Scene.replace`: the same as the changed keys in the scene's file."""

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given

from tests.scene.conftest import NET, SECTIONS, scene_or_none
from tilecppn.cppn import CPPN, PRESETS
from tilecppn.errors import SceneError
from tilecppn.scene import sections
from tilecppn.scene.scene import EMBEDDED, Scene


def test_replace_changes_the_keys_of_a_mapping_and_no_others() -> None:
    scene = Scene.of(cppn=NET, canvas={"width": 5, "height": 6}, view={"scale": 2.0})
    changed = scene.replace(canvas={"width": 9}, output={"invert": True}, latent={"seed": 3})
    assert (changed.canvas.width, changed.canvas.height) == (9, 6)
    assert changed.view == scene.view
    assert changed.output.invert
    assert changed.cppn == scene.cppn
    assert np.array_equal(changed.z, scene.cppn.seeded_latent(3))
    assert (scene.canvas.width, scene.latent.seed) == (5, 0)  # the old one is as it was


def test_replace_takes_whole_sections() -> None:
    scene = Scene.of(cppn=NET, canvas={"width": 5, "height": 6})
    changed = scene.replace(
        canvas=sections.Canvas(height=7),
        view=sections.View(scale=3.0),
        cppn=sections.CPPN(seed=8, width=2),
    )
    assert changed.canvas == sections.Canvas(1024, 7)
    assert changed.view.scale == 3.0
    assert changed.cppn == CPPN.from_preset("hardmaru", seed=8, width=2)


def test_replace_adds_and_removes_mutations() -> None:
    steps = [{"seed": seed, "amount": 0.2} for seed in (3, 4, 5)]
    lists = [None, steps[:1], steps[:2], steps[1:], steps]
    scenes = [Scene.of(cppn={**NET, "mutations": mutations}) for mutations in lists]
    for scene in scenes:
        for mutations, expected in zip(lists, scenes, strict=True):
            changed = scene.replace(cppn={"mutations": mutations})
            assert changed == expected
            assert changed.cppn == expected.cppn


def test_replace_takes_a_network() -> None:
    net = CPPN.from_preset("hardmaru", seed=9, width=2, depth=1, channels=1)
    scene = Scene.of(cppn=NET).replace(cppn=net, canvas={"width": 4096})
    assert scene.cppn is net
    assert (scene.channels, scene.canvas.width) == (1, 4096)
    assert scene.source.weights == EMBEDDED
    again = Scene.parse(scene.to_toml(), embedded=net.to_bytes())
    assert again == scene
    assert again.fingerprint == scene.fingerprint


def test_replace_keeps_the_network_of_a_weights_file(weights_file: Path) -> None:
    scene = Scene.parse(f'[cppn]\nweights = "{weights_file.name}"\n', folder=weights_file.parent)
    changed = scene.replace(canvas={"width": 9})
    assert changed.cppn == scene.cppn
    assert changed.source == scene.source


def test_replace_takes_another_weights_file(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = CPPN.from_preset("hardmaru", seed=1, width=2, depth=1, z_dim=1)
    other.save(tmp_path / "other.safetensors")
    monkeypatch.chdir(tmp_path)
    scene = Scene.parse(f'[cppn]\nweights = "{weights_file}"\n')
    for base in (scene, Scene.of()):
        assert base.replace(cppn=sections.CPPN(weights="other.safetensors")).cppn == other
    assert scene.replace(cppn={"weights": "other.safetensors"}).cppn == other


def test_replace_reads_the_file_that_is_named_whatever_the_one_before_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that was given as such has the name that a store gives it."""
    one, other = (CPPN.from_preset("hardmaru", seed=seed, width=2, depth=1) for seed in (1, 2))
    other.save(tmp_path / EMBEDDED)
    monkeypatch.chdir(tmp_path)
    scene = Scene.of().replace(cppn=one)
    assert scene.replace(cppn={"weights": EMBEDDED}).cppn == other
    assert scene.replace(cppn=sections.CPPN(weights=EMBEDDED, channels=3)).cppn == other
    assert scene.replace(cppn={"channels": 3}).cppn == one
    assert scene.replace(cppn=scene.source).cppn == one


@pytest.mark.parametrize("change", [{"width": 9}, {"depth": 3}, {"z_dim": 1}, {"channels": 1}])
def test_replace_does_not_swallow_what_a_weights_file_forbids(
    weights_file: Path, change: dict[str, Any]
) -> None:
    scene = Scene.parse(f'[cppn]\nweights = "{weights_file}"\n')
    with pytest.raises(SceneError, match=f"cppn.{next(iter(change))}"):
        scene.replace(cppn=change)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"canvas": {"widht": 5}}, 'did you mean "width"?'),
        ({"canvas": {"width": 0}}, "canvas.width = 0"),
        ({"canvas": 5}, "canvas takes a section or a mapping"),
        ({"canvas": None}, "canvas takes a section or a mapping"),
        ({"canvas": sections.View()}, "canvas takes a section or a mapping"),
        ({"canvass": {}}, 'did you mean "canvas"?'),
        ({"source": sections.CPPN()}, "source"),
        ({"latent": {"z": [1.0]}}, "latent.z has 1 values"),
        ({"view": {"scale": math.nan}}, "view.scale = NaN"),
        ({"view": {"scale": 1e-300}}, "larger scale"),
        ({"cppn": {"preset": "nothing"}}, "cppn.preset"),
        ({"output": {"tile": 4096, "shard": 512}}, "output.shard = 512"),
    ],
)
def test_bad_replacement_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SceneError) as caught:
        Scene.of(cppn=NET).replace(**changes)
    assert words in str(caught.value)


@pytest.mark.parametrize("latent", [{"seed": 3}, {"z": [0.5] * 8}])
def test_the_latent_of_a_frozen_scene_is_read_only(latent: dict[str, Any]) -> None:
    scene = Scene.of(cppn=NET, latent=latent)
    fingerprint = scene.fingerprint
    with pytest.raises(ValueError, match="read-only"):
        scene.z[0] = 7.0
    assert Scene.of(cppn=NET, latent=latent).fingerprint == fingerprint


def test_values_of_numpy_are_taken() -> None:
    scene = Scene.of(
        cppn=NET, canvas={"width": np.int64(7)}, latent={"z": np.arange(8, dtype=np.float32)}
    )
    assert type(scene.canvas.width) is int
    assert scene.latent.z == tuple(map(float, range(8)))


@pytest.mark.parametrize("values", [{"canvas": {"widht": 1}}, {"canvass": {}}, {"canvas": 5}])
def test_scene_of_wrong_sections_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SceneError, match="scene: "):
        Scene.of(**values)


# The same as the keys in a file


def outcome(make: Callable[[], Scene]) -> Scene | tuple[str, ...]:
    """The scene, or the keys with which it is refused."""
    try:
        return make()
    except SceneError as error:
        return error.keys


@given(SECTIONS, SECTIONS, SECTIONS)
def test_replace_is_as_an_override_of_the_file(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    said = {name: {k: v for k, v in keys.items() if v is not None} for name, keys in first.items()}
    said["cppn"] = {**said.get("cppn", {}), **NET}
    text = tomli_w.dumps(said)
    overrides: list[str] = []
    try:
        scene = Scene.parse(text)
    except SceneError:
        return
    for changes in (second, third):
        overrides += [
            f"{section}.{key}={'none' if value is None else json.dumps(value)}"
            for section, keys in changes.items()
            for key, value in keys.items()
        ]
        replaced = outcome(partial(scene.replace, **changes))
        assert replaced == outcome(partial(Scene.parse, text, overrides=overrides))
        if not isinstance(replaced, Scene):
            return
        scene = replaced


@given(SECTIONS)
def test_a_whole_scene_is_read_as_the_same_and_takes_another_preset(keys: dict[str, Any]) -> None:
    """As stores and pictures carry it."""
    scene = scene_or_none(keys)
    if scene is None:
        return
    again = Scene.parse(scene.to_toml(), whole=True)
    assert again == Scene.parse(scene.to_toml())
    assert again.fingerprint == scene.fingerprint
    stored = {"view": keys.get("view", {}), "output": keys.get("output", {})}
    if not any(stored.values()) and "channels" not in keys.get("cppn", {}):
        change = {"cppn": {"preset": "ember"}}
        assert again.replace(**change) == scene.replace(**change)


def test_another_preset_brings_its_own_palette_channels_and_view() -> None:
    silk = Scene.of(cppn={"preset": "silk"}, canvas={"width": 9})
    assert silk.replace(cppn={"preset": "ember"}).output.palette == PRESETS["ember"].palette
    plain = silk.replace(cppn={"preset": "hardmaru"})
    assert (plain.cppn.channels, plain.output.palette, plain.view.scale) == (3, None, 10.0)
    assert silk.replace(cppn={"preset": "guibas"}).view.center == (12.75, 12.75)
    own = Scene.of(cppn={"preset": "silk"}, output={"palette": "magma"}, view={"scale": 2})
    assert own.replace(cppn={"preset": "ember"}).output.palette == "magma"
    assert own.replace(cppn={"preset": "ember"}).view.scale == 2.0


def test_a_scene_with_all_given_keeps_all_with_another_network() -> None:
    silk = Scene.of(cppn={"preset": "silk", "seed": 1})
    net = CPPN.from_preset("guibas", channels=1)
    kept = silk.with_all_given().replace(cppn=net)
    assert (kept.view, kept.output, kept.cppn) == (silk.view, silk.output, net)
    assert silk.replace(cppn=net).view.aspect == "stretch"
