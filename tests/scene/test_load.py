"""What `Scene.load` and `Timeline.load` read beside TOML files, `Scene.save`, and reprs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import tilecppn as tc
from tests.scene.conftest import NET
from tilecppn.cppn import CPPN
from tilecppn.cppn.latents import save_latents
from tilecppn.errors import AddressError, SceneError
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene import sections
from tilecppn.scene.scene import Scene

SCENE = Scene.of(cppn=NET, canvas={"width": 40, "height": 30}, output={"tile": 64})


def test_a_scene_is_loaded_from_its_store_and_exports(tmp_path: Path) -> None:
    tc.render(SCENE, tmp_path / "a.zarr", executor="local")
    for name in ("a.dzi", "a.png", "a.tif"):
        tc.export(tmp_path / "a.zarr", tmp_path / name)
    for name in ("a.zarr", "a.dzi", "a.png", "a.tif"):
        assert Scene.load(tmp_path / name) == SCENE
        assert Scene.load(tmp_path / name, ["canvas.width=80"]).canvas.width == 80


def test_another_preset_for_a_store_brings_its_own_palette_and_view(tmp_path: Path) -> None:
    canvas = {"width": 20, "height": 20}
    tc.render(Scene.of(cppn={"preset": "silk"}, canvas=canvas), tmp_path / "a.zarr", workers=1)
    tc.export(tmp_path / "a.zarr", tmp_path / "a.png")
    for name in ("a.zarr", "a.png"):
        for preset in ("ember", "hardmaru", "guibas"):
            again = Scene.load(tmp_path / name, [f"cppn.preset={preset}"])
            assert again == Scene.of(cppn={"preset": preset}, canvas=canvas)


def test_preview_and_render_take_a_path(tmp_path: Path) -> None:
    SCENE.save(tmp_path / "a.toml")
    assert np.array_equal(tc.preview(str(tmp_path / "a.toml"), width=8), tc.preview(SCENE, 8))
    assert tc.render(tmp_path / "a.toml", tmp_path / "a.zarr", executor="local").scene == SCENE


def test_a_timeline_is_loaded_from_its_film_and_store(tmp_path: Path) -> None:
    frames = [tc.Keyframe(0, view={"scale": 1}), tc.Keyframe(1, view={"scale": 2})]
    film = Timeline.of(SCENE, frames, seconds=1, fps=2)
    for name in ("a.gif", "a.zarr"):
        tc.animate(film, tmp_path / name, executor="local")
        assert Timeline.load(tmp_path / name).fingerprint == film.fingerprint
        assert Timeline.load(tmp_path / name, ["canvas.width=20"], fps=4).frames == 4
        with pytest.raises(tc.InvalidRequestError, match="film"):
            Scene.load(tmp_path / name)


def test_a_saved_scene_is_loaded_as_it_was(tmp_path: Path) -> None:
    silk = Scene.of(cppn={"preset": "silk"}, view={"mirror": "x"})
    silk.save(tmp_path / "silk.toml")
    assert Scene.load(tmp_path / "silk.toml") == silk


def test_a_scene_with_a_network_of_its_own_is_saved_with_it(tmp_path: Path) -> None:
    one, other = (CPPN.from_preset("hardmaru", seed=seed, **NET) for seed in (1, 2))
    scene = SCENE.replace(cppn=one)
    for _ in range(2):
        scene.save(tmp_path / "a.toml")
    again = Scene.load(tmp_path / "a.toml")
    assert (again.cppn, again.fingerprint) == (one, scene.fingerprint)
    with pytest.raises(SceneError, match="another network"):
        SCENE.replace(cppn=other).save(tmp_path / "a.toml")
    assert CPPN.load(tmp_path / "a.safetensors") == one
    with pytest.raises(SceneError, match=r"\.toml"):
        SCENE.save(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("save", "name"),
    [
        (SCENE.save, "a.toml"),
        (SCENE.replace(cppn=SCENE.cppn).save, "a.toml"),
        (SCENE.cppn.save, "a.safetensors"),
        (partial(save_latents, latents={"a": [1.0]}), "a.json"),
        (partial(save_latents, latents={"a": [1.0]}), "a.npz"),
    ],
)
def test_nothing_is_saved_at_an_address(
    save: Callable[[str], None], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would become a local folder of that name."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AddressError, match="give a path on a disk"):
        save(f"s3://bucket/{name}")
    assert list(tmp_path.iterdir()) == []


def test_reprs_say_what_a_person_chose() -> None:
    assert repr(sections.View(scale=3.0, mirror="x")) == "View(scale=3.0, mirror='x')"
    assert eval(repr(SCENE.output), vars(sections)) == SCENE.output
    assert repr(Scene.of(canvas={"width": 7})) == "Scene(hardmaru, seed 0, 7 × 1024 × 3, uint8)"
