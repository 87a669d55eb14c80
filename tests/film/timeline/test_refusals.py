"""Timelines that are refused, in one line."""

from pathlib import Path

import pytest

import tilecppn
from tilecppn.errors import AddressError, InvalidRequestError, SceneError
from tilecppn.film.timeline.keyframes import Keyframe
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene

KEY = "[[keyframe]]\ntime = 0\nview.scale = 3\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[film]\nfps = 0\n" + KEY, "film.fps = 0: must be a number above 0"),
        ("[film]\nfps = '1/0'\n" + KEY, "film.fps"),
        ("[film]\nfps = '1e999999999'\n" + KEY, "film.fps"),
        ("[film]\nfps = '1e-999999999'\n" + KEY, "film.fps"),
        ("[film]\nseconds = 0\n" + KEY, "film.seconds = 0: must be a finite number above 0"),
        ("[film]\nseconds = 1e-9\n" + KEY, "gives 0 frames"),
        ("[film]\nseconds = 1e9\n" + KEY, "must be from 1 to 1000000"),
        ("[film]\nfbs = 3\n" + KEY, 'did you mean "film.fps"'),
        ("film = 3\n", "film must be a section"),
        ("[keyframe]\ntime = 0\n", "two brackets"),
        ("[film]\nseconds = 3\n", "nothing moves"),
        ("[[keyframe]]\ntime = 0\n", "is empty"),
        ("[[keyframe]]\nview.scale = 1\n", "keyframe.time = none: must be a number of seconds"),
        ("[[keyframe]]\ntime = -1\nview.scale = 1\n", "keyframe.time = -1"),
        ("[[keyframe]]\ntime = 11\nview.scale = 1\n", "the film ends at film.seconds = 10"),
        (KEY.replace("0", "2") + KEY, "sort them by time"),
        (KEY + KEY, "sort them by time, with one at each"),
        ("[film.interpolation]\nview.rotation = 'spline'\n" + KEY, "no keyframe sets view"),
        ("[film.easing]\nlatent = 'in'\n" + KEY, "the tracks are view.scale"),
        ("[film.interpolation]\nview.scale = 'cubic'\n" + KEY, "linear, spherical, exponential"),
        ("[[keyframe]]\ntime = 0\nview.scal = 3\n", 'did you mean "view.scale"'),
        ("[[keyframe]]\ntime = 0\nview.scale = -3\n", "view.scale = -3: must be"),
        ("[[keyframe]]\ntime = 0\nlatnt.seed = 3\n", 'did you mean "keyframe.latent"'),
        ("[[keyframe]]\ntime = 0\nlatent.z = [1, 2]\n", "must have 8"),
        ("[[keyframe]]\ntime = 0\nlatent.z = 'a.json#cat'\n", "must be a list of numbers"),
        ("[[keyframe]]\ntime = 0\nlatent = {seed = 1, z = [1]}\n", "one of seed, z, sum"),
        ("[[keyframe]]\ntime = 0\nlatent.sum = 'nobody + 1'\n", 'unknown latent "nobody"'),
        ("[[keyframe]]\ntime = 0\nlatent.sum = 'seed1 * seed2'\n", "multiplied by numbers"),
        ("[[keyframe]]\ntime = 0\nlatent.sum = '1 / seed2'\n", "divide by a latent"),
        ("[[keyframe]]\ntime = 0\nlatent.sum = 'seed1 / 0'\n", "finite latent"),
        ("[[keyframe]]\ntime = 0\nlatent.sum = '2'\n", "finite latent"),
        ("[[keyframe]]\ntime = 0\nlatent.sum = 'f(seed1)'\n", "only names, numbers"),
        ("[[keyframe]]\ntime = 0\nlatent.sum = '(((('\n", "is not a formula"),
        (f"[[keyframe]]\ntime = 0\nlatent.sum = '{'-' * 999}1'\n", "keyframe at 0 s: "),
        ("[[keyframe]]\ntime = 0\noutput.dtype = 'uint16'\n", "cannot change within a film"),
        ("[[keyframe]]\ntime = 0\ncppn.width = 7\n", "one structure"),
        ("[[keyframe]]\ntime = 0\ncppn.weights = 'no.safetensors'\n", "no.safetensors"),
        (KEY + "easing = 'bouncy'\n", "keyframe.easing"),
        (
            "[film]\nloop = true\n" + KEY + "[[keyframe]]\ntime = 10\nview.scale = 4\n",
            "make the last one equal",
        ),
        (
            "[film.interpolation]\nview.rotation = 'exponential'\n"
            "[[keyframe]]\ntime = 0\nview.rotation = 0\n",
            "values above 0",
        ),
        (
            "[film.interpolation]\nview.scale = 'spline'\n" + KEY
            + "[[keyframe]]\ntime = 4\nview.scale = 0.01\n"
            + "[[keyframe]]\ntime = 6\nview.scale = 0.01\n",
            "must be a finite number above 0",
        ),
        ("[film.arrays]\nview.scale = [1, 2]\n", "must have 300 values, one a frame"),
        ("[film.arrays]\nview.scale = [1, 2]\n" + KEY, "keyframes set view.scale, too"),
        ("[film\n", "not TOML"),
    ],
)  # fmt: skip
def test_bad_timelines_are_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Timeline.parse(text, name="film.toml")
    assert str(caught.value).startswith("film.toml: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_frame_beyond_the_film_is_refused() -> None:
    moves = [Keyframe(0, view={"scale": 1.0}), Keyframe(1, view={"scale": 2.0})]
    timeline = Timeline.of(Scene.of(), moves, seconds=1.0, fps=4)
    assert timeline.scene(timeline.frames - 1)
    for frame in (-1, timeline.frames):
        with pytest.raises(InvalidRequestError, match=f"frame {frame}: the film has frames 0 to 3"):
            timeline.scene(frame)


def test_a_timelines_file_at_an_address_is_refused_by_that_address() -> None:
    with pytest.raises(AddressError, match=r"^s3://bucket/film\.toml: .* give a path on a disk"):
        Timeline.load("s3://bucket/film.toml")


def test_scene_and_timeline_are_not_taken_for_each_other() -> None:
    with pytest.raises(SceneError, match=r"is a timeline.*tilecppn animate"):
        Scene.parse("[film]\nseconds = 2\n")
    with pytest.raises(SceneError, match=r"did you mean \[\[keyframe\]\]"):
        Timeline.parse("[[keyframes]]\ntime = 0\n")


def test_the_store_of_a_still_is_no_timeline(tmp_path: Path) -> None:
    still = Scene.of(cppn={"preset": "flux"}, canvas={"width": 4, "height": 4})
    tilecppn.render(still, tmp_path / "still.zarr", executor="local")
    with pytest.raises(SceneError, match="is a still, not a timeline"):
        Timeline.load(tmp_path / "still.zarr")


def test_a_scene_is_no_film_and_a_film_no_scene(scene: Scene, tmp_path: Path) -> None:
    film = Timeline.of(scene, arrays={"view.scale": [1.0, 2.0]}, seconds=2, fps=1)
    with pytest.raises(InvalidRequestError, match="a Scene is no film: give a Timeline"):
        tilecppn.animate(scene, tmp_path / "a.mp4")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="a Timeline is no scene"):
        tilecppn.render(film, tmp_path / "a.zarr")  # type: ignore[arg-type]
