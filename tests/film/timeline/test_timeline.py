"""Timelines: their frames, and their TOML."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import SMALL_NET
from tilecppn.cppn import CPPN
from tilecppn.errors import SceneError
from tilecppn.film.timeline.keyframes import Keyframe
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.parsing import is_timeline
from tilecppn.scene.scene import Scene

EVERYTHING = """
[cppn]
seed = 3
width = 8
depth = 2

[canvas]
width = 64
height = 36

[film]
seconds = 4
fps = "30000/1001"
loop = true
samples = 4
shutter = 0.75
interpolation.latent = "spline"
interpolation.view.center = "spline"
easing.view.rotation = "in-out"

[film.latents]
a = {seed = 9}
b = {z = [1, 2, 3, 4, 5, 6, 7, 8]}

[[keyframe]]
time = 0
latent.seed = 1
view.scale = 10
view.center = [0, 0]
cppn.seed = 3

[[keyframe]]
time = 1.5
latent.sum = "a + 0.5 * (b - seed2) / 2"
cppn.seed = 4
easing = "hold"

[[keyframe]]
time = 2
view.scale = 1
view.center = [0.5, -1]
view.rotation = 90
view.grid = "endpoints"
output.invert = true
"""


def test_differences_of_long_tracks_are_short() -> None:
    one, other = (
        Timeline.of(Scene.of(), seconds=10, fps=30, arrays={"view.rotation": [turn] * 300})
        for turn in (0.1, 1 / 3)
    )
    (said,) = one.differences(other)
    assert said.startswith('film.arrays: {"view.rotation": [0.1, ')
    assert len(said) < 160


ARRAYS = [
    (np.arange(8.0), np.arange(8.0).tolist()),
    (np.arange(8), tuple(range(8))),
    ([np.float32(k) for k in range(8)], list(range(8))),
]


@pytest.mark.parametrize(("array", "listed"), ARRAYS, ids=["array", "integers", "scalars"])
def test_keyframes_compare_and_hash_by_value_whatever_holds_it(array: Any, listed: Any) -> None:
    one, other = (Keyframe(0, latent={"z": z}) for z in (array, listed))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Keyframe(0, latent={"z": np.zeros(8)})
    if isinstance(array, np.ndarray):
        array[0] = 7  # changes no keyframe
    assert one == other


def test_timelines_compare_and_hash_by_value(scene: Scene) -> None:
    def film(z: Any, turns: Any) -> Timeline:
        keyframes = [Keyframe(0, latent={"z": z}), Keyframe(0.2, latent={"seed": 1})]
        arrays = {"view.rotation": turns}
        return Timeline.of(scene, keyframes, seconds=0.3, fps=10, arrays=arrays)

    one, same = film(np.ones(8), np.zeros(3)), film([1.0] * 8, [0.0] * 3)
    assert one == same
    assert hash(one) == hash(same)
    assert not one.differences(same)
    assert one != film(np.ones(8), np.ones(3))
    assert one != film(np.zeros(8), np.zeros(3))
    assert one.differences(film(np.zeros(8), np.ones(3))) == [
        'film.arrays: {"view.rotation": [0.0, 0.0, 0.0]} there, '
        '{"view.rotation": [1.0, 1.0, 1.0]} here',
        "the keyframes",
    ]
    again = Timeline.parse(one.to_toml(), embedded=one.networks)
    assert hash(again) == hash(Timeline.parse(same.to_toml(), embedded=same.networks))


def test_a_timeline_survives_its_toml() -> None:
    film = Timeline.parse(EVERYTHING)
    again = Timeline.parse(film.to_toml(), embedded=film.networks)
    assert again.fingerprint == film.fingerprint
    assert not film.differences(again)
    for k in (0, 7, 44, 119):
        assert again.scene(k) == film.scene(k)
        assert again.moments(k) == film.moments(k)


def test_python_and_toml_say_the_same(scene: Scene) -> None:
    text = scene.to_toml() + (
        "[film]\nseconds = 2\nfps = 25\ninterpolation.latent = 'spline'\n"
        "[[keyframe]]\ntime = 0\nlatent.seed = 1\n[[keyframe]]\ntime = 1\nlatent.seed = 2\n"
    )
    made = Timeline.of(
        scene,
        [Keyframe(0, latent={"seed": 1}), Keyframe(1, latent={"seed": 2})],
        seconds=2,
        fps=25,
        interpolation={"latent": "spline"},
    )
    assert Timeline.parse(text).fingerprint == made.fingerprint


def test_a_keyframe_is_the_scene_that_it_names(scene: Scene) -> None:
    film = Timeline.of(
        scene,
        [Keyframe(0, latent={"seed": 7}, view={"scale": 3}), Keyframe(1, view={"scale": 0.3})],
        seconds=2,
        fps=10,
    )
    assert film.scene(0).fingerprint == (
        scene.replace(latent={"seed": 7}, view={"scale": 3}).fingerprint
    )
    assert film.scene(10).view.scale == 0.3


def test_a_film_may_have_a_tolerance_of_its_own(scene: Scene) -> None:
    plain = Timeline.of(scene, seconds=1, fps=10, arrays={"view.scale": [1.0] * 10})
    assert plain.scene(3).output.tolerance == scene.output.tolerance
    for given in (0.0, 3.0):
        made = plain.replace(tolerance=given)
        assert made.scene(3).output.tolerance == given
        assert all(m.output.tolerance == given for m in made.replace(samples=3).moments(3))
        assert made.fingerprint != plain.fingerprint
        assert made.base == plain.base
        assert Timeline.parse(made.to_toml()).film.tolerance == given


def test_a_keyframes_tolerance_comes_first(scene: Scene) -> None:
    film = Timeline.of(scene, [Keyframe(0, output={"tolerance": 0.0})], seconds=1, fps=10)
    assert film.scene(0).output.tolerance == 0.0


def test_arithmetic_of_latents() -> None:
    film = Timeline.parse(EVERYTHING)
    seeded = film.base.cppn.seeded_latent
    wanted = seeded(9) + 0.5 * (np.arange(1.0, 9.0) - seeded(2)) / 2
    np.testing.assert_allclose(film.tracks["latent"].at(1.5), wanted)


def test_networks_are_interpolated(tmp_path: Path) -> None:
    nets = [CPPN.from_preset("hardmaru", seed=s, width=4, depth=1) for s in (1, 2)]
    for net, name in zip(nets, "ab", strict=True):
        net.save(tmp_path / f"{name}.safetensors")
    (tmp_path / "film.toml").write_text(
        "[cppn]\nweights = 'a.safetensors'\n[film]\nseconds = 2\nfps = 10\n"
        "[[keyframe]]\ntime = 0\ncppn.weights = 'a.safetensors'\n"
        "[[keyframe]]\ntime = 1\ncppn.weights = 'b.safetensors'\n"
    )
    film = Timeline.load(tmp_path / "film.toml")
    assert film.scene(0).cppn == nets[0]
    assert film.scene(15).cppn == nets[1]
    weights = [net.layers[0][0] for net in (*nets, film.scene(5).cppn)]
    np.testing.assert_allclose(weights[2], (weights[0] + weights[1]) / 2, atol=1e-6)
    again = Timeline.parse(film.to_toml(), embedded=film.networks)
    assert again.fingerprint == film.fingerprint
    assert again.scene(15).cppn == nets[1]


def test_a_track_from_an_array(scene: Scene) -> None:
    angles = np.array([0.0, 5.0, -3.0, 40.0])
    z = np.arange(4 * 8).reshape(4, 8) / 10
    film = Timeline.of(scene, seconds=0.4, fps=10, arrays={"view.rotation": angles, "latent": z})
    assert [film.scene(k).view.rotation for k in range(4)] == angles.tolist()
    np.testing.assert_array_equal([film.scene(k).z for k in range(4)], z)
    assert Timeline.parse(film.to_toml()).fingerprint == film.fingerprint


@pytest.mark.parametrize(
    ("seconds", "fps", "frames"),
    [(10, 30, 300), (10, 29.97, 300), (10.01, "30000/1001", 300), (2.3, 10, 23), (0.04, 25, 1)],
)
def test_the_count_of_frames_is_exact(scene: Scene, seconds: Any, fps: Any, frames: int) -> None:
    film = moving(scene, zoom=2.0, seconds=seconds, fps=fps)
    assert film.frames == frames
    assert film.time(frames - 1) == pytest.approx(float((frames - 1) / Fraction(str(fps))))


def test_a_scene_is_no_timeline() -> None:
    assert is_timeline(EVERYTHING)
    assert not is_timeline(Scene.of(cppn=SMALL_NET).to_toml())
    assert not is_timeline("[film\n")


def test_a_palette_that_only_keyframes_have_colours_the_film() -> None:
    grey = Scene.of(cppn={"channels": 1})
    film = Timeline.of(grey, arrays={"output.palette": ["magma"] * 2}, seconds=1, fps=2)
    assert film.channels == 3
    with pytest.raises(SceneError, match=r"frame 1, at 0\.5 s: has another number of channels, 1,"):
        Timeline.of(grey, arrays={"output.palette": ["magma", None]}, seconds=1, fps=2)


def test_which_palettes_blend() -> None:
    """They did so in sRGB before, so their films have another fingerprint; others keep theirs."""
    grey = Scene.of(cppn={**SMALL_NET, "channels": 1})

    def film(*palettes: Any) -> Timeline:
        keyframes = [Keyframe(k, output={"palette": p}) for k, p in enumerate(palettes)]
        return Timeline.of(grey, keyframes, seconds=2, fps=2)

    assert not film("magma", "magma").tracks["output.palette"].blends_colours
    for mixed, count in (
        (film(["#000", "#fff"], ["#f00", "#00f"]), 2),
        (film("magma", "viridis"), 256),
        (film(["#000", "#fff"], "magma"), 256),
        (film("seed:1", "seed:2"), 7),
    ):
        assert mixed.tracks["output.palette"].blends_colours
        assert len(mixed.scene(1).output.palette or ()) == count


def test_the_shadow_of_a_palette_moves_too() -> None:
    lit = Scene.of(cppn={"preset": "tide"})
    keyframes = [Keyframe(k, output={"shadow": c}) for k, c in enumerate(("#000000", "#2040ff"))]
    film = Timeline.of(lit, keyframes, seconds=2, fps=2)
    assert film.scene(0).output.shadow == "#000000"
    assert film.scene(2).output.shadow == "#2040ff"
    between = film.scene(1).output.shadow
    assert between not in ("#000000", "#2040ff")
    assert film.tracks["output.shadow"].blends_colours


def test_the_seed_and_the_mutations_of_a_network_with_detail_move() -> None:
    scene = Scene.of(cppn={"preset": "tide", "seed": 1})
    child = {"seed": 2, "mutations": [{"seed": 3, "amount": 0.2}]}
    film = Timeline.of(scene, [Keyframe(0, cppn={"seed": 1}), Keyframe(1, cppn=child)], fps=2)
    assert film.scene(0).cppn == scene.cppn
    assert film.scene(2).cppn == scene.replace(cppn=child).cppn
    between = film.scene(1).cppn.layers[0][0]
    mean = (film.scene(0).cppn.layers[0][0] + film.scene(2).cppn.layers[0][0]) / 2
    assert np.allclose(between, mean, atol=1e-6)
    again = Timeline.parse(film.to_toml(), embedded=film.networks)
    assert again.fingerprint == film.fingerprint
