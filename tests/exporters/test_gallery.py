"""`tc.gallery`: one scene with many seeds; tests/cli has what the sheet looks like."""

import numpy as np
import pytest

import tilecppn as tc
from tests.conftest import SMALL_NET
from tilecppn.exporters.contact_sheet import GAP, sheet_size
from tilecppn.exporters.gallery import _kinds, gallery
from tilecppn.scene.scene import Scene

SCENE = Scene.of(cppn=SMALL_NET, canvas={"width": 300, "height": 300})


def test_a_gallery_is_an_array() -> None:
    sheet = tc.gallery(SCENE, seeds=[1, 2], latents=[3, 4, 5], width=100)
    assert sheet.shape == (*sheet_size(6, 3, (100, 100), 2)[::-1], 3)
    first = sheet[GAP : GAP + 100, GAP : GAP + 100]
    picture = SCENE.replace(cppn={"seed": 1}, latent={"seed": 3})
    assert np.array_equal(first, tc.preview(picture, 100))


def test_seeds_that_change_nothing_are_refused() -> None:
    with pytest.raises(tc.InvalidRequestError, match="latents"):
        gallery(SCENE.replace(cppn=SCENE.cppn), seeds=[1])
    with pytest.raises(tc.InvalidRequestError, match=r"latent\.z"):
        gallery(SCENE.replace(latent={"z": [0.0] * 8}), latents=[1])
    with pytest.raises(tc.InvalidRequestError, match="at least one"):
        gallery(SCENE, seeds=[])
    with pytest.raises(tc.InvalidRequestError, match="columns=0: must be 1"):
        gallery(SCENE, seeds=[1], columns=0)


def test_each_label_is_what_gives_its_picture() -> None:
    sheet = gallery(SCENE, mutations=[4, 5], amount=0.3, palettes=[7, 8, 9], width=100)
    assert sheet.shape == (*sheet_size(6, 3, (100, 100), 2)[::-1], 3)
    last = sheet[-(GAP + 100 + 38) :][:100, -(GAP + 100) : -GAP]
    overrides = ["cppn.mutations=[{seed=5, amount=0.3}]", "output.palette=seed:9"]
    picture = Scene.parse(SCENE.to_toml(), overrides=overrides, whole=True)
    assert np.array_equal(last, tc.preview(picture, 100))


def test_a_child_is_mutated_further() -> None:
    scene = SCENE.replace(cppn={"mutations": [{"seed": 1, "amount": 0.2}]})
    (kind,) = _kinds(scene, None, None, [5], None, None, 0.1)
    (variant,) = kind
    assert variant.label == "'cppn.mutations=[{seed=1, amount=0.2}, {seed=5, amount=0.1}]'"
    changed = scene.replace(**variant.change)
    assert changed.cppn == scene.cppn.mutated(5, 0.1)


def test_presets_bring_their_own_colours() -> None:
    scene = Scene.of(canvas={"width": 40, "height": 30})
    sheet = gallery(scene, presets=["tide", "silk"], width=100)
    first = sheet[GAP : GAP + 75, GAP : GAP + 100]
    assert np.array_equal(first, tc.preview(scene.replace(cppn={"preset": "tide"}), 100))
    with pytest.raises(tc.InvalidRequestError, match="preset"):
        gallery(scene, presets=["tyde"])


def test_dull_pictures_are_left_out_if_asked() -> None:
    scene = Scene.of(canvas={"width": 30, "height": 30}, view={"scale": 0.05})
    seeds = list(range(12))
    pictures = [tc.preview(scene.replace(cppn={"seed": seed}), 100) for seed in seeds]
    spread = [float(np.std(picture, axis=(0, 1)).max()) for picture in pictures]
    clear = [seed for seed in seeds if spread[seed] > 22 or spread[seed] < 11]
    dull = [seed for seed in clear if spread[seed] < 11]
    assert 0 < len(dull) < len(clear)
    found: list[str] = []
    sheet = gallery(scene, seeds=clear, columns=1, without_dull=True, left_out=found.append)
    assert found == [f"--set cppn.seed={seed}" for seed in dull]
    rest = [seed for seed in clear if seed not in dull]
    assert np.array_equal(sheet, gallery(scene, seeds=rest, columns=1))
    with pytest.raises(tc.InvalidRequestError, match="one colour"):
        gallery(scene, seeds=dull, without_dull=True)
