"""Ready moves: zoom, orbit and loop."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tilecppn.errors import InvalidRequestError
from tilecppn.film.timeline.moves import moving
from tilecppn.pixels.preview import preview
from tilecppn.scene.scene import Scene


@pytest.mark.parametrize("loop", [False, True])
def test_the_zoom_has_one_speed(scene: Scene, loop: bool) -> None:
    film = moving(scene, zoom=1e3, seconds=10, fps=30, loop=loop)
    scales = np.array([film.scene(k).view.scale for k in range(film.frames)])
    assert scales[0] == scene.view.scale
    assert scales.min() == pytest.approx(scene.view.scale / 1e3)
    ratios = scales[1:] / scales[:-1]
    half = ratios[: 149 if loop else None]
    np.testing.assert_allclose(half, half[0], rtol=1e-9)
    if loop:
        np.testing.assert_allclose(ratios[150:], 1 / half[0], rtol=1e-9)


def test_the_last_frame_without_a_loop_is_the_end(scene: Scene) -> None:
    film = moving(scene, morph=[4, 5, 6], zoom=7.0, seconds=1, fps=30)
    last = film.scene(film.frames - 1)
    np.testing.assert_array_equal(last.z, scene.cppn.seeded_latent(6))
    assert last.view.scale == scene.view.scale / 7


def test_the_loop_closes_as_smoothly_as_it_goes(scene: Scene) -> None:
    film = moving(scene, morph=[1, 2, 3], orbit=True, loop=True, seconds=2, fps=30)
    images = [preview(film.scene(k), 48).astype(int) for k in range(film.frames)]
    steps = [np.abs(a - b).mean() for a, b in pairwise([*images, images[0]])]
    assert steps[-1] <= 1.5 * max(steps[-2], steps[0])
    assert steps[-1] >= 0.5 * min(steps[-2], steps[0])


def test_the_orbit_is_a_circle_of_one_speed(scene: Scene) -> None:
    film = moving(scene.replace(view={"center": [3, -1]}), orbit=True, loop=True, fps=50)
    centers = np.array([film.scene(k).view.center for k in range(film.frames)]) - (3, -1)
    np.testing.assert_allclose(np.hypot(*centers.T), 0.5 * scene.view.scale, rtol=1e-4)
    steps = np.hypot(*np.diff(centers, axis=0).T)
    np.testing.assert_allclose(steps, steps.mean(), rtol=1e-3)


def test_moves_go_together(scene: Scene) -> None:
    film = moving(scene, morph=[1, 2, 3, 4], zoom=10.0, orbit=True, loop=True)
    assert set(film.tracks) == {"latent", "view.scale", "view.center"}


def test_moments_surround_the_frame(scene: Scene) -> None:
    film = moving(scene, zoom=10.0, seconds=1, fps=10, samples=4, shutter=0.5)
    scales = [scene.view.scale for scene in film.moments(5)]
    ratio = 10.0 ** (1 / 9)  # a frame
    logs = [np.log(s / film.scene(5).view.scale) / -np.log(ratio) for s in scales]
    np.testing.assert_allclose(logs, [-0.1875, -0.0625, 0.0625, 0.1875], atol=1e-9)


@pytest.mark.parametrize(
    ("moves", "words"),
    [({}, "nothing moves"), ({"morph": [1]}, "two seeds"), ({"zoom": 0.0}, "above 0")],
)
def test_bad_moves_are_refused(scene: Scene, moves: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        moving(scene, **moves)
