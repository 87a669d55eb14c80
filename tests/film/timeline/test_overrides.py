"""`--set film.KEY=VALUE` is as the changed file; another length moves the keyframes."""

from pathlib import Path

import pytest

from tilecppn.errors import SceneError
from tilecppn.film.timeline.timeline import Timeline

FILM = """
[cppn]
width = 4
depth = 1
[film]
seconds = 4
fps = 10
loop = true
interpolation.view.rotation = "spline"
[film.latents]
a = {seed = 9}
[[keyframe]]
time = 0
latent.sum = "a"
view.rotation = 0
[[keyframe]]
time = 1
latent.seed = 2
[[keyframe]]
time = 4
view.rotation = 360
"""


@pytest.mark.parametrize(
    ("override", "old", "new"),
    [
        ("film.fps=25", "fps = 10", "fps = 25"),
        ("film.fps = 30000/1001", "fps = 10", 'fps = "30000/1001"'),
        ("film.samples=3", "fps = 10", "fps = 10\nsamples = 3"),
        ("film.easing.latent=in", "[film.latents]", 'easing.latent = "in"\n[film.latents]'),
        ("film.interpolation.view.rotation=linear", '"spline"', '"linear"'),
        ("film.interpolation.view.rotation=none", 'interpolation.view.rotation = "spline"\n', ""),
        ("film.latents.a.seed=3", "seed = 9", "seed = 3"),
        ("canvas.width=64", "[film]", "[canvas]\nwidth = 64\n[film]"),
    ],
)  # fmt: skip
def test_an_override_is_as_the_changed_file(override: str, old: str, new: str) -> None:
    assert old in FILM
    changed = Timeline.parse(FILM.replace(old, new, 1))
    assert Timeline.parse(FILM, overrides=[override]).fingerprint == changed.fingerprint


def test_another_length_moves_the_keyframes_in_proportion(tmp_path: Path) -> None:
    film = Timeline.parse(FILM)
    (tmp_path / "film.toml").write_text(FILM)
    short = Timeline.load(tmp_path / "film.toml", ["film.seconds=3"])
    assert [k.time for k in short.keyframes] == [0.0, 0.75, 3.0]
    assert short.frames == 30
    long = film.replace(seconds=12.7)
    assert [k.time for k in long.keyframes] == pytest.approx([0.0, 3.175, 12.7])
    for k in range(40):
        assert long.replace(fps=40 / 12.7).scene(k).view.rotation == pytest.approx(
            film.scene(k).view.rotation
        )
    both = Timeline.load(tmp_path / "film.toml", ["film.seconds=3"], seconds=2)
    assert both.keyframes[-1].time == 2.0


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("film.fps=0", "film.fps: film.fps = 0: must be a number above 0"),
        ("film.secs=1", 'did you mean "film.seconds"'),
        ("film.seconds.x=1", "film.seconds is not a table"),
        ("film.seconds", "must be section.key=value"),
        ("film.interpolation.latent=cubic", "film.interpolation: "),
        ("film.excerpt=[3, 3]", "two frame numbers"),
        ("film.excerpt=[3, 41]", "the film has frames 0 to 39"),
        ("film.excerpt=3", "two frame numbers"),
    ],
)
def test_a_wrong_override_is_named(override: str, words: str) -> None:
    with pytest.raises(SceneError) as caught:
        Timeline.parse(FILM, name="film.toml", overrides=[override])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
