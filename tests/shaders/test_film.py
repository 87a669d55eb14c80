"""A page plays a timeline: each moment is the frame's picture, and what cannot move is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.shaders.conftest import Live, check_close, oracle, until
from tilecppn.errors import InvalidRequestError, SceneError
from tilecppn.film.motion import motion_of
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.shaders import shader

SCENE = """
[cppn]
preset = "ember"
width = 6
depth = 2
[canvas]
width = 48
height = 32
"""
MOVES = """
[film]
seconds = 2
fps = 10
interpolation.latent = "spline"
[[keyframe]]
time = 0
latent.seed = 1
view.center = [0.1, 0.2]
view.scale = 1.5
view.rotation = 20.0
[[keyframe]]
time = 1
latent.seed = 2
view.scale = 0.5
[[keyframe]]
time = 2
latent.seed = 3
view.center = [-0.4, 0.1]
view.rotation = 380.0
"""


def timeline(text: str, scene: str = SCENE) -> Timeline:
    return Timeline.parse(scene + text)


def write(path: Path, film: Timeline) -> Path:
    scene, motion = motion_of(film)
    return shader(scene, path, motion=motion)


def scrub(live: Live, time: float) -> None:
    live.page.evaluate(
        "time => { scrub.value = time; scrub.dispatchEvent(new Event('input')) }", time
    )


@pytest.mark.parametrize("swap", [False, True])
def test_each_moment_is_the_frames_picture(swap: bool, live: Live, tmp_path: Path) -> None:
    crop = SCENE + "crop = [0.5, 0.25, 0.5, 0.5]\n" if swap else SCENE
    film = timeline(MOVES, crop + f"[view]\nswap = {str(swap).lower()}\n")
    live.page.emulate_media(reduced_motion="reduce")
    live.start(write(tmp_path / "a.html", film))
    assert live.page.get_attribute("#walk", "aria-pressed") == "false"
    for frame in (0, 7, 19):
        scrub(live, frame / (film.frames - 1))
        canvas = film.base.canvas
        check_close(live.draw(canvas.width, canvas.height), oracle(film.scene(frame)))
    assert live.foreign == []


def test_it_plays_pauses_and_ends(live: Live, tmp_path: Path) -> None:
    live.start(write(tmp_path / "a.html", timeline(MOVES)))
    until(live.page, "Number(scrub.value) > 0")
    live.page.keyboard.press(" ")
    assert live.page.evaluate("picture.walking") is False
    scrub(live, 0.97)
    live.page.keyboard.press(" ")
    until(live.page, "!picture.walking && scrub.value === '1'")
    assert live.page.get_attribute("#walk", "aria-pressed") == "false"
    assert not live.page.locator("#next").is_visible()


def test_a_loop_ends_where_it_began() -> None:
    text = MOVES.replace("fps = 10", "fps = 10\nloop = true").replace("time = 2", "time = 1.9")
    motion = motion_of(timeline(text))[1]
    assert (motion.loop, motion.seconds, len(motion.moments)) == (True, 2.0, 21)
    assert motion.moments[-1] == pytest.approx(motion.moments[0])


def test_centres_far_inside_keep_their_places() -> None:
    text = (
        MOVES.replace("1.5", "1e-4").replace("0.5", "1e-5").replace("[-0.4, 0.1]", "[0.1, 0.20001]")
    )
    motion = motion_of(timeline(text))[1]
    columns = motion.numbers().reshape(-1, len(motion.moments)).astype(float)
    assert np.abs(columns[0:2] + columns[2:4] - motion.moments[:, :2].T).max() < 1e-15


@pytest.mark.parametrize(
    ("scene", "move", "words"),
    [
        ("", "output.invert = true", "output.invert: cannot move on a page"),
        ("", "cppn.seed = 3", "cppn: cannot move on a page"),
        ("[view]\nmirror = 'x'\n", "view.center = [1, 1]", "which plays latent, view.scale of"),
        ("[view]\nrepeat = 'x'\n", "view.scale = 0.1", "view.scale: cannot"),
        ("[view]\naspect = 'stretch'\n", "view.rotation = 9.0", "view.rotation: cannot"),
        (
            "",
            "view.scale = 1.0\n[[keyframe]]\ntime = 1\nview.scale = 1e-20",
            "a page 100,000 : 1 at most",
        ),
    ],
)
def test_what_a_page_cannot_play_is_refused(scene: str, move: str, words: str) -> None:
    moves = "[film]\nseconds = 1\nfps = 4\n[[keyframe]]\ntime = 0\nlatent.seed = 1\n"
    film = timeline(f"{moves}[[keyframe]]\ntime = 0.5\n{move}\n", SCENE + scene)
    with pytest.raises(SceneError, match=words):
        motion_of(film)


def test_a_function_does_not_move(tmp_path: Path) -> None:
    scene, motion = motion_of(timeline(MOVES))
    with pytest.raises(InvalidRequestError, match="a function has no time"):
        shader(scene, tmp_path / "a.glsl", motion=motion)
