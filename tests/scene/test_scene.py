"""The scene file: what stands where it says nothing, and its TOML."""

from dataclasses import FrozenInstanceError, asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.scene.conftest import NET, SECTIONS, scene_or_none
from tilecppn.cppn import CPPN
from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.errors import SceneError
from tilecppn.scene import sections
from tilecppn.scene.scene import EMBEDDED, Scene
from tilecppn.scene.sections import MAX_SIDE, Canvas


def test_empty_file_is_the_contracts_scene() -> None:
    scene = Scene.parse("")
    assert asdict(scene.latent) == {"seed": 0, "z": None, "sum": None}
    assert scene.canvas == Canvas(width=1024, height=1024)
    view = {
        "center": (0.0, 0.0),
        "scale": 10.0,
        "rotation": 0.0,
        "aspect": "preserve",
        "grid": "centers",
    }
    output = {"dtype": "uint8", "tolerance": 0.1, "invert": False, "tile": 512, "shard": 4096}
    assert view.items() <= asdict(scene.view).items()
    assert output.items() <= asdict(scene.output).items()
    assert (scene.source.preset, scene.source.seed, scene.channels) == ("hardmaru", 0, 3)
    assert scene.cppn == CPPN.from_preset("hardmaru", seed=0, channels=3)
    assert np.array_equal(scene.z, scene.cppn.seeded_latent(0))
    assert scene == Scene.of()


def test_seed_of_the_latent_and_of_the_network_are_two() -> None:
    scene = Scene.parse("[cppn]\nseed = 3\n[latent]\nseed = 4")
    assert scene.cppn == CPPN.from_preset("hardmaru", seed=3)
    assert np.array_equal(scene.z, scene.cppn.seeded_latent(4))


def test_latent_by_values_stands_for_its_seed() -> None:
    scene = Scene.parse("[cppn]\nz_dim = 2\n[latent]\nseed = 9\nz = [0.5, -3]")
    assert scene.z.tolist() == [0.5, -3.0]
    assert scene.z.dtype == np.float64


def test_every_key_reaches_its_place() -> None:
    scene = Scene.parse(
        """
        [cppn]
        preset = "hardmaru-sine"
        seed = 9223372036854775807
        channels = 1
        width = 5
        z_dim = 3
        activations = ["sin", "gaussian"]
        [latent]
        z = [1, 2, 3]
        [canvas]
        width = 2147483647
        height = 7
        [view]
        center = [1, -2.5]
        scale = 3
        rotation = -30
        aspect = "stretch"
        grid = "endpoints"
        [output]
        dtype = "uint16"
        tolerance = 0
        invert = true
        tile = 64
        shard = 256
        """
    )
    assert scene.cppn == CPPN.from_preset(
        "hardmaru-sine",
        seed=MAX_SEED,
        channels=1,
        width=5,
        z_dim=3,
        activations=("sin", "gaussian"),
    )
    assert (scene.canvas.width, scene.canvas.height) == (MAX_SIDE, 7)
    assert scene.view == sections.View((1.0, -2.5), 3.0, -30.0, "stretch", "endpoints")
    assert all(type(v) is float for v in (*scene.view.center, scene.view.scale))
    output = scene.output
    assert (output.dtype, output.tolerance, output.invert) == ("uint16", 0.0, True)
    assert (output.tile, output.shard, output.itemsize) == (64, 256, 2)


def test_scene_and_its_sections_are_frozen() -> None:
    scene = Scene.of(cppn=NET)
    with pytest.raises(FrozenInstanceError):
        scene.canvas = sections.Canvas(1, 1)  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        scene.canvas.width = 1  # type: ignore[misc]


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf[canvas]\nwidth = 7\n")
    assert Scene.load(tmp_path / "a.toml").canvas.width == 7


# TOML and back


@given(SECTIONS)
@example({"latent": {"seed": 1, "z": [0.5] * 8}})
def test_toml_reads_back_as_the_same_scene(keys: dict[str, Any]) -> None:
    scene = scene_or_none(keys)
    if scene is None:
        return
    again = Scene.parse(scene.to_toml())
    assert again == scene
    assert again.fingerprint == scene.fingerprint
    assert again.to_toml() == scene.to_toml()


@given(SECTIONS, st.data())
def test_latent_values_read_back_exactly(keys: dict[str, Any], data: st.DataObject) -> None:
    scene = scene_or_none(keys)
    if scene is None:
        return
    n = scene.cppn.structure.z_dim
    values = data.draw(st.lists(st.floats(-1e30, 1e30), min_size=n, max_size=n))
    given = scene.replace(latent={"z": values})
    again = Scene.parse(given.to_toml())
    assert again.z.tolist() == values
    assert again.fingerprint == given.fingerprint


def test_toml_of_a_scene_with_weights_names_them_as_a_store_keeps_them(weights_file: Path) -> None:
    scene = Scene.parse(f'[cppn]\nweights = "{weights_file}"\n')
    text = scene.to_toml()
    assert str(weights_file) not in text
    assert f'weights = "{EMBEDDED}"' in text
    again = Scene.parse(text, embedded=weights_file.read_bytes())
    assert again.cppn == scene.cppn
    assert again.fingerprint == scene.fingerprint
    assert again.to_toml() == text


def test_a_sum_of_latents_is_kept_as_its_values() -> None:
    one, two, three = (Scene.of(latent={"seed": seed}).z for seed in (1, 2, 3))
    scene = Scene.of(latent={"sum": "seed1 + 0.5 * (seed2 - seed3)"})
    np.testing.assert_array_equal(scene.z, one + 0.5 * (two - three))
    again = Scene.parse(scene.to_toml())
    assert again.fingerprint == scene.fingerprint
    assert "sum" not in scene.to_toml()
    assert scene.replace(latent={"z": two.tolist()}).z.tolist() == two.tolist()


@pytest.mark.parametrize(
    ("latent", "words"),
    [
        ({"sum": "seed1 +"}, "latent.sum: .* is not a formula"),
        ({"sum": "other"}, 'latent.sum: unknown latent "other"'),
        ({"sum": "2"}, "latent.sum: .* must give a finite latent"),
        ({"sum": "seed1", "z": [0.0] * 8}, "latent.sum cannot be combined with latent.z"),
    ],
)
def test_a_bad_sum_of_latents_is_refused(latent: dict[str, object], words: str) -> None:
    with pytest.raises(SceneError, match=words):
        Scene.of(latent=latent)
